"""Sweeps on Llama-type models in a compiled engine, without hooks: a push as the bias of a layer's last MLP matrix.

What a decoder block adds last is its MLP's output, so a bias there is a push on the block's output, on every token. The
checkpoint is given zero biases once; a setting then costs one copy of a vector, in place, for all requests at once.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from extract.models import LoadedModel
from lm.engine.running import Engine, check_installed
from lm.errors import UserError
from lm.local.checkpoint import find_checkpoint
from lm.references import parse_reference
from lm.types import Completion
from steer.generation import Row
from steer.operators import ALL, Push
from steer.vllm.writer import EXTENSION, EngineWriter, complete, keys_of
from steer.wire import to_wire

ARCHITECTURES = ("LlamaForCausalLM",)
"""Models whose vLLM code reads `mlp_bias` from the configuration."""
_GIVEN, _BIASES, _INDEX = "given-", "mlp_biases.safetensors", "model.safetensors.index.json"


class BiasEngine(EngineWriter):
    """A checkpoint with biases on vLLM's engine in this process; one setting runs at a time."""

    _kinds = (ALL,)

    def __init__(self, reference: str, model: LoadedModel, folder: Path, *, compiled: bool | None = None) -> None:
        """Lay out in `folder` what `vllm:PATH` names, with biases; `model` holds the same weights without.

        `compiled` None: not on a CPU. Raises ModelReferenceError where there is no vLLM or no checkpoint, UserError for
        another architecture.
        """
        parsed = parse_reference(reference)
        check_installed(parsed)
        add_biases(Path(find_checkpoint(parsed)), folder)
        there = replace(parsed, name=str(folder), revision=None)
        super().__init__(Engine(there, str(folder), False, extension=EXTENSION, compiled=compiled), model)

    def _check(self, rows: Sequence[Row]) -> None:
        if any(
            not isinstance(one, Push) or one.tokens != ALL or one.keep_norm or one.when is not None
            for row in rows
            for one in row.pushes
        ):
            raise UserError(
                "A bias can only push, on all tokens, always: Push(direction, norms=…, tokens=ALL). "
                "Use SteeredEngine for anything else."
            )

    async def _write(self, rows: Sequence[Row], max_tokens: int) -> list[Completion]:
        """Rows with the same pushes run together."""
        engine = await self._engine.running()
        groups: dict[str, list[int]] = {}
        for number, key in enumerate(keys_of(rows)):
            groups.setdefault(key, []).append(number)
        found: dict[int, Completion] = {}
        for key, numbers in groups.items():
            some = [rows[number] for number in numbers]
            await engine.call("steering_bias", [to_wire(one) for one in some[0].pushes])
            done = await complete(engine, self._spelling, some, [key] * len(some), max_tokens)
            found.update(zip(numbers, done, strict=True))
        return [found[number] for number in range(len(rows))]


def add_biases(checkpoint: Path, folder: Path) -> None:
    """A checkpoint in `folder` that differs by zero biases in its MLPs; its files are links to the given ones.

    Raises UserError where the architecture does not take them, or has biases of its own.
    """
    if not checkpoint.is_dir():
        raise UserError(
            f"{checkpoint} is no folder: biases are added to a checkpoint on this machine. Download it first."
        )
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    architecture = next(iter(config.get("architectures") or ["an unnamed architecture"]))
    if architecture not in ARCHITECTURES or config.get("mlp_bias"):
        own = " with biases of its own" if config.get("mlp_bias") else ""
        raise UserError(
            f"{checkpoint} is {architecture}{own}: a bias can be added to {', '.join(ARCHITECTURES)} without biases. "
            "Use SteeredEngine, which works by hooks."
        )
    weights = sorted(checkpoint.glob("*.safetensors"))
    if not weights:
        raise UserError(f"{checkpoint} has no .safetensors: save its weights in that format first.")
    folder.mkdir(parents=True, exist_ok=True)
    for file in checkpoint.iterdir():
        # A file called model.safetensors would be read in place of the index.
        link = folder / (f"{_GIVEN}{file.name}" if file in weights else file.name)
        if file.name not in ("config.json", _INDEX):
            link.unlink(missing_ok=True)  # the folder may have served another checkpoint
            link.symlink_to(file.resolve())
    where = {name: f"{_GIVEN}{file.name}" for file in weights for name in _names(file)}
    biases = _zeros(config, folder, where)
    save_file(biases, folder / _BIASES, {"format": "pt"})
    where |= dict.fromkeys(biases, _BIASES)
    (folder / _INDEX).write_text(json.dumps({"metadata": {}, "weight_map": where}), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({**config, "mlp_bias": True}), encoding="utf-8")


def _names(file: Path) -> list[str]:
    with safe_open(str(file), framework="pt") as opened:
        return list(opened.keys())


def _zeros(config: dict[str, object], folder: Path, where: dict[str, str]) -> dict[str, Tensor]:
    """Zero biases for all matrices of all MLPs, in the precision of the weights."""
    sizes = {"gate_proj": "intermediate_size", "up_proj": "intermediate_size", "down_proj": "hidden_size"}
    first = next(name for name in where if name.endswith("down_proj.weight"))
    with safe_open(str(folder / where[first]), framework="pt") as opened:
        dtype = opened.get_tensor(first).dtype
    return {
        f"model.layers.{layer}.mlp.{part}.bias": torch.zeros(int(str(config[size])), dtype=dtype)
        for layer in range(int(str(config["num_hidden_layers"])))
        for part, size in sizes.items()
    }
