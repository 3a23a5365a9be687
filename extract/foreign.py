"""Directions from anyone: our files, repeng's and llama.cpp's control vectors, persona_vectors' tensors.

Layers are ours (layer l is the output of block l): `direction.N` of a GGUF file is added to the output of block N,
row r of a persona_vectors tensor is the output of block r - 1, its first row the embeddings. Both tools read the last
block after the model's final norm, so that their last layer is a poor one to push. Vectors become unit vectors, their
length is kept in `norm`. Neither tool stores activation norms: push with `absolute=`, or measure them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import nan
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from extract.activations import read_rows
from extract.gguf import read_gguf
from extract.models import LoadedModel
from extract.positions import Position
from extract.rows import TokenRow
from extract.vector_files import load_directions
from extract.vectors import Directions, Provenance
from lm.errors import UserError
from lm.types import Prompt

_ROW = re.compile(r"direction\.(\d+)")


def read_directions(path: str | Path, *, trait: str = "", subject: str = "") -> Directions:
    """Directions from a .safetensors file of ours, a .gguf control vector, or a .pt tensor [layers + 1, d_model].

    `trait` and `subject` name those of other tools, which do not say. Raises UserError for any other file.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f"There is no file of directions at {file}.")
    if file.suffix == ".gguf":
        return _from_control_vector(file, trait, subject)
    if file.suffix == ".pt":
        return _from_persona_tensor(file, trait, subject)
    if file.suffix == ".safetensors":
        return load_directions(file)
    raise UserError(f"{file} ends in {file.suffix!r}; directions are read from .safetensors, .gguf and .pt files.")


def with_activation_norms(model: LoadedModel, directions: Directions, texts: Sequence[Prompt]) -> Directions:
    """The directions with activation norms measured on texts: mean residual norm of their tokens, BOS left out.

    Raises UserError where there is no text, or a layer that the model does not have.
    """
    beyond = [layer for layer in directions.layers if layer >= model.n_layers]
    if beyond or not texts:
        what = f"there is no layer {beyond[0]} in {model.reference}" if beyond else "no texts were given"
        raise UserError(f"Activation norms cannot be measured: {what}.")
    rows = [TokenRow(tuple(ids), len(ids), model.leading(ids)) for ids in map(model.encode, texts)]
    [found] = read_rows(model, rows, [Position.parse("all[:]")])
    norms = found.norm[found.count > 0].mean(dim=0)
    return replace(directions, activation_norm=norms[list(directions.layers)])


def _from_control_vector(path: Path, trait: str, subject: str) -> Directions:
    found = read_gguf(path)
    architecture = found.metadata.get("general.architecture")
    if architecture != "controlvector":
        raise UserError(f"{path} is a GGUF file of {architecture!r}, and no control vector.")
    rows = {int(name[1]): row for key, row in found.tensors.items() if (name := _ROW.fullmatch(key))}
    if wrong := [key for key, row in found.tensors.items() if not _ROW.fullmatch(key) or row.ndim != 1]:
        raise UserError(f"{path}: tensor {wrong[0]!r} is no direction; expected vectors named direction.LAYER.")
    hint = found.metadata.get("controlvector.model_hint", "")
    return _made(path, rows, Provenance(
        trait=trait, dataset="", subject=subject or str(hint), position="prompt[-1]", method="control_vector",
        layers=(), pairs=0, pairs_fitted=0,
    ))  # fmt: skip


def _from_persona_tensor(path: Path, trait: str, subject: str) -> Directions:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or unsafe file ends the unpickler in many ways
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} holds no plain tensor that can be read safely: {reason}") from error
    if not isinstance(found, Tensor) or found.ndim != 2 or len(found) < 2 or not found.is_floating_point():
        what = f"a tensor {list(found.shape)} of {found.dtype}" if isinstance(found, Tensor) else type(found).__name__
        raise UserError(f"{path} holds {what}; expected one tensor [layers + 1, d_model] of numbers.")
    position = {"prompt_last_diff": "prompt[-1]", "prompt_avg_diff": "prompt[:]"}
    named = next((place for ending, place in position.items() if path.stem.endswith(ending)), "response[:]")
    return _made(path, dict(enumerate(found[1:].float())), Provenance(
        trait=trait, dataset="", subject=subject, position=named, method="mean_difference",
        layers=(), pairs=0, pairs_fitted=0,
    ))  # fmt: skip


def _made(path: Path, rows: Mapping[int, Float[Tensor, " d_model"]], about: Provenance) -> Directions:
    """Unit vectors of all rows that have a length."""
    layers = tuple(layer for layer in sorted(rows) if bool(rows[layer].any()))
    if not layers:
        raise UserError(f"{path} holds no direction: there are no rows other than zero.")
    if len({len(rows[layer]) for layer in layers}) > 1:
        raise UserError(f"{path}: the directions are of different widths.")
    stacked = torch.stack([rows[layer] for layer in layers])
    if not bool(stacked.isfinite().all()):
        raise UserError(f"{path} holds values that are not finite.")
    lengths = stacked.double().norm(dim=1)
    return Directions(
        direction=(stacked.double() / lengths[:, None]).float(),
        norm=lengths.float(),
        baseline=torch.zeros(len(layers)),
        activation_norm=torch.full((len(layers),), nan),
        provenance=about.model_copy(update={"layers": layers}),
    )
