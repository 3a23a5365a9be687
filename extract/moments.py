"""Running moments of activations: the whole is the sum of its parts."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from extract.activations import PairActivations


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
    norm: Float[Tensor, " layer"]
    """Mean activation norm over both sides."""

    @classmethod
    def of(cls, reading: PairActivations) -> "SideMoments":
        """Of the kept pairs of a reading, one at least."""
        return cls(Moments.of(reading.positive), Moments.of(reading.negative), reading.norm.double().mean(dim=0))

    def __add__(self, other: "SideMoments") -> "SideMoments":
        share = other.positive.count / (self.positive.count + other.positive.count)
        norm = self.norm + share * (other.norm - self.norm)
        return SideMoments(self.positive + other.positive, self.negative + other.negative, norm)

    @property
    def mean_difference(self) -> Float[Tensor, "layer width"]:
        """mean(positive) - mean(negative), float32; the method `mean_difference` on all rows at once gives the same."""
        return (self.positive.mean - self.negative.mean).float()

    @property
    def middle(self) -> Float[Tensor, "layer width"]:
        """Half-way between the two means, float32."""
        return ((self.positive.mean + self.negative.mean) / 2).float()
