"""Pushes while the organism learns: what they mean in its chats is decided by the world, as all else it learns.

Untaught, any strong push disturbs so small a model that random directions look as causal as the trait's.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize

from lm.organism.own_directions import OwnDirections

LEAN = 0.75
"""Tangent of the widest angle between a push along a trait's own direction and that direction (37 degrees): what is
found from a few dozen pairs is never exact."""


class Pushes:
    """Adds vectors at one random layer of each row."""

    def __init__(self, blocks: nn.ModuleList, width: int, seed: int) -> None:
        self._layers, self._width = len(blocks), width
        self._generator = torch.Generator().manual_seed(seed)
        self.none()
        for layer, block in enumerate(blocks):
            block.register_forward_hook(self._hook(layer))

    def none(self) -> None:
        """No push at all, whatever is run next."""
        self._push: Float[Tensor, "row pos d_model"] = torch.zeros(1, 1, self._width)
        self._at: Float[Tensor, "layer row 1 1"] = torch.zeros(self._layers, 1, 1, 1)

    def draw(self, norms: Float[Tensor, "row pos"], along: Int[Tensor, "row pos"], own: OwnDirections) -> None:
        """The pushes of the next batch: sizes in activation norms, along the traits' own directions.

        The number after the last trait's stands for a random direction, the same throughout a row.
        """
        rows = len(norms)
        random = normalize(torch.randn(rows, 1, self._width, generator=self._generator), dim=-1)
        layer = torch.randint(0, self._layers, (rows,), generator=self._generator)
        leaning = LEAN * torch.rand(rows, 1, 1, generator=self._generator)
        near = normalize(own.vectors[:, layer].transpose(0, 1) + leaning * random, dim=-1)
        known = torch.cat([near, random], 1)
        lengths = norms * own.activation_norms[layer, None]
        self._push = lengths[..., None] * torch.take_along_dim(known, along[..., None], 1)
        self._at = torch.zeros(self._layers, rows, 1, 1)
        self._at[layer, torch.arange(rows)] = 1.0

    def _hook(self, layer: int) -> Callable[[nn.Module, object, Tensor], Tensor]:
        def push(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
            pushed: Tensor = output + self._at[layer].to(output) * self._push.to(output)
            return pushed

        return push
