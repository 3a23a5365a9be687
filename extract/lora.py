"""LoRA adapters as peft writes them, added to a model's weights inside `with` and taken out again, exactly.

with adapted(model, "adapter/"):
    tuned = read_rows(model, rows, positions)
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from extract.activations import Readings, read_rows
from extract.models import LoadedModel
from extract.positions import Position
from extract.rows import TokenRow
from lm.errors import UserError

_PREFIX = "base_model.model."
_NOT_READ = ("use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "trainable_token_indices")
"""Settings of adapters that are more than W + B A; an adapter that uses one is refused."""


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
    """Inside, each adapted weight is W + scale * B A; afterwards it is W again, bit by bit.

    Raises UserError for a folder that is no LoRA adapter, for kinds of adapters that are more than that, and for
    weights that are not there, do not fit or are quantised.
    """
    changes = _read_changes(Path(adapter))
    modules = dict(model.model.named_modules())
    chosen = {name: _weight(modules, name, change, Path(adapter)) for name, change in changes.items()}
    kept = {name: weight.detach().clone() for name, weight in chosen.items()}
    try:
        with torch.no_grad():
            for name, weight in chosen.items():
                change = changes[name].T if isinstance(modules[name], Conv1D) else changes[name]
                weight.copy_(weight.float() + change.to(weight.device))
        yield
    finally:
        with torch.no_grad():
            for name, weight in chosen.items():
                weight.copy_(kept[name])


def _read_changes(folder: Path) -> dict[str, Float[Tensor, "d_out d_in"]]:
    """scale * B A of each module, by the module's name."""
    settings = _read_settings(folder)
    try:
        tensors = load_file(folder / "adapter_model.safetensors")
    except (OSError, SafetensorError) as error:
        raise UserError(f"{folder / 'adapter_model.safetensors'} cannot be read: {error}.") from error
    rank = int(settings["r"])
    scale = float(settings["lora_alpha"]) / (math.sqrt(rank) if settings.get("use_rslora") else rank)
    downs = {name.removesuffix(".lora_A.weight"): name for name in tensors if name.endswith(".lora_A.weight")}
    if len(tensors) != 2 * len(downs) or not downs:
        other = [name for name in tensors if not name.endswith((".lora_A.weight", ".lora_B.weight"))]
        raise UserError(f"{folder} holds more than pairs of lora_A and lora_B weights: {', '.join(other[:3])}.")
    return {
        stem.removeprefix(_PREFIX): scale * (tensors[f"{stem}.lora_B.weight"].float() @ tensors[name].float())
        for stem, name in downs.items()
    }


def _read_settings(folder: Path) -> Mapping[str, Any]:
    try:
        settings: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} is no adapter: adapter_config.json cannot be read ({error}).") from error
    used = [name for name in _NOT_READ if settings.get(name)]
    if settings.get("peft_type") != "LORA" or settings.get("bias", "none") != "none" or used:
        what = ", ".join(used) or f"peft_type {settings.get('peft_type')}, bias {settings.get('bias')}"
        raise UserError(f"{folder} is not a plain LoRA adapter ({what}). Merge it into the weights and load those.")
    return settings


def _weight(modules: Mapping[str, nn.Module], name: str, change: Tensor, folder: Path) -> nn.Parameter:
    weight = getattr(modules.get(name), "weight", None)
    if not isinstance(weight, nn.Parameter):
        raise UserError(f"{folder} changes {name!r}, which this model does not have.")
    shape = tuple(change.T.shape) if isinstance(modules[name], Conv1D) else tuple(change.shape)
    if not weight.is_floating_point() or tuple(weight.shape) != shape:
        raise UserError(
            f"{folder} changes {name!r} by {list(shape)}; its weight is {list(weight.shape)} {weight.dtype}."
        )
    return weight
