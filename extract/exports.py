"""Directions in other programs' files; `extract.foreign` reads them back.

Vectors keep the lengths that their method gave them: `--control-vector-scaled FILE 1.0` adds the vector itself.
"""

import io
import struct
from pathlib import Path

import torch

from extract.folder import write_file
from extract.vectors import Directions
from lm.errors import UserError

_ALIGNMENT = 32
_UINT32, _STRING = 4, 8


def export_gguf(directions: Directions, path: Path, *, model_hint: str) -> Path:
    """Write a control vector; `model_hint` is llama.cpp's name of the architecture, such as llama or qwen2.

    `direction.N` is added to the output of block N, counted from 0; llama.cpp has no N = 0, so layer 0 is left out.
    Raises UserError for directions of something else than the residual stream, where no layer is left, and where the
    file cannot be written.
    """
    about = directions.provenance
    if about.component != "residual":
        raise UserError(f"A control vector is added to the residual stream; these are directions of {about.component}.")
    rows = {layer: vector for layer, vector in zip(directions.layers, directions.raw, strict=True) if layer > 0}
    if not rows:
        raise UserError("llama.cpp has no control vector for layer 0, and there is no other layer.")
    pairs: dict[str, str | int] = {
        "general.architecture": "controlvector",
        "controlvector.model_hint": model_hint,
        "controlvector.layer_count": len(rows),
        "traitsmith.provenance": about.model_dump_json(),
    }
    head = b"GGUF" + struct.pack("<IQQ", 3, len(rows), len(pairs))
    head += b"".join(_text(key) + _value(value) for key, value in pairs.items())
    width = directions.direction.shape[1]
    step = 4 * width + (-4 * width) % _ALIGNMENT
    for number, layer in enumerate(rows):
        head += _text(f"direction.{layer}") + struct.pack("<IQIQ", 1, width, 0, number * step)
    data = b"".join(row.contiguous().numpy().astype("<f4").tobytes().ljust(step, b"\0") for row in rows.values())
    write_file(path, head + b"\0" * (-len(head) % _ALIGNMENT) + data)
    return path


def export_persona(directions: Directions, path: Path) -> Path:
    """Write persona_vectors' one tensor [layers + 1, d_model]: row r is layer r - 1, row 0, the embeddings, is zero.

    Their last row is read after the final norm; ours is what a push changes. Raises UserError where a layer is missing,
    and where the file cannot be written.
    """
    if directions.layers != tuple(range(len(directions))):
        raise UserError(f"A persona vector file holds all layers from 0 on; these are {list(directions.layers)}.")
    raw = directions.raw
    data = io.BytesIO()
    torch.save(torch.cat([torch.zeros(1, raw.shape[1]), raw]), data)
    write_file(path, data.getvalue())
    return path


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: str | int) -> bytes:
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    return struct.pack("<I", _STRING) + _text(value)
