"""What every method is given: two row matrices of one layer."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Contrast:
    """The two sides of the same pairs at one layer, row by row, in float32."""

    positive: Float[Tensor, "pair d_model"]
    negative: Float[Tensor, "pair d_model"]
    groups: tuple[str, ...]
    """The ground truth of each pair: rows of one group never stand on both sides of a split."""
    seed: int = 0
