"""The operators of many rows as edits of a batch: what each layer's output becomes in a forward pass.

Rows that lack an operator of their neighbours take part in it with neutral numbers, which change no bit of them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from extract.hooks import Edit
from lm.errors import UserError
from steer.operators import Clamp, Operator, Push, Tokens

Hidden = Float[Tensor, "row token d_model"]
Table = Float[Tensor, "table d_model"]
"""One row for each of the batch, or a single one for all."""


@dataclass(frozen=True, eq=False)
class Gate:
    """A condition for each row; the threshold is minus infinity for a row without one."""

    layer: int
    hold: bool
    vectors: Table
    thresholds: Float[Tensor, " table"]

    def opens(self, hidden: Hidden) -> Bool[Tensor, "row token"]:
        """Which tokens meet their row's condition."""
        return _projection(hidden, self.vectors) > self.thresholds.to(hidden)[:, None]

    def select(self, rows: Int[Tensor, " kept"]) -> "Gate":
        """The gate for some of the rows."""
        return Gate(self.layer, self.hold, self.vectors[rows], self.thresholds[rows])


@dataclass(frozen=True, eq=False)
class Step:
    """One operator for each row, all of one kind: `vectors` are added, or with bounds their projections are clamped."""

    tokens: Tokens
    vectors: Table
    bounds: Float[Tensor, "table 2"] | None
    keep_norm: bool
    gate: Gate | None

    def change(self, hidden: Hidden) -> Hidden:
        """The hidden states after the operator, whatever the token."""
        vectors = self.vectors.to(hidden)[:, None]
        if self.bounds is not None:
            bounds, at = self.bounds.to(hidden), _projection(hidden, self.vectors)
            return hidden + (at.clamp(bounds[:, :1], bounds[:, 1:]) - at)[:, :, None] * vectors
        pushed = hidden + vectors
        if not self.keep_norm:
            return pushed
        tiny = torch.finfo(hidden.dtype).tiny
        kept: Tensor = hidden.norm(dim=-1, keepdim=True) / pushed.norm(dim=-1, keepdim=True).clamp(min=tiny)
        return pushed * kept

    def select(self, rows: Int[Tensor, " kept"]) -> "Step":
        """The step for some of the rows."""
        bounds = None if self.bounds is None else self.bounds[rows]
        gate = None if self.gate is None else self.gate.select(rows)
        return Step(self.tokens, self.vectors[rows], bounds, self.keep_norm, gate)


Steps = dict[int, list[Step]]
"""By layer, in the order in which they are applied."""


@runtime_checkable
class Place(Protocol):
    """Where a forward pass stands between prompt and answer."""

    def touched(self, tokens: Tokens, hidden: Hidden, /) -> Bool[Tensor, "row token"] | bool:
        """Which tokens of this pass are of a kind; True for all and False for none of them."""

    def last_of_prompt(self, hidden: Hidden, /) -> Int[Tensor, "row 1"] | None:
        """Place of the prompt's last token in this pass; None where it was in an earlier one."""


