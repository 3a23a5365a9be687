"""Reads GGUF files, as llama.cpp and repeng write control vectors: metadata and unquantised tensors.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
"""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lm.errors import UserError

GgufValue = str | int | float | bool | list["GgufValue"]

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""`struct` letters by the format's number of the type."""
_STRING, _ARRAY = 8, 9
_DTYPES: dict[int, "np.dtype[Any]"] = {0: np.dtype("<f4"), 1: np.dtype("<f2"), 28: np.dtype("<f8")}
_NESTING = 4


@dataclass(frozen=True)
class GgufFile:
    """What a file holds; tensors in float32, their axes in the usual order."""

    metadata: dict[str, GgufValue]
    tensors: dict[str, Tensor]


def read_gguf(path: Path) -> GgufFile:
    """Read a file. Raises UserError for another format, a damaged file, or quantised tensors."""
    reader = _Reader(path, path.read_bytes())
    if reader.take(4) != b"GGUF":
        raise UserError(f"{path} is no GGUF file: it does not begin with 'GGUF'.")
    version = reader.number("I")
    if version not in (2, 3):
        raise UserError(f"{path} is GGUF version {version}; versions 2 and 3 can be read.")
    n_tensors, n_values = reader.number("Q"), reader.number("Q")
    metadata = {reader.string(): reader.value() for _ in range(n_values)}
    places = [_TensorPlace.read(reader) for _ in range(n_tensors)]
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1:
        raise UserError(f"{path}: the alignment {alignment!r} is no positive number.")
    start = math.ceil(reader.at / alignment) * alignment
    return GgufFile(metadata, {place.name: place.load(reader, start) for place in places})


class _Reader:
    """Bytes taken one after the other; UserError where the file ends too early."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self.at = 0
        self._content = content

    def take(self, count: int) -> bytes:
        if count > len(self._content) - self.at:
            raise UserError(f"{self.path} is cut off or damaged: {count} bytes are missing at {self.at}.")
        self.at += count
        return self._content[self.at - count : self.at]

    def span(self, start: int, count: int) -> bytes:
        self.at = min(start, len(self._content))
        return self.take(count)

    def number(self, letter: str) -> int:
        return int(struct.unpack(f"<{letter}", self.take(struct.calcsize(f"<{letter}")))[0])

    def string(self) -> str:
        try:
            return self.take(self.number("Q")).decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{self.path} is damaged: a text before byte {self.at} is not UTF-8.") from error

    def value(self) -> GgufValue:
        return self._typed(self.number("I"), _NESTING)

    def _typed(self, kind: int, depth: int) -> GgufValue:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY and depth:
            inner, count = self.number("I"), self.number("Q")
            return [self._typed(inner, depth - 1) for _ in range(count)]
        if kind not in _SCALARS:
            raise UserError(f"{self.path} is damaged: a value at byte {self.at} has the unknown type {kind}.")
        letter = _SCALARS[kind]
        found: int | float | bool = struct.unpack(f"<{letter}", self.take(struct.calcsize(f"<{letter}")))[0]
        return found


@dataclass(frozen=True)
class _TensorPlace:
    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int

    @classmethod
    def read(cls, reader: _Reader) -> "_TensorPlace":
        name = reader.string()
        axes = tuple(reader.number("Q") for _ in range(reader.number("I")))
        return cls(name, axes[::-1], reader.number("I"), reader.number("Q"))

    def load(self, reader: _Reader, start: int) -> Tensor:
        if self.kind not in _DTYPES:
            raise UserError(
                f"{reader.path}: tensor {self.name!r} is of type {self.kind}; only float32, float16 and float64 can be "
                "read. Write it unquantised."
            )
        dtype = _DTYPES[self.kind]
        content = reader.span(start + self.offset, math.prod(self.shape) * dtype.itemsize)
        return torch.from_numpy(np.frombuffer(content, dtype=dtype).astype(np.float32)).reshape(self.shape)
