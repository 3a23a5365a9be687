"""A model whose insides can be read: weights, tokenizer, and the list of its decoder blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from extract.blocks import find_blocks
from lm.errors import UserError
from lm.local.checkpoint import Checkpoint, load_checkpoint, wrap_checkpoint
from lm.local.text import Spelling
from lm.references import parse_reference
from lm.types import Prompt


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
