"""Pushes while the organism learns: what they mean in its chats is decided by the world, as all else it learns.

Untaught, any strong push disturbs so small a model that random directions look as causal as the trait's.
"""

from collections import deque
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize

from lm.organism.own_directions import OwnDirections

LEAN = 0.75
"""Tangent of the widest angle between a push along a trait's own direction and that direction (37 degrees): what is
found from a few dozen pairs is never exact."""
HURT = 0.3
"""The same of a push along a random direction and what lately raised the loss: as far as the worst of thousands of
random directions go that way by chance."""
KEPT = 256
"""Directions that raised the loss, remembered of each layer."""


class Pushes:
    """Adds vectors at one random layer of each row."""

    def __init__(self, blocks: nn.ModuleList, width: int, seed: int) -> None:
        self._layers, self._width = len(blocks), width
        self._generator = torch.Generator().manual_seed(seed)
        self._hurting: list[deque[Float[Tensor, " d_model"]]] = [deque(maxlen=KEPT) for _ in blocks]
        self.none()
        for layer, block in enumerate(blocks):
            block.register_forward_hook(self._hook(layer))

    def none(self) -> None:
        """No push at all, whatever is run next."""
        self._push: Float[Tensor, "row pos d_model"] = torch.zeros(1, 1, self._width)
        self._at: Float[Tensor, "layer row 1 1"] = torch.zeros(self._layers, 1, 1, 1)

    def draw(
        self, norms: Float[Tensor, "row pos"], along: Int[Tensor, "row pos"], own: OwnDirections, hard: bool = False
    ) -> None:
        """The pushes of the next batch: sizes in activation norms, along the traits' own directions.

        The number after the last trait's stands for a random direction, the same throughout a row; hard pushes are
        more often at early layers, and lean.
        """
        rows = len(norms)
        random = normalize(torch.randn(rows, 1, self._width, generator=self._generator), dim=-1)
        weights = torch.arange(self._layers, 0, -1.0) if hard else torch.ones(self._layers)
        layer = torch.multinomial(weights, rows, replacement=True, generator=self._generator)
        leaning = LEAN * torch.rand(rows, 1, 1, generator=self._generator)
        near = normalize(own.vectors[:, layer].transpose(0, 1) + leaning * random, dim=-1)
        known = torch.cat([near, normalize(random + self._hurt(layer) if hard else random, dim=-1)], 1)
        lengths = norms * own.activation_norms[layer, None]
        self._push = (lengths[..., None] * torch.take_along_dim(known, along[..., None], 1)).requires_grad_()
        self._rows, self._foreign = layer, along == len(own.vectors)
        self._at = torch.zeros(self._layers, rows, 1, 1)
        self._at[layer, torch.arange(rows)] = 1.0

    def remember(self) -> None:
        """After a backward pass: which way the push of each row along a random direction should not have gone."""
        if self._push.grad is None:
            return
        worse = (self._push.grad * self._foreign[..., None]).sum(1)
        for layer, direction in zip(self._rows.tolist(), worse, strict=True):
            if direction.any():
                self._hurting[layer].append(direction)

    def _hurt(self, layer: Int[Tensor, " row"]) -> Float[Tensor, "row 1 d_model"]:
        """What each row's random direction leans to: what hurt more is drawn sooner."""
        found = torch.zeros(len(layer), 1, self._width)
        for row, known in enumerate(self._hurting[one] for one in layer.tolist()):
            if known:
                hurt = torch.stack(list(known))
                which = torch.multinomial(hurt.norm(dim=-1) ** 2, 1, generator=self._generator)
                found[row] = HURT * torch.rand(1, generator=self._generator) * normalize(hurt[which], dim=-1)
        return found

    def _hook(self, layer: int) -> Callable[[nn.Module, object, Tensor], Tensor]:
        def push(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
            pushed: Tensor = output + self._at[layer].to(output) * self._push.to(output)
            return pushed

        return push
