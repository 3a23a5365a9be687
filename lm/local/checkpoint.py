"""Files to a model that is ready to run: weights, tokenizer, and the card beside them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from lm.errors import ModelReferenceError
from lm.local.attention import use_shared_attention
from lm.local.identity import identity_of
from lm.local.lora import put_adapter
from lm.local.placement import find_placement
from lm.references import ModelReference

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
    source: Path | None = None
    """Folder or hub name that it was loaded from; None where it was made in memory."""
    adapter: Path | None = None
    """Folder of the LoRA adapter that it computes with."""

    @cached_property
    def identity(self) -> str:
        """What its answers depend on besides the request: digest of a folder, commit on the hub; empty in memory."""
        weights = str(getattr(self.model.config, "_commit_hash", None) or "")
        if self.source is not None and self.source.is_dir():
            weights = identity_of(self.source)
        return f"{weights}+{identity_of(self.adapter)}" if self.adapter else weights


def load_checkpoint(reference: ModelReference) -> Checkpoint:
    """Load an `organism` or `hf` reference; without `dtype` in float32 on a CPU, in bfloat16 elsewhere.

    Raises ModelReferenceError when there is no such checkpoint or device, its files cannot be read, or a library that
    an option needs is not installed; UserError for an adapter that does not fit.
    """
    name = find_checkpoint(reference)
    tokenizer = load_tokenizer(reference, name)
    placement = find_placement(reference)
    try:
        with _quietly(Path(name).is_dir()):
            model = AutoModelForCausalLM.from_pretrained(
                name,
                revision=reference.revision,
                dtype=placement.dtype,
                attn_implementation="sdpa",
                **placement.arguments,
            )
        traits = read_traits(Path(name))
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelReferenceError(f"the checkpoint of {str(reference)!r} cannot be loaded: {error}") from error
    placed = model if placement.arguments else model.to(placement.device)
    loaded = wrap_checkpoint(placed, tokenizer, traits, Path(name))
    if "lora" not in reference.options:
        return loaded
    adapter = Path(reference.options["lora"]).expanduser()
    put_adapter(model, adapter)
    return replace(loaded, adapter=adapter)


def load_tokenizer(reference: ModelReference, name: str) -> Any:
    """The tokenizer in a folder or on the hub; ModelReferenceError when it cannot be read."""
    try:
        return AutoTokenizer.from_pretrained(name, revision=reference.revision)
    except (OSError, ValueError) as error:
        raise ModelReferenceError(f"the tokenizer of {str(reference)!r} cannot be loaded: {error}") from error


def wrap_checkpoint(
    model: Any, tokenizer: Any, traits: tuple[str, ...] | None = None, source: Path | None = None
) -> Checkpoint:
    """A checkpoint of a model and a tokenizer that are already in memory; sets how the model attends (same results)."""
    use_shared_attention(model)
    return Checkpoint(
        model=model.eval(),
        tokenizer=tokenizer,
        context=getattr(model.config, "max_position_embeddings", None) or _LARGEST_CONTEXT,
        ends=_end_tokens(model, tokenizer),
        traits=traits,
        source=source,
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


def find_checkpoint(reference: ModelReference) -> str:
    """The folder or hub name; ModelReferenceError for what can only be a folder and holds no checkpoint."""
    if reference.provider == "organism":
        folder = organism_folder()
        if not (folder / "config.json").is_file():
            raise ModelReferenceError(
                f"the embedded model is missing from this installation: there is no {folder / 'config.json'}. "
                "Install the package again, or train it with `python -m lm.organism.train`."
            )
        return str(folder)
    path = Path(reference.name).expanduser()
    looks_local = reference.name.startswith((".", "/", "~")) or reference.name.count("/") > 1 or path.is_dir()
    if looks_local and not (path / "config.json").is_file():
        raise ModelReferenceError(
            f"{str(reference)!r} names no checkpoint: there is no {path / 'config.json'}. "
            "Give a folder that holds config.json, tokenizer files and weights, or a name on the hub."
        )
    return str(path) if looks_local else reference.name


@contextmanager
def _quietly(quiet: bool) -> Iterator[None]:
    """Without transformers' progress bars, which are worth seeing for a download only."""
    shown = logging.is_progress_bar_enabled()
    if quiet:
        logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    stated = [model.generation_config.eos_token_id, model.config.eos_token_id, tokenizer.eos_token_id]
    flat = [token for entry in stated for token in (entry if isinstance(entry, list) else [entry])]
    return frozenset(token for token in flat if token is not None)
