"""One pass over a model that adds what each row holds at each position into tables, batch by batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from extract.batches import Batch, plan_batches
from extract.blocks import Component, Site, find_site
from extract.forward import can_share, forward_rows, forward_shared
from extract.hooks import Read, reading_sites
from extract.models import LoadedModel
from extract.rows import PaddingSide, TokenRow
from extract.stores import Progress, Slot, Table, Wanted, new_table
from lm.errors import UserError

CPU_TOKENS, DEVICE_TOKENS = 512, 32_768
"""Tokens of a batch where none are given: what fits a processor's cache, and what keeps an accelerator busy."""

_LESS = 0.75
"""Share of the tokens that did not fit which is tried next: between a half, and what would fail once more."""


@dataclass(frozen=True, eq=False)
class _View:
    """What is read of one forward pass: which of its columns, with which weights."""

    columns: tuple[int, ...]
    weights: Float[Tensor, "row text position column"]
    """Rows with fewer texts than others are filled up with zeros."""
    texts: tuple[int, ...]
    """Which of `weights`, row by row, are those of texts."""
    slots: tuple[int, ...]
    """Of each text."""


@dataclass(frozen=True, eq=False)
class _Found:
    """What one layer of one forward pass adds to a table."""

    component: Component
    layer: int
    slots: tuple[int, ...]
    mean: Float[Tensor, "position text width"]
    norm: Float[Tensor, "position text"]


@dataclass(frozen=True, eq=False)
class _Reader:
    """What is the same for all batches of a pass."""

    model: LoadedModel
    ids: Sequence[tuple[int, ...]]
    """Of each text, as far as it is needed."""
    places: Sequence[tuple[Sequence[int], ...]]
    """Of each text, by position."""
    slots: Sequence[Slot]
    sites: Sequence[tuple[Component, int, Site]]
    last: int
    padding: PaddingSide
    memory: "_Memory"


@dataclass
class _Memory:
    """What has been learned of it in a pass."""

    most: float = inf
    """Tokens of a batch that are still tried."""


@torch.no_grad()
def read_into_tables(
    model: LoadedModel,
    rows: Sequence[TokenRow],
    slots: Sequence[Slot],
    together: Sequence[Sequence[int]],
    wanted: Wanted,
    *,
    token_budget: int | None = None,
    padding: PaddingSide = "right",
    scratch: Path | None = None,
    progress: Progress | None = None,
) -> dict[Component, Table]:
    """Add each row's weighted means to its slot; `together` numbers rows that may begin alike.

    A batch that does not fit the device's memory is halved; UserError where a single row does not fit.
    """
    reader = _new_reader(model, rows, slots, wanted, padding)
    budget = token_budget or (CPU_TOKENS if model.device.type == "cpu" else DEVICE_TOKENS)
    share = padding == "right" and can_share(model, max(map(len, reader.ids), default=0))
    batches = plan_batches(reader.ids, together, budget, share=share)
    size = (len(wanted.positions), len(wanted.layers), 1 + max((slot.number for slot in slots), default=-1))
    tables: dict[Component, Table] = {}
    done = 0
    for batch in batches:
        for found in _read_or_halve(reader, batch):
            if found.component not in tables:
                tables[found.component] = new_table(size, found.mean.shape[-1], found.component, scratch)
            _add(tables[found.component], wanted.layers.index(found.layer), found)
        done += len(batch.texts)
        if progress is not None:
            progress(done, len(rows))
    return tables


def _new_reader(
    model: LoadedModel, rows: Sequence[TokenRow], slots: Sequence[Slot], wanted: Wanted, padding: PaddingSide
) -> _Reader:
    config = model.model.config.get_text_config(decoder=True)
    sites = [
        (component, layer, find_site(model.blocks[layer], component, config))
        for layer in wanted.layers
        for component in wanted.components
    ]
    places = [tuple(row.places(position) for position in wanted.positions) for row in rows]
    ends = [max((span[-1] + 1 for span in spans if span), default=0) for spans in places]
    ids = [row.ids[:end] for row, end in zip(rows, ends, strict=True)]
    return _Reader(model, ids, places, slots, sites, max(wanted.layers), padding, _Memory())


