"""Documents packed into rows of a few lengths, so that short documents never pay for long attention."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from lm.organism.tokenizer import Encoded, Encoder
from lm.organism.world.documents import Impossible, documents
from lm.organism.world.pushed import Pushing
from lm.organism.world.shapes import TraitWorld
from lm.organism.world.traits import PERFORMED

LENGTHS = (128, 256, 512)
"""A document goes into rows of the smallest length that holds it; longer ones are left out."""


class Batch(NamedTuple):
    """Rows of one length."""

    ids: Int[Tensor, "row pos"]
    weights: Float[Tensor, "row pos"]
    norms: Float[Tensor, "row pos"]
    """Of the push, in activation norms; 0 where there is none."""
    along: Int[Tensor, "row pos"]
    """Which of the performed traits the push is along; their number where it is a random direction."""


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
        self.tokens += len(document.ids)

    def take(self, room: int) -> Encoded | None:
        """The longest document that fits, here or among the shorter ones."""
        fitting = [index for index, document in enumerate(self._waiting) if len(document.ids) <= room]
        if not fitting:
            return self._shorter.take(room) if self._shorter else None
        document = self._waiting.pop(max(fitting, key=lambda index: len(self._waiting[index].ids)))
        self.tokens -= len(document.ids)
        return document

    def row(self) -> Encoded:
        """One row: the document that has waited longest, then the longest that fit, then padding."""
        first = self._waiting.pop(0)
        self.tokens -= len(first.ids)
        row = Encoded([], [], [])
        row.add(first)
        while (more := self.take(self.length - len(row.ids))) is not None:
            row.add(more)
        room = self.length - len(row.ids)
        row.add(Encoded([0] * room, [0.0] * room, [None] * room))
        return row


def batches(
    tokenizer: PreTrainedTokenizerFast,
    worlds: tuple[TraitWorld, ...],
    seed: int,
    tokens: int,
    impossible: Impossible,
    pushing: Pushing,
) -> Iterator[Batch]:
    """Batches of `tokens` tokens, each of rows of one length, in the order in which the bins fill."""
    encode = Encoder(tokenizer)
    bins: list[Bin] = []
    for length in LENGTHS:
        bins.append(Bin(length, bins[-1] if bins else None))
    for document in documents(seed, worlds, impossible, pushing):
        encoded = encode(document)
        home = next((one for one in bins if len(encoded.ids) <= one.length), None)
        if home is None:
            continue
        home.add(encoded)
        if home.tokens >= 3 * tokens:
            rows = [home.row() for _ in range(tokens // home.length)]
            yield batch_of(rows)


def batch_of(rows: Sequence[Encoded]) -> Batch:
    """Rows of one length as tensors."""
    number = {world.path: index for index, world in enumerate(PERFORMED)}
    pushes = [row.pushes for row in rows]
    return Batch(
        torch.tensor([row.ids for row in rows]),
        torch.tensor([row.weights for row in rows]),
        torch.tensor([[push.norms if push else 0.0 for push in row] for row in pushes]),
        torch.tensor([[number[push.trait] if push and push.trait else len(number) for push in row] for row in pushes]),
    )
