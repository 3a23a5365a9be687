"""A random direction: the control that knows nothing of the pairs but their scale."""

import torch
from jaxtyping import Float
from torch import Tensor

from extract.methods.contrast import Contrast
from extract.methods.mean_difference import mean_difference


def random_direction(rows: Contrast) -> Float[Tensor, " d_model"]:
    """v = ||mean difference|| g / ||g||, with g standard normal from the contrast's seed: uniform on the sphere.

    Source: Muller 1959, A note on a method for generating points uniformly on n-dimensional spheres.
    """
    generator = torch.Generator().manual_seed(rows.seed)
    drawn = torch.randn(rows.positive.shape[1], generator=generator)
    unit = drawn / float(drawn.norm())
    return unit * float(mean_difference(rows).norm())