def _read_or_halve(reader: _Reader, batch: Batch) -> Iterator[_Found]:
    """What a batch adds, all of it or nothing; where memory does not reach, that of its halves."""
    alone = len(batch.texts) == 1
    found: list[_Found] | None = None
    if alone or batch.tokens <= reader.memory.most:
        try:
            found = _read(reader, batch)
        except torch.OutOfMemoryError as error:
            if alone:
                raise UserError(
                    f"A text of {batch.tokens} tokens does not fit the memory of {reader.model.device}. "
                    "Use shorter texts, dtype=bf16 or another device."
                ) from error
            reader.memory.most = _LESS * batch.tokens
    if found is not None:
        yield from found
        return
    for half in batch.halves(reader.ids):
        yield from _read_or_halve(reader, half)


def _read(reader: _Reader, batch: Batch) -> list[_Found]:
    """What a batch adds."""
    with _reading(reader, _view(reader, batch)) as found:
        if batch.shares:
            forward_shared(reader.model, batch.rows, last=reader.last)
        else:
            forward_rows(reader.model, [row.ids for row in batch.rows], last=reader.last, padding=reader.padding)
    return found


def _view(reader: _Reader, batch: Batch) -> _View:
    width, most = max(len(row.ids) for row in batch.rows), max(len(row.texts) for row in batch.rows)
    weights = torch.zeros(len(batch.rows), most, len(reader.places[0]), width)
    for number, row in enumerate(batch.rows):
        first = width - len(row.ids) if reader.padding == "left" else 0
        for place, (text, columns) in enumerate(zip(row.texts, row.columns, strict=True)):
            for position, span in enumerate(reader.places[text]):
                read = [first + columns[token] for token in span]
                weights[number, place, position, read] = reader.slots[text].shares[position] / max(len(read), 1)
    used = weights.flatten(0, 2).any(dim=0).nonzero()[:, 0].tolist()
    texts = tuple(number * most + place for number, row in enumerate(batch.rows) for place in range(len(row.texts)))
    slots = tuple(reader.slots[text].number for text in batch.texts)
    return _View(tuple(used), weights[..., used], texts, slots)


@contextmanager
def _reading(reader: _Reader, view: _View) -> Iterator[list[_Found]]:
    """Inside, the list takes what each site adds."""
    found: list[_Found] = []
    reads = [(site, _reader_of(component, layer, view, found)) for component, layer, site in reader.sites]
    with reading_sites(reads):
        yield found


def _reader_of(component: Component, layer: int, view: _View, found: list[_Found]) -> Read:
    rows, columns, texts = len(view.weights), _as_slice(view.columns), _as_slice(view.texts)
    flat = view.weights.flatten(1, 2)

    def of_texts(values: Float[Tensor, "row column width"]) -> Float[Tensor, "position text width"]:
        sums = flat.to(values.device) @ values
        return sums.reshape(-1, view.weights.shape[2], values.shape[-1])[texts].transpose(0, 1).cpu()

    def read(hidden: Tensor) -> None:
        values = hidden.reshape(rows, -1, hidden.shape[-1])[:, columns].float()
        norms = of_texts(values.norm(dim=-1, keepdim=True)).squeeze(-1)
        found.append(_Found(component, layer, view.slots, of_texts(values), norms))

    return read


def _as_slice(numbers: Sequence[int]) -> slice | list[int]:
    """Sorted numbers as a slice where they follow one another: it takes no copy."""
    first, last = numbers[0], numbers[-1]
    return slice(first, last + 1) if last - first + 1 == len(numbers) else list(numbers)


def _add(table: Table, layer: int, found: _Found) -> None:
    slots = torch.tensor(found.slots)
    table.mean[:, layer].index_add_(1, slots, found.mean)
    table.norm[:, layer].index_add_(1, slots, found.norm)
