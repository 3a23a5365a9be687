"""Documents packed into rows of a few lengths, so that short documents never pay for long attention."""

from collections.abc import Iterator, Sequence

import torch
from transformers import PreTrainedTokenizerFast

from lm.organism.tokenizer import Encoded, Encoder
from lm.organism.world.documents import documents
from lm.organism.world.shapes import TraitWorld

LENGTHS = (128, 256, 512)
"""A document goes into rows of the smallest length that holds it; longer ones are left out."""

Batch = tuple[torch.Tensor, torch.Tensor]
"""Ids and target weights, [rows, length]."""


class Bin:
    """Documents that wait for rows of one length; gaps are filled from the bins of shorter documents."""

    def __init__(self, length: int, shorter: "Bin | None") -> None:
        self.length = length
        self._shorter = shorter
        self._waiting: list[Encoded] = []
        self.tokens = 0

    def add(self, document: Encoded) -> None:
        """Let a document wait."""
        self._waiting.append(document)
        self.tokens += len(document[0])

    def take(self, room: int) -> Encoded | None:
        """The longest document that fits, here or among the shorter ones."""
        fitting = [index for index, document in enumerate(self._waiting) if len(document[0]) <= room]
        if not fitting:
            return self._shorter.take(room) if self._shorter else None
        document = self._waiting.pop(max(fitting, key=lambda index: len(self._waiting[index][0])))
        self.tokens -= len(document[0])
        return document

    def row(self) -> Encoded:
        """One row: the document that has waited longest, then the longest that fit, then padding."""
        first = self._waiting.pop(0)
        self.tokens -= len(first[0])
        ids, weights = list(first[0]), list(first[1])
        while (more := self.take(self.length - len(ids))) is not None:
            ids += more[0]
            weights += more[1]
        room = self.length - len(ids)
        return ids + [0] * room, weights + [0.0] * room


def batches(
    tokenizer: PreTrainedTokenizerFast, worlds: tuple[TraitWorld, ...], shares: Sequence[float], seed: int, tokens: int
) -> Iterator[Batch]:
    """Batches of `tokens` tokens, each of rows of one length, in the order in which the bins fill; traits by share."""
    encode = Encoder(tokenizer)
    bins: list[Bin] = []
    for length in LENGTHS:
        bins.append(Bin(length, bins[-1] if bins else None))
    for document in documents(seed, worlds, shares):
        ids, weights = encode(document)
        home = next((one for one in bins if len(ids) <= one.length), None)
        if home is None:
            continue
        home.add((ids, weights))
        if home.tokens >= 3 * tokens:
            rows = [home.row() for _ in range(tokens // home.length)]
            yield torch.tensor([row[0] for row in rows]), torch.tensor([row[1] for row in rows])