class Editor:
    """Applies steps to the passes of one generation; `rows`, if given, is the batch size that they are made for.

    `owners`, if given, are the rows of the steps' tables that the rows of a pass are given.
    """

    def __init__(
        self, steps: Steps, place: Place, rows: int | None = None, owners: Int[Tensor, " row"] | None = None
    ) -> None:
        self.steps = steps
        self._place = place
        self._rows = rows
        self._owners = owners
        self._open: dict[tuple[int, int], Bool[Tensor, "row token"]] = {}
        """Tokens that meet a step's condition in this pass, by layer and number of the step."""
        self._held: dict[tuple[int, int], Bool[Tensor, "row 1"]] = {}
        self._conditions: dict[int, list[tuple[int, int]]] = {}
        """Steps whose conditions are read at each layer."""
        for layer, of_layer in steps.items():
            for number, step in enumerate(of_layer):
                if step.gate is not None:
                    self._conditions.setdefault(step.gate.layer, []).append((layer, number))

    def edits(self) -> dict[int, Edit]:
        """What to do to each layer's output; layers where conditions are read are among them."""
        return {layer: self._edit(layer) for layer in sorted(self.steps.keys() | self._conditions.keys())}

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Drop all other rows of the batch."""
        self.steps = {layer: [step.select(rows) for step in steps] for layer, steps in self.steps.items()}
        self._held = {key: held[rows] for key, held in self._held.items()}

    def _edit(self, layer: int) -> Edit:
        def edit(hidden: Tensor) -> Tensor:
            if self._rows is not None and len(hidden) != self._rows:
                raise UserError(
                    f"The batch has {len(hidden)} rows, but pushes are given for {self._rows}. "
                    "Give one list of pushes for each row, and do not split the batch."
                )
            wide = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
            for key in self._conditions.get(layer, ()):
                self._open[key] = self._opened(key, wide)
            for number, step in enumerate(self.steps.get(layer, ())):
                own = step if self._owners is None else step.select(self._owners)
                wide = self._apply((layer, number), own, wide)
            return wide.to(hidden.dtype)

        return edit

    def _opened(self, key: tuple[int, int], hidden: Hidden) -> Bool[Tensor, "row token"]:
        gate = self.steps[key[0]][key[1]].gate
        assert gate is not None
        opens = (gate if self._owners is None else gate.select(self._owners)).opens(hidden)
        if not gate.hold:
            return opens
        last = self._place.last_of_prompt(hidden)
        if last is not None:
            self._held[key] = opens.gather(1, last)
        return self._held[key].expand(opens.shape)

    def _apply(self, key: tuple[int, int], step: Step, hidden: Hidden) -> Hidden:
        touched = self._place.touched(step.tokens, hidden)
        if touched is False:
            return hidden
        if step.gate is not None:
            open_ = self._open[key].to(hidden.device)
            touched = open_ if touched is True else open_ & touched
        changed = step.change(hidden)
        return changed if touched is True else torch.where(touched[:, :, None], changed, hidden)


def compile_steps(
    rows: Sequence[Sequence[Operator]], device: torch.device, kinds: Collection[Tokens] = tuple(Tokens)
) -> Steps:
    """The operators on tokens of these kinds as steps; what adds nothing is left out.

    A row's operators keep their order at each layer. Plain pushes that follow one another are added up first, so that
    a push and its opposite cancel to the bit.
    """
    given = [[one for one in row if one.tokens in kinds and not _is_nothing(one)] for row in rows]
    steps: Steps = {}
    for layer in sorted({one.layer for row in given for one in row}):
        queues = [_merged([one for one in row if one.layer == layer]) for row in given]
        made = [step for rank in range(max(map(len, queues))) for step in _steps_at(queues, rank, device)]
        if made:
            steps[layer] = made
    return steps


def _is_nothing(operator: Operator) -> bool:
    return isinstance(operator, Push) and operator.strength == 0


def _merged(operators: Sequence[Operator]) -> list[tuple[Operator, ...]]:
    """Operators in order, neighbouring plain pushes on the same tokens as one."""
    queue: list[tuple[Operator, ...]] = []
    run: dict[Tokens, int] = {}
    for one in operators:
        if not (isinstance(one, Push) and not one.keep_norm and one.when is None):
            run = {}
            queue.append((one,))
        elif one.tokens in run:
            queue[run[one.tokens]] += (one,)
        else:
            run[one.tokens] = len(queue)
            queue.append((one,))
    return queue


def _steps_at(queues: Sequence[Sequence[tuple[Operator, ...]]], rank: int, device: torch.device) -> Iterator[Step]:
    """What each row does at this place of its queue, one step for each kind of operator."""
    current = [queue[rank] if rank < len(queue) else () for queue in queues]
    for kind in dict.fromkeys(_kind(one[0]) for one in current if one):
        step = _stacked([one if one and _kind(one[0]) == kind else () for one in current], device)
        if step.bounds is not None or bool(step.vectors.any()):
            yield step


def _kind(operator: Operator) -> tuple[object, ...]:
    """Operators of the same kind are computed together."""
    gate = None if operator.when is None else (operator.when.direction.layer, operator.when.hold)
    return type(operator), operator.tokens, isinstance(operator, Push) and operator.keep_norm, gate


def _stacked(rows: Sequence[tuple[Operator, ...]], device: torch.device) -> Step:
    """Operators of one kind as one step; rows without one are neutral, several pushes of a row are added up."""
    first = next(row[0] for row in rows if row)
    vectors = torch.zeros(len(rows), len(first.direction.vector))
    bounds = torch.tensor([[-inf, inf]]).repeat(len(rows), 1)
    for number, row in enumerate(rows):
        for one in row:
            if isinstance(one, Clamp):
                vectors[number], bounds[number] = one.direction.vector.cpu(), torch.tensor(one.bounds)
            else:
                vectors[number] += one.vector.cpu()
    return Step(
        tokens=first.tokens,
        vectors=vectors.to(device),
        bounds=bounds.to(device) if isinstance(first, Clamp) else None,
        keep_norm=isinstance(first, Push) and first.keep_norm,
        gate=_gate(rows, device),
    )


def _gate(rows: Sequence[tuple[Operator, ...]], device: torch.device) -> Gate | None:
    conditions = [row[0].when if row else None for row in rows]
    first = next((when for when in conditions if when), None)
    if first is None:
        return None
    blank = torch.zeros_like(first.direction.vector.cpu())
    return Gate(
        layer=first.direction.layer,
        hold=first.hold,
        vectors=torch.stack([when.direction.vector.cpu() if when else blank for when in conditions]).to(device),
        thresholds=torch.tensor([when.threshold if when else -inf for when in conditions], device=device),
    )


def _projection(hidden: Hidden, vectors: Table) -> Float[Tensor, "row token"]:
    return (hidden * vectors.to(hidden)[:, None]).sum(dim=-1)
