"""Texts as token ids: those of the prompt, encoded once, and those that were generated, never re-tokenised text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

from extract.models import Subject
from extract.positions import Position, Span
from extract.trait import SIDES, Pair, Side

PaddingSide = Literal["left", "right"]


@dataclass(frozen=True)
class TokenRow:
    """One text as token ids, with the borders that positions refer to."""

    ids: tuple[int, ...]
    prompt: int
    """How many of `ids` are the prompt's."""
    leading: int = 0
    """How many of the prompt's are special tokens in front."""
    spans: tuple[Span, ...] | None = None
    """The frames of a chat's turns; None for a plain text."""

    def places(self, position: Position) -> Sequence[int]:
        """Which of `ids` a position selects."""
        return position.resolve(self.prompt, len(self.ids) - self.prompt, leading=self.leading, spans=self.spans)


def sample_rows(model: Subject, pair: Pair, side: Side) -> list[TokenRow]:
    """The token rows of one side: its scenario, followed by each of its completions, or by nothing if it has none."""
    return _with_answers(model, model.encode(pair.scenario(side)), pair, side)


def side_rows(model: Subject, pairs: Sequence[Pair]) -> list[list[TokenRow]]:
    """The token rows of all sides: positive of the first pair, its negative, positive of the second pair, …"""
    sides = [(pair, side) for pair in pairs for side in SIDES]
    prompts = model.spelling.encode([pair.scenario(side) for pair, side in sides])
    return [_with_answers(model, prompt, pair, side) for prompt, (pair, side) in zip(prompts, sides, strict=True)]


def _with_answers(model: Subject, ids: Sequence[int], pair: Pair, side: Side) -> list[TokenRow]:
    prompt = tuple(ids)
    leading = model.leading(prompt)
    answers = [sample.token_ids for sample in pair.completions.get(side, ())] or [()]
    return [TokenRow(prompt + answer, len(prompt), leading) for answer in answers]


def pad(
    rows: Sequence[Sequence[int]], side: PaddingSide, device: torch.device
) -> tuple[Int[Tensor, "row token"], Int[Tensor, "row token"]]:
    """Rows as one tensor, and which of its entries are real (1) or padding (0)."""
    longest = max(len(row) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    real = torch.zeros(len(rows), longest, dtype=torch.long)
    for number, row in enumerate(rows):
        places = slice(longest - len(row), longest) if side == "left" else slice(0, len(row))
        ids[number, places] = torch.tensor(row, dtype=torch.long)
        real[number, places] = 1
    return ids.to(device), real.to(device)
