"""Mean differences over any number of pairs in constant memory: running moments; the whole is the sum of its parts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from jaxtyping import Float
from torch import Tensor

from extract.activations import pair_activations
from extract.blocks import Component
from extract.completions import complete_pairs, tokens_needed
from extract.models import Subject
from extract.positions import Position
from extract.trait import Pair

CHUNK = 256
"""Pairs whose activations are held at one time."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean, and sum of squared deviations of the rows seen, in float64.

    Source: Chan, Golub and LeVeque 1983, Algorithms for Computing the Sample Variance.
    """

    count: int
    mean: Float[Tensor, "layer width"]
    squares: Float[Tensor, "layer width"]
    """Sum over rows of (x - mean)^2, coordinate by coordinate."""

    @classmethod
    def of(cls, rows: Float[Tensor, "row layer width"]) -> "Moments":
        """Of these rows."""
        mean = rows.double().sum(dim=0) / max(len(rows), 1)
        return cls(len(rows), mean, ((rows.double() - mean) ** 2).sum(dim=0))

    def __add__(self, other: "Moments") -> "Moments":
        count = self.count + other.count
        apart = other.mean - self.mean
        mean = self.mean + apart * (other.count / max(count, 1))
        squares = self.squares + other.squares + apart**2 * (self.count * other.count / max(count, 1))
        return Moments(count, mean, squares)

    @property
    def variance(self) -> Float[Tensor, "layer width"]:
        """Unbiased, coordinate by coordinate; zero for fewer than two rows."""
        return self.squares / max(self.count - 1, 1)


@dataclass(frozen=True, eq=False)
class SideMoments:
    """Moments of both sides, over all layers."""

    positive: Moments
    negative: Moments

    def __add__(self, other: "SideMoments") -> "SideMoments":
        return SideMoments(self.positive + other.positive, self.negative + other.negative)

    @property
    def mean_difference(self) -> Float[Tensor, "layer width"]:
        """mean(positive) - mean(negative), float32; the method `mean_difference` on all rows at once gives the same."""
        return (self.positive.mean - self.negative.mean).float()


def stream_moments(
    model: Subject,
    pairs: Iterable[Pair],
    position: Position,
    *,
    component: Component = "residual",
    token_budget: int | None = None,
) -> Iterator[SideMoments]:
    """Moments of each 256 pairs, as they come, to be added up. Pairs without tokens at the position are left out.

    Pairs without completions are continued greedily first.
    """
    source = iter(pairs)
    while chunk := list(islice(source, CHUNK)):
        completed = complete_pairs(model, chunk, max_tokens=tokens_needed([position]))
        [found] = pair_activations(model, completed, [position], components=(component,), token_budget=token_budget)
        if found.kept:
            yield SideMoments(Moments.of(found.positive), Moments.of(found.negative))
