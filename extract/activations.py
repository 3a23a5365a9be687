"""Mean activations over positions, for all layers, components and several positions in one pass over the model.

A pass reads only what is asked for: no output head, no block above the last layer, no token after the last one that a
position selects (earlier tokens of a causal model do not depend on it), and what the texts of a pair share once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from extract.blocks import Component
from extract.engine import EngineSubject
from extract.layers import parse_layers
from extract.models import LoadedModel, Subject
from extract.passes import read_into_tables
from extract.positions import Position
from extract.rows import PaddingSide, TokenRow, side_rows
from extract.stores import Progress, Slot, Table, Wanted
from extract.trait import Pair
from lm.errors import UserError


@dataclass(frozen=True, eq=False)
class Readings:
    """What one component held at one position, row by row; rows where it selects no token are zero with count 0."""

    mean: Float[Tensor, "row layer width"]
    norm: Float[Tensor, "row layer"]
    """Mean over the position's tokens of the activation's norm."""
    count: Int[Tensor, " row"]


@dataclass(frozen=True, eq=False)
class PairActivations:
    """Both sides of the pairs that have tokens at a position, in float32; samples of one side are averaged."""

    position: Position
    component: Component
    layers: tuple[int, ...]
    sides: Float[Tensor, "layer two_pairs width"]
    """Of all given pairs: positive, negative, positive, …; in a file where a scratch folder was given."""
    norm: Float[Tensor, "pair layer"]
    """Mean activation norm at the position, over both sides, of the kept pairs."""
    kept: tuple[int, ...]
    """Which of the given pairs have both sides."""
    dropped: int
    """Pairs left out, both sides, because a side selects no token."""

    @property
    def positive(self) -> Float[Tensor, "pair layer width"]:
        """All layers of the kept positives."""
        return self._kept(self.sides[:, 0::2]).transpose(0, 1)

    @property
    def negative(self) -> Float[Tensor, "pair layer width"]:
        """All layers of the kept negatives."""
        return self._kept(self.sides[:, 1::2]).transpose(0, 1)

    def at(self, row: int) -> tuple[Float[Tensor, "pair width"], Float[Tensor, "pair width"]]:
        """Kept positives and negatives of one layer, by its row; nothing else is read from the file."""
        return self._kept(self.sides[row, 0::2]), self._kept(self.sides[row, 1::2])

    def _kept(self, side: Float[Tensor, "*layer pair width"]) -> Float[Tensor, "*layer kept width"]:
        """Of all pairs those that are kept; where that is all of them nothing is copied."""
        return side[..., list(self.kept), :] if self.dropped else side


def pair_activations(
    model: Subject,
    pairs: Sequence[Pair],
    positions: Sequence[Position],
    *,
    components: Sequence[Component] = ("residual",),
    layers: Sequence[int] | str | None = None,
    token_budget: int | None = None,
    scratch: Path | None = None,
    progress: Progress | None = None,
) -> list[PairActivations]:
    """Activations of each pair at each position and component (positions first), over prompt and completion ids.

    A side with several samples is the mean of those with tokens at the position. Padding, batch size and what pairs
    share change no number beyond float32 accuracy. With `scratch` the activations lie in files in that folder.
    """
    wanted = Wanted(tuple(positions), tuple(components), chosen_layers(model, layers))
    sides = side_rows(model, pairs)
    return side_activations(model, sides, wanted, token_budget=token_budget, scratch=scratch, progress=progress)


def side_activations(
    model: Subject,
    sides: Sequence[Sequence[TokenRow]],
    wanted: Wanted,
    *,
    token_budget: int | None = None,
    scratch: Path | None = None,
    progress: Progress | None = None,
) -> list[PairActivations]:
    """As `pair_activations`, of the token rows of each side: positive, negative, positive, …"""
    owned = [(side, row) for side, rows in enumerate(sides) for row in rows]
    owners, rows = [owner for owner, _ in owned], [row for _, row in owned]
    samples = _samples(owners, rows, wanted.positions, len(sides))
    slots = [Slot(owner, tuple(1 / max(count, 1) for count in samples[owner].tolist())) for owner in owners]
    if isinstance(model, EngineSubject):
        tables = model.read_into_tables(rows, slots, wanted, scratch=scratch, progress=progress)
    else:
        assert isinstance(model, LoadedModel)
        together = _together([owner // 2 for owner in owners])
        tables = read_into_tables(
            model, rows, slots, together, wanted, token_budget=token_budget, scratch=scratch, progress=progress
        )
    return [
        _of_pairs(position, component, wanted.layers, tables.get(component), place, samples[:, place])
        for place, position in enumerate(wanted.positions)
        for component in wanted.components
    ]


def read_rows(
    model: LoadedModel,
    rows: Sequence[TokenRow],
    positions: Sequence[Position],
    *,
    component: Component = "residual",
    layers: Sequence[int] | str | None = None,
    token_budget: int | None = None,
    padding: PaddingSide = "right",
) -> list[Readings]:
    """Mean activation of each row at each position, in one pass."""
    wanted = Wanted(tuple(positions), (component,), chosen_layers(model, layers))
    slots = [Slot(number, (1.0,) * len(positions)) for number in range(len(rows))]
    together = [[number] for number in range(len(rows))]
    tables = read_into_tables(model, rows, slots, together, wanted, token_budget=token_budget, padding=padding)
    counts = [torch.tensor([len(row.places(position)) for row in rows]) for position in positions]
    table = tables.get(component) or _nothing(len(positions), len(wanted.layers), len(rows), model.d_model)
    return [
        Readings(table.mean[n].transpose(0, 1).contiguous(), table.norm[n].T.contiguous(), count)
        for n, count in enumerate(counts)
    ]


def chosen_layers(model: Subject, layers: Sequence[int] | str | None) -> tuple[int, ...]:
    """Layers by number or by text (`extract.layers`), or all that the model has.

    Raises UserError for none, one that is not there, or one named twice.
    """
    if layers is None or isinstance(layers, str):
        return parse_layers(layers or "all", model.n_layers)
    outside = [layer for layer in layers if not 0 <= layer < model.n_layers]
    if outside or not layers:
        raise UserError(f"There is no layer {outside or 'given'}; this model has layers 0 to {model.n_layers - 1}.")
    if len(set(layers)) < len(layers):
        raise UserError(f"Layers {list(layers)}: each can be named once only.")
    return tuple(layers)


def _samples(
    owners: Sequence[int], rows: Sequence[TokenRow], positions: Sequence[Position], sides: int
) -> Int[Tensor, "side position"]:
    """How many rows of each side have tokens at each position."""
    counts = torch.zeros(sides, len(positions), dtype=torch.long)
    for owner, row in zip(owners, rows, strict=True):
        counts[owner] += torch.tensor([len(row.places(position)) > 0 for position in positions]).long()
    return counts


def _together(owners: Sequence[int]) -> list[list[int]]:
    """Numbers of the rows of each owner."""
    groups: dict[int, list[int]] = {}
    for number, owner in enumerate(owners):
        groups.setdefault(owner, []).append(number)
    return list(groups.values())


def _nothing(positions: int, layers: int, slots: int, width: int) -> Table:
    """The table of a pass that found no token anywhere."""
    return Table(torch.zeros(positions, layers, slots, width), torch.zeros(positions, layers, slots))


def _of_pairs(
    position: Position,
    component: Component,
    layers: tuple[int, ...],
    table: Table | None,
    place: int,
    samples: Int[Tensor, " side"],
) -> PairActivations:
    both = (samples[0::2] > 0) & (samples[1::2] > 0)
    kept = both.nonzero()[:, 0].tolist()
    found = table or _nothing(place + 1, len(layers), len(samples), 1)
    norm = ((found.norm[place, :, 0::2] + found.norm[place, :, 1::2]) / 2).T[kept]
    return PairActivations(position, component, layers, found.mean[place], norm, tuple(kept), len(both) - len(kept))
