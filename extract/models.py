"""A model whose insides can be read: weights, tokenizer, and the list of its decoder blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from extract.blocks import find_blocks
from extract.trait import Sample
from lm.errors import UserError
from lm.local.batches import fixed_batches
from lm.local.checkpoint import Checkpoint, load_checkpoint, wrap_checkpoint
from lm.local.decode import Row, generate
from lm.local.text import Spelling
from lm.references import parse_reference
from lm.types import Prompt, Sampling

_ROWS, _TOKENS = 64, 16_384
"""Rows and tokens of one batch of texts to continue, at most."""


@runtime_checkable
class Subject(Protocol):
    """A model whose activations can be read: with its weights here (`LoadedModel`), or on an engine."""

    @property
    def reference(self) -> str:
        """What it was opened by."""

    @property
    def revision(self) -> str:
        """Commit on the hub; empty where there is none."""

    @property
    def n_layers(self) -> int:
        """Number of decoder blocks."""

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""

    @property
    def spelling(self) -> Spelling:
        """Between text and token ids."""

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of a text to continue, or of a chat up to the assistant's turn."""

    def leading(self, ids: Sequence[int]) -> int:
        """How many of a prompt's first tokens are special ones that no position counts."""

    def continue_greedily(self, prompts: Sequence[str], max_tokens: int) -> list[Sample]:
        """Up to `max_tokens` most likely tokens after each prompt, without the token that ends a text."""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A causal language model with the blocks that hooks attach to; layer l is `blocks[l]`."""

    checkpoint: Checkpoint
    blocks: Sequence[nn.Module]
    reference: str
    revision: str = ""

    @property
    def model(self) -> PreTrainedModel:
        """The model itself, for `generate` and whatever else transformers does."""
        return cast(PreTrainedModel, self.checkpoint.model)

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Its tokenizer."""
        return cast(PreTrainedTokenizerBase, self.checkpoint.tokenizer)

    @property
    def body(self) -> Any:
        """The model without its output head."""
        return self.model.base_model

    @property
    def n_layers(self) -> int:
        """Number of decoder blocks."""
        return len(self.blocks)

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return int(self.model.config.get_text_config().hidden_size)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return cast(torch.device, self.model.device)

    @property
    def spelling(self) -> Spelling:
        """Between text and token ids, as everywhere in `lm.local`."""
        return Spelling(self.checkpoint.tokenizer)

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of a text to continue, or of a chat up to the assistant's turn; the special token in front once."""
        return self.spelling.encode([prompt])[0]

    def leading(self, ids: Sequence[int]) -> int:
        """How many of a prompt's first tokens are special ones that no position counts (0 or 1)."""
        return int(bool(ids) and ids[0] == self.checkpoint.tokenizer.bos_token_id)

    def continue_greedily(self, prompts: Sequence[str], max_tokens: int) -> list[Sample]:
        """Up to `max_tokens` most likely tokens after each prompt, without the token that ends a text."""
        ids = self.spelling.encode(prompts)
        sampling = Sampling(max_tokens=max_tokens, temperature=0)
        found: dict[int, Sample] = {}
        for batch in fixed_batches([len(prompt) + max_tokens for prompt in ids], _ROWS, _TOKENS):
            rows = [Row(ids[number], sampling) for number in batch]
            for number, done in zip(batch, generate(self.model, rows, self.checkpoint.ends), strict=True):
                text = self.spelling.decode_after(ids[number], done.ids)
                found[number] = Sample(text=text, token_ids=done.ids)
        return [found[number] for number in range(len(prompts))]


def load_model(reference: str, *, blocks: str | None = None) -> LoadedModel:
    """Load the weights that a reference names (`organism`, `hf:…`); float32 on a CPU unless it says otherwise.

    `blocks` is the attribute path of the decoder blocks, for a family that is not known. Raises UserError for
    references without weights, for checkpoints that cannot be loaded, and where the blocks are not found.
    """
    parsed = parse_reference(reference)
    if parsed.provider not in ("organism", "hf"):
        raise UserError(f"'{parsed}' has no weights to read. Name a checkpoint: organism, or hf:NAME-or-PATH.")
    checkpoint = load_checkpoint(parsed)
    return LoadedModel(
        checkpoint=checkpoint,
        blocks=find_blocks(checkpoint.model, blocks),
        reference=str(parsed),
        revision=str(getattr(checkpoint.model.config, "_commit_hash", None) or parsed.revision or ""),
    )


def wrap_model(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, reference: str, *, blocks: str | None = None
) -> LoadedModel:
    """Any Hugging Face causal model in memory as a LoadedModel. Raises UserError where its blocks are not found."""
    return LoadedModel(wrap_checkpoint(model, tokenizer), find_blocks(model, blocks), reference)
