"""LoRA adapters as peft writes them, put beside a model's own weights, which stay as they are.

The output of each adapted module becomes W x + scale * B A x, the adapter's part in float32. That is what peft computes
with an adapter that is not merged, it works on quantised weights too, and taking it out again leaves no trace.

Source: Hu et al. 2021, LoRA: Low-Rank Adaptation of Large Language Models; the scale of rsLoRA: Kalajdzievski 2023.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle
from transformers.pytorch_utils import Conv1D

from lm.errors import UserError

_PREFIX = "base_model.model."
_NOT_READ = ("use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "trainable_token_indices")
"""Settings of adapters that are more than W + B A; an adapter that uses one is refused."""


@dataclass(frozen=True, eq=False)
class Change:
    """What an adapter adds to one module."""

    down: Float[Tensor, "rank d_in"]
    up: Float[Tensor, "d_out rank"]
    scale: float


def put_adapter(model: nn.Module, folder: Path) -> list[RemovableHandle]:
    """Let a model compute with an adapter until the handles are removed.

    Raises UserError for a folder that is no LoRA adapter, for kinds of adapters that are more than that, and for
    modules that are not there or do not fit.
    """
    changes = read_adapter(folder)
    modules = dict(model.named_modules())
    for name, change in changes.items():
        _check(modules.get(name), name, change, folder)
    return [modules[name].register_forward_hook(_adding(change)) for name, change in changes.items()]


def read_adapter(folder: Path) -> dict[str, Change]:
    """What an adapter changes, by the names of modules. Raises UserError for what is not a plain LoRA adapter."""
    settings = _read_settings(folder)
    try:
        tensors = load_file(folder / "adapter_model.safetensors")
    except (OSError, SafetensorError) as error:
        raise UserError(f"{folder / 'adapter_model.safetensors'} cannot be read: {error}.") from error
    rank = int(settings["r"])
    scale = float(settings["lora_alpha"]) / (math.sqrt(rank) if settings.get("use_rslora") else rank)
    stems = [name.removesuffix(".lora_A.weight") for name in tensors if name.endswith(".lora_A.weight")]
    wanted = {f"{stem}.lora_{part}.weight" for stem in stems for part in "AB"}
    if not stems or wanted != set(tensors):
        other = ", ".join(sorted(wanted ^ set(tensors))[:3])
        raise UserError(f"{folder} holds something else than pairs of lora_A and lora_B weights: {other or 'nothing'}.")
    return {
        stem.removeprefix(_PREFIX): Change(
            tensors[f"{stem}.lora_A.weight"].float(), tensors[f"{stem}.lora_B.weight"].float(), scale
        )
        for stem in stems
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


def _check(module: nn.Module | None, name: str, change: Change, folder: Path) -> None:
    if module is None:
        raise UserError(f"{folder} changes {name!r}, which this model does not have.")
    size = _size(module)
    given = (change.up.shape[0], change.down.shape[1])
    if size != given or change.up.shape[1] != change.down.shape[0]:
        own = type(module).__name__ if size is None else list(size)
        raise UserError(f"{folder} changes {name!r} by {list(given)}; it is {own}.")


def _size(module: nn.Module) -> tuple[int, int] | None:
    """[d_out, d_in] of a linear module, quantised ones included; None for any other."""
    if isinstance(module, Conv1D):
        return module.weight.shape[1], module.weight.shape[0]
    return (module.out_features, module.in_features) if isinstance(module, nn.Linear) else None


def _adding(change: Change) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
    """A forward hook; the adapter moves to where its module computes when that is first seen."""
    placed = [change.down, change.up]

    def add(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        placed[:] = (part.to(output.device) for part in placed)
        down, up = placed
        added = functional.linear(functional.linear(inputs[0].float(), down), up)
        return (output.float() + change.scale * added).to(output.dtype)

    return add
