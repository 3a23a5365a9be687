"""Files to a model that is ready to run: weights, tokenizer, and the card beside them."""

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from lm.errors import ModelReferenceError
from lm.local.attention import use_shared_attention
from lm.references import ModelReference

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_LARGEST_CONTEXT = 131_072
"""Assumed where a configuration names no largest number of positions, in tokens."""


@dataclass(frozen=True)
class Checkpoint:
    """A causal language model with its tokenizer, on its device and in evaluation mode."""

    model: Any
    tokenizer: Any
    context: int
    """Largest number of tokens of prompt and completion together."""
    ends: frozenset[int]
    """Tokens that end a text."""
    traits: tuple[str, ...] | None
    """The only traits it knows, where its card says so."""


def load_checkpoint(reference: ModelReference) -> Checkpoint:
    """Load an `organism` or `hf` reference; without `dtype` in float32 on a CPU, as stored elsewhere.

    Raises ModelReferenceError when there is no such checkpoint.
    """
    name = str(organism_folder()) if reference.provider == "organism" else reference.name
    name = str(Path(name).expanduser()) if name.startswith("~") else name
    _refuse_missing_folder(reference, name)
    device = reference.options.get("device", "cpu")
    dtype = _DTYPES[reference.options.get("dtype", "fp32" if device == "cpu" else "bf16")]
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=reference.revision)
        model = AutoModelForCausalLM.from_pretrained(
            name, revision=reference.revision, dtype=dtype, attn_implementation="sdpa"
        )
    except (OSError, ValueError) as error:
        raise ModelReferenceError(f"the checkpoint of {str(reference)!r} cannot be loaded: {error}") from error
    return wrap_checkpoint(model.to(device), tokenizer, read_traits(Path(name)))


def wrap_checkpoint(model: Any, tokenizer: Any, traits: tuple[str, ...] | None = None) -> Checkpoint:
    """A checkpoint of a model and a tokenizer that are already in memory; sets how the model attends (same results)."""
    use_shared_attention(model)
    return Checkpoint(
        model=model.eval(),
        tokenizer=tokenizer,
        context=getattr(model.config, "max_position_embeddings", None) or _LARGEST_CONTEXT,
        ends=_end_tokens(model, tokenizer),
        traits=traits,
    )


def organism_folder() -> Path:
    """Where the embedded model lies in this installation."""
    return Path(str(resources.files("lm.organism").joinpath("weights")))


def read_traits(folder: Path) -> tuple[str, ...] | None:
    """The `traits` of the card.json beside a checkpoint; None without a card or where it names none."""
    card = folder / "card.json"
    if not card.is_file():
        return None
    traits = json.loads(card.read_text(encoding="utf-8")).get("traits")
    return None if traits is None else tuple(traits)


def _refuse_missing_folder(reference: ModelReference, name: str) -> None:
    looks_local = name.startswith((".", "/")) or name.count("/") > 1
    if looks_local and not Path(name, "config.json").is_file():
        raise ModelReferenceError(
            f"{str(reference)!r} names no checkpoint: there is no {Path(name, 'config.json')}. "
            "Give a folder that holds config.json, tokenizer files and weights, or a name on the hub."
        )


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    stated = [model.generation_config.eos_token_id, model.config.eos_token_id, tokenizer.eos_token_id]
    flat = [token for entry in stated for token in (entry if isinstance(entry, list) else [entry])]
    return frozenset(token for token in flat if token is not None)
