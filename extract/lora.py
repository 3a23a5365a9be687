"""The same texts without and with a LoRA adapter, and what it changes.

    shift = adapter_shift(model, rows, positions, "adapter/")
    print(shift.difference[0].mean(dim=0) @ directions.direction.T)

A model that is always to have its adapter is opened with it: `hf:NAME?lora=FOLDER`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from extract.activations import Readings, read_rows
from extract.models import LoadedModel
from extract.positions import Position
from extract.rows import TokenRow
from lm.local.lora import put_adapter


@dataclass(frozen=True, eq=False)
class Shift:
    """The same rows without and with an adapter, by position."""

    without: list[Readings]
    with_adapter: list[Readings]

    @property
    def difference(self) -> list[Float[Tensor, "row layer width"]]:
        """What the adapter changes, by position."""
        pairs = zip(self.with_adapter, self.without, strict=True)
        return [after.mean - before.mean for after, before in pairs]


def adapter_shift(
    model: LoadedModel, rows: Sequence[TokenRow], positions: Sequence[Position], adapter: str | Path
) -> Shift:
    """Read the same token ids without and with an adapter. Raises UserError for an adapter that does not fit."""
    without = read_rows(model, rows, positions)
    with adapted(model, adapter):
        return Shift(without, read_rows(model, rows, positions))


@contextmanager
def adapted(model: LoadedModel, adapter: str | Path) -> Iterator[None]:
    """Inside, the model computes with the adapter; its weights are never touched. Raises UserError as put_adapter."""
    handles = put_adapter(model.model, Path(adapter))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
