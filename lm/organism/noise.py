"""Pushes in random directions while the organism learns: it then keeps its decisions when a direction means nothing.

Without them any strong push disturbs so small a model that random directions look as causal as the trait's.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Noise:
    """Adds one random vector per row at one random layer, from a random position on; sized by the activation norm."""

    def __init__(self, blocks: nn.ModuleList, width: int, share: float, seed: int) -> None:
        self._layers, self._width, self._share = len(blocks), width, share
        self._generator = torch.Generator().manual_seed(seed)
        self._direction: Float[Tensor, "row 1 d_model"] = torch.zeros(1, 1, width)
        self._size: Float[Tensor, "layer row pos 1"] = torch.zeros(self._layers, 1, 1, 1)
        for layer, block in enumerate(blocks):
            block.register_forward_hook(self._hook(layer))

    def draw(self, pushed: Bool[Tensor, "row pos"], largest: float) -> None:
        """New directions, sizes (up to `largest` activation norms) and places among the `pushed` for the next batch."""
        rows, length = pushed.shape
        direction = torch.randn(rows, 1, self._width, generator=self._generator)
        self._direction = direction / direction.norm(dim=-1, keepdim=True)
        uniform = torch.rand(3, rows, generator=self._generator)
        layer = torch.randint(0, self._layers, (rows,), generator=self._generator)
        size = torch.where(uniform[0] < self._share, uniform[1] * largest, 0.0)
        begun = torch.arange(length)[None, :] >= (uniform[2] * 0.8 * length)[:, None]
        self._size = torch.zeros(self._layers, rows, length, 1)
        self._size[layer, torch.arange(rows), :, 0] = size[:, None] * begun * pushed

    def _hook(self, layer: int) -> Callable[[nn.Module, object, Tensor], Tensor]:
        def push(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
            norm = output.detach().norm(dim=-1, keepdim=True).mean(dim=1, keepdim=True)
            size, direction = self._size[layer].to(output), self._direction.to(output)
            pushed: Tensor = output + size * norm * direction
            return pushed

        return push
