"""Mean difference."""

from jaxtyping import Float
from torch import Tensor

from extract.methods.contrast import Contrast


def mean_difference(rows: Contrast) -> Float[Tensor, " d_model"]:
    """v = mean(positive) - mean(negative), summed in float64.

    Source: Marks and Tegmark 2023, The Geometry of Truth (mass-mean direction); Rimsky et al. 2023, Steering Llama 2
    via Contrastive Activation Addition.
    """
    return (rows.positive.double().mean(dim=0) - rows.negative.double().mean(dim=0)).float()
