"""What a pass fills: tables of activations, in memory, or in safetensors files that are mapped into memory."""

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from errno import ENOSPC
from math import prod
from os import strerror
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryFile, gettempdir
from typing import IO

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from extract.blocks import Component
from extract.positions import Position
from lm.errors import UserError

NAME = "rows"

IN_MEMORY = 2**30
"""Bytes of a table that is held in memory where no folder is given for it."""

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

    The file is readable by any safetensors reader once the tensor is gone. Without one, what is larger than
    `IN_MEMORY` lies in a temporary file that goes with the tensor. Raises UserError where a file cannot be made.
    """
    size = 4 * prod(shape)
    if size == 0 or (file is None and size <= IN_MEMORY):
        return torch.zeros(*shape)
    try:
        if file is None:
            with TemporaryFile() as handle:
                return _mapped(handle, b"", shape, Path(gettempdir()))
        header = json.dumps({NAME: {"dtype": "F32", "shape": list(shape), "data_offsets": [0, size]}}).encode()
        header += b" " * (-len(header) % 8)
        with file.open("w+b") as handle:
            return _mapped(handle, struct.pack("<Q", len(header)) + header, shape, file.parent)
    except OSError as error:
        raise UserError(
            f"{file or gettempdir()} cannot hold {size / 2**30:.1f} GiB of activations: {error.strerror}. "
            "Choose another folder (scratch=), fewer positions or fewer layers."
        ) from error


def _mapped(handle: IO[bytes], header: bytes, shape: Sequence[int], folder: Path) -> Tensor:
    """Zeros after the header of an empty file, mapped into memory. Raises OSError where the disk is too small."""
    size = 4 * prod(shape)
    if disk_usage(folder).free < size:  # Else writing to the map would end the process.
        raise OSError(ENOSPC, strerror(ENOSPC))
    handle.write(header)
    handle.truncate(len(header) + size)
    handle.flush()
    return torch.from_numpy(np.memmap(handle, dtype=np.float32, mode="r+", offset=len(header), shape=tuple(shape)))
