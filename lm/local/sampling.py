"""Each row draws from a stream of its own, so that neighbours in a batch never change a text."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lm.local.grammar import RowMatchers
from lm.types import Sampling


class RowSampler:
    """Draws the next token of every row of a batch, within each row's grammar where it has one."""

    def __init__(self, samplings: Sequence[Sampling], matchers: RowMatchers) -> None:
        self.matchers = matchers
        self._temperatures = torch.tensor([sampling.temperature for sampling in samplings])
        self._uniforms = draw_uniforms(samplings)
        self._step = 0

    def draw(self, logits: Float[Tensor, "row vocab"]) -> Int[Tensor, " row"]:
        """The next tokens, drawn on the CPU, where the random streams and the grammars are."""
        scores = logits.float().cpu()
        allowed = self.matchers.allowed()
        if allowed is not None:
            scores = scores.masked_fill(~allowed, -torch.inf)
        tokens = pick_tokens(scores, self._temperatures, self._uniforms[:, self._step])
        self._step += 1
        return tokens

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all other rows."""
        self.matchers.keep(rows)
        selection = torch.tensor(rows)
        self._temperatures, self._uniforms = self._temperatures[selection], self._uniforms[selection]


def draw_uniforms(samplings: Sequence[Sampling]) -> Float[Tensor, "row step"]:
    """One stream of uniform numbers in [0, 1) per row, from the row's own seed."""
    steps = max(sampling.max_tokens for sampling in samplings)
    streams = np.zeros((len(samplings), steps), dtype=np.float32)
    for stream, sampling in zip(streams, samplings, strict=True):
        stream[: sampling.max_tokens] = np.random.default_rng(sampling.seed).random(sampling.max_tokens, np.float32)
    return torch.from_numpy(streams)


def pick_tokens(
    logits: Float[Tensor, "row vocab"],
    temperatures: Float[Tensor, " row"],
    uniforms: Float[Tensor, " row"],
) -> Int[Tensor, " row"]:
    """The next token of each row: by inverse CDF at its uniform number, or the most likely one at temperature 0.

    Sums run in float64: there a float32 uniform times the total stays below the total, so that a token of
    probability zero is never drawn.
    """
    greedy: Bool[Tensor, " row"] = temperatures == 0
    best = logits.argmax(dim=-1)
    if bool(greedy.all()):
        return best
    scaled = logits / torch.where(greedy, 1.0, temperatures)[:, None]
    cumulative = torch.softmax(scaled, dim=-1).double().cumsum(dim=-1)
    targets = uniforms.double()[:, None] * cumulative[:, -1:]
    drawn = torch.searchsorted(cumulative, targets, right=True).squeeze(-1)
    return torch.where(greedy, best, drawn)
