"""What is done to the residual stream, where, to which tokens and on what condition: interventions as values."""

from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from math import inf, isfinite

from jaxtyping import Float
from torch import Tensor

from extract.vectors import Direction
from lm.errors import UserError

Bounds = tuple[float | None, float | None]
"""Floor and ceiling; None where there is none."""


class Tokens(StrEnum):
    """Which tokens an operator touches."""

    GENERATED = "generated"
    """The tokens whose next-token prediction is part of the answer: the last of the prompt, and each generated one."""
    PROMPT = "prompt"
    """The prompt's tokens, its last one included."""
    ALL = "all"
    """Every token of prompt and answer."""


GENERATED, PROMPT, ALL = Tokens.GENERATED, Tokens.PROMPT, Tokens.ALL


@dataclass(frozen=True)
class When:
    """A condition: x . v, at the direction's own layer, lies above a threshold in exactly one unit.

    Each token is judged by itself; with `hold` the last token of the prompt decides for the whole answer (conditional
    activation steering: Lee et al. 2024, arXiv 2409.05907). To ask for a projection below a threshold, turn the
    direction and the threshold round.
    """

    direction: Direction
    _: KW_ONLY
    norms: float | None = None
    absolute: float | None = None
    hold: bool = False

    def __post_init__(self) -> None:
        _check_unit("A condition has one threshold", self.norms, self.absolute, self.direction)

    @property
    def threshold(self) -> float:
        """In the units of the residual stream."""
        return _in_residual_units(self.norms, self.absolute, self.direction)


@dataclass(frozen=True)
class Push:
    """x <- x + strength * unit vector, at one layer; the strength is in exactly one unit.

    `norms` counts multiples of the layer's activation norm, `absolute` is the length added. Negative strengths push
    the other way. With `keep_norm` a token is given back the length it had. Raises UserError where none or both units
    are given.
    """

    direction: Direction
    _: KW_ONLY
    norms: float | None = None
    absolute: float | None = None
    tokens: Tokens = GENERATED
    keep_norm: bool = False
    when: When | None = None

    def __post_init__(self) -> None:
        _check_unit("A push has one strength", self.norms, self.absolute, self.direction)
        _check_condition(self)

    @property
    def layer(self) -> int:
        """The decoder block whose output is changed."""
        return self.direction.layer

    @property
    def strength(self) -> float:
        """Length of what is added, in the units of the residual stream."""
        return _in_residual_units(self.norms, self.absolute, self.direction)

    @property
    def vector(self) -> Float[Tensor, " d_model"]:
        """What is added to each token."""
        return self.direction.vector * self.strength


@dataclass(frozen=True)
class Clamp:
    """x <- x + (clamped x . v - x . v) v: the projection is held between a floor and a ceiling, in exactly one unit.

    `norms=(None, 0.5)` caps it at half the layer's activation norm, `absolute=(2.0, None)` raises it to 2 at least.
    Floor and ceiling at the same value set it. Raises UserError for a floor above the ceiling.
    """

    direction: Direction
    _: KW_ONLY
    norms: Bounds | None = None
    absolute: Bounds | None = None
    tokens: Tokens = GENERATED
    when: When | None = None

    def __post_init__(self) -> None:
        given = self.absolute if self.norms is None else self.norms
        bound = next((one for one in given if one is not None), None) if given else None
        if bound is None or (self.norms is not None and self.absolute is not None):
            raise UserError(
                "A clamp has a floor, a ceiling or both in one unit: give norms=(FLOOR, CEILING) (multiples of the "
                "activation norm) or absolute=(FLOOR, CEILING), None for no bound."
            )
        _check_unit("A clamp has one unit", None if self.norms is None else bound, bound if self.absolute else None,
                    self.direction)  # fmt: skip
        floor, ceiling = self.bounds
        if floor > ceiling:
            raise UserError(f"A clamp's floor {floor:g} lies above its ceiling {ceiling:g}. Give (FLOOR, CEILING).")
        _check_condition(self)

    @property
    def layer(self) -> int:
        """The decoder block whose output is changed."""
        return self.direction.layer

    @property
    def bounds(self) -> tuple[float, float]:
        """Floor and ceiling in the units of the residual stream; infinite where there is none."""
        unit = 1.0 if self.norms is None else self.direction.activation_norm
        floor, ceiling = self.norms or self.absolute or (None, None)
        return -inf if floor is None else floor * unit, inf if ceiling is None else ceiling * unit


Operator = Push | Clamp


def ablate(direction: Direction, *, tokens: Tokens = GENERATED, when: When | None = None) -> Clamp:
    """x <- x - (x . v) v: nothing of the direction is left at its layer."""
    return Clamp(direction, absolute=(0.0, 0.0), tokens=tokens, when=when)


def _check_unit(what: str, norms: float | None, absolute: float | None, direction: Direction) -> None:
    if (norms is None) == (absolute is None):
        raise UserError(f"{what}: give norms= (multiples of the activation norm) or absolute=.")
    if norms is not None and not isfinite(direction.activation_norm):
        raise UserError(
            f"norms= needs the activation norm of layer {direction.layer}, which is not known for this direction. "
            "Measure it (extract.with_activation_norms), or give absolute=."
        )
    if not isfinite(absolute if norms is None else norms):  # type: ignore[arg-type]  # one of them is given
        raise UserError(f"{what}, and it must be finite; {absolute if norms is None else norms} was given.")


def _check_condition(operator: Operator) -> None:
    when = operator.when
    if when is None:
        return
    if when.direction.layer > operator.layer:
        raise UserError(
            f"A condition on layer {when.direction.layer} is known too late for layer {operator.layer}: "
            "give a direction of the same layer or an earlier one."
        )
    if when.hold and operator.tokens != GENERATED:
        raise UserError(
            f"A held condition is known at the prompt's last token, too late for tokens='{operator.tokens}'. "
            "Use tokens=GENERATED, or hold=False."
        )


def _in_residual_units(norms: float | None, absolute: float | None, direction: Direction) -> float:
    return absolute if absolute is not None else (norms or 0.0) * direction.activation_norm
