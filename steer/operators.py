"""What is done to the residual stream, and to which tokens: pushes as values."""

from collections.abc import Collection, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor

from extract.vectors import Direction
from lm.errors import UserError


class Tokens(StrEnum):
    """Which tokens a push touches."""

    GENERATED = "generated"
    """The tokens whose next-token prediction is part of the answer: the last of the prompt, and each generated one."""
    PROMPT = "prompt"
    """The prompt's tokens, its last one included."""
    ALL = "all"
    """Every token of prompt and answer."""


GENERATED, PROMPT, ALL = Tokens.GENERATED, Tokens.PROMPT, Tokens.ALL


@dataclass(frozen=True)
class Push:
    """x <- x + strength * unit vector, at one layer; the strength is in exactly one unit.

    `norms` counts multiples of the layer's activation norm, `absolute` is the length added. Negative strengths push
    the other way. Raises UserError where none or both are given.
    """

    direction: Direction
    _: KW_ONLY
    norms: float | None = None
    absolute: float | None = None
    tokens: Tokens = GENERATED

    def __post_init__(self) -> None:
        if (self.norms is None) == (self.absolute is None):
            raise UserError("A push has one strength: give norms= (multiples of the activation norm) or absolute=.")

    @property
    def layer(self) -> int:
        """The decoder block whose output is changed."""
        return self.direction.layer

    @property
    def strength(self) -> float:
        """Length of what is added, in the units of the residual stream."""
        if self.absolute is not None:
            return self.absolute
        return (self.norms or 0.0) * self.direction.activation_norm

    @property
    def vector(self) -> Float[Tensor, " d_model"]:
        """What is added to each token."""
        return self.direction.vector * self.strength


def additions(
    rows: Sequence[Sequence[Push]], kinds: Collection[Tokens], device: torch.device
) -> dict[int, Float[Tensor, "row d_model"]]:
    """What the pushes of these kinds add to each row, layer by layer; layers where nothing is added are left out."""
    tables: dict[int, Float[Tensor, "row d_model"]] = {}
    for number, pushes in enumerate(rows):
        for push in pushes:
            if push.tokens not in kinds or push.strength == 0:
                continue
            empty = torch.zeros(len(rows), len(push.direction.vector))
            tables.setdefault(push.layer, empty)[number] += push.vector.cpu()
    return {layer: table.to(device) for layer, table in tables.items() if bool(table.any())}
