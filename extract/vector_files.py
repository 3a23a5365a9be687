"""Directions on disk: one safetensors file each, never pickle; provenance as JSON in its header.

vectors/{subject}/{position}/{component}/{method}.safetensors
"""

import json
import os
from pathlib import Path
from urllib.parse import quote, unquote

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from extract.vectors import Directions, Provenance
from lm.errors import UserError

HEADER = "traitsmith.directions"
"""The one key of the header: a single key, because several are written in no fixed order."""

_UNIT_TOLERANCE = 1e-3


def encode_name(name: str) -> str:
    """A name as one path component that every file system takes; `decode_name` gives it back.

    Raises UserError for an empty name, and for one too long for a file system.
    """
    encoded = quote(name, safe="")
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if encoded.endswith("."):
        encoded = encoded[:-1] + "%2E"
    if not encoded or len(encoded) > 200:
        raise UserError(f"{name!r} cannot name a file: it is empty, or too long.")
    return encoded


def decode_name(encoded: str) -> str:
    """The name that `encode_name` encoded."""
    return unquote(encoded)


def vector_path(root: Path, provenance: Provenance) -> Path:
    """Where the directions of this provenance lie under `root`."""
    parts = (provenance.subject, provenance.position, provenance.component)
    return root.joinpath(*map(encode_name, parts), encode_name(provenance.method) + ".safetensors")


def save_directions(directions: Directions, root: Path) -> Path:
    """Write directions at their path under `root` in one step. Raises UserError for values not fit to be read again."""
    if not directions.provenance.subject:
        raise UserError(
            f"{directions!r} cannot be saved: they do not say of which model they are. "
            "Name it: Directions.of(..., subject='hf:NAME'), read_directions(..., subject='hf:NAME')."
        )
    path = vector_path(root, directions.provenance)
    _check(path, directions.tensors(), directions.provenance)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in directions.tensors().items()}
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(save(tensors, {HEADER: directions.provenance.model_dump_json()}))
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path


def load_directions(path: Path) -> Directions:
    """Read a file of directions. Raises UserError for any other format, wrong shapes, or values that are not finite."""
    if not path.is_file():
        raise UserError(f"There is no file of directions at {path}.")
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise UserError(f"{path} is no safetensors file: {error}.") from error
    if HEADER not in header:
        raise UserError(f"{path} holds no directions: its header has no {HEADER!r}.")
    try:
        provenance = Provenance.model_validate(json.loads(header[HEADER]))
    except (json.JSONDecodeError, ValidationError) as error:
        raise UserError(f"{path} has a header that cannot be read: {error}.") from error
    _check(path, tensors, provenance)
    return Directions(provenance=provenance, **{name: tensors[name] for name in _shapes(1, 1)})


def _shapes(layers: int, d_model: int) -> dict[str, tuple[int, ...]]:
    return {"direction": (layers, d_model), "norm": (layers,), "baseline": (layers,), "activation_norm": (layers,)}


def _check(path: Path, tensors: dict[str, Tensor], provenance: Provenance) -> None:
    """Raise UserError unless the tensors are what directions of these layers must be."""
    layers = len(provenance.layers)
    d_model = tensors["direction"].shape[-1] if "direction" in tensors and tensors["direction"].ndim else 0
    for name, shape in _shapes(layers, d_model).items():
        if name not in tensors:
            raise UserError(f"{path}: tensor {name!r} is missing.")
        found = tensors[name]
        if tuple(found.shape) != shape or found.dtype != torch.float32:
            raise UserError(
                f"{path}: {name!r} is {list(found.shape)} {found.dtype}; expected {list(shape)} torch.float32."
            )
        if not bool(found.isfinite().all()):
            hint = " Measure it first: extract.with_activation_norms." if name == "activation_norm" else ""
            raise UserError(f"{path}: {name!r} holds values that are not finite.{hint}")
    lengths = tensors["direction"].norm(dim=1)
    if layers == 0 or bool(((lengths - 1).abs() > _UNIT_TOLERANCE).any()):
        raise UserError(f"{path}: directions must be unit vectors; their lengths are {lengths.tolist()}.")
