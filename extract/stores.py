"""What a pass fills: tables of activations, in memory, or in safetensors files that are mapped into memory."""

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from extract.blocks import Component
from extract.positions import Position
from lm.errors import UserError

NAME = "rows"

Progress = Callable[[int, int], None]
"""Told after each batch: rows done, rows in all."""


@dataclass(frozen=True)
class Slot:
    """Where a row's means go in the tables, and with what share at each position."""

    number: int
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Wanted:
    """What a pass reads."""

    positions: tuple[Position, ...]
    components: tuple[Component, ...]
    layers: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Table:
    """What one component holds: weighted sums of activations and of their norms."""

    mean: Float[Tensor, "position layer slot width"]
    norm: Float[Tensor, "position layer slot"]


def new_table(size: Sequence[int], width: int, component: Component, scratch: Path | None) -> Table:
    """A table of zeros for `size` positions, layers and slots; its activations in a file where there is a folder."""
    file = scratch / f"{component}.safetensors" if scratch else None
    return Table(new_store((*size, width), file), new_store(size, None))


def new_store(shape: Sequence[int], file: Path | None) -> Tensor:
    """A float32 tensor of zeros; with `file` its values lie there, a safetensors file of the one tensor `rows`.

    The file is readable by any safetensors reader once the tensor is gone. Raises UserError where it cannot be made.
    """
    if file is None or prod(shape) == 0:
        return torch.zeros(*shape)
    header = json.dumps({NAME: {"dtype": "F32", "shape": list(shape), "data_offsets": [0, 4 * prod(shape)]}}).encode()
    header += b" " * (-len(header) % 8)
    try:
        with file.open("wb") as handle:
            handle.write(struct.pack("<Q", len(header)) + header)
            handle.truncate(8 + len(header) + 4 * prod(shape))
        mapped = np.memmap(file, dtype=np.float32, mode="r+", offset=8 + len(header), shape=tuple(shape))
    except OSError as error:
        raise UserError(
            f"{file} cannot hold {4 * prod(shape) / 2**30:.1f} GiB of activations: {error.strerror}. "
            "Choose another folder (scratch=), fewer positions or fewer layers."
        ) from error
    return torch.from_numpy(mapped)
