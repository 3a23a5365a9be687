"""Our generation loop: left-padded rows, one shared prefix, a stream of its own for each row.

Compared with `transformers.generate` it samples every row from its own seed, computes what all prompts begin with
only once, and drops finished rows from the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from llguidance import LLMatcher
from torch import Tensor
from transformers import DynamicCache

from lm.local.attention import SharedPrefix, can_share
from lm.local.batches import shared_prefix
from lm.local.grammar import RowMatchers
from lm.local.kv import make_cache, select_rows
from lm.local.sampling import RowSampler
from lm.types import Sampling

_DROP_BELOW = 0.75
"""Finished rows are dropped when at most this share of the batch is still going: each drop copies the cache once."""


@dataclass(frozen=True)
class Row:
    """One text to continue, as token ids; with a matcher its continuation obeys a grammar."""

    prompt: Sequence[int]
    sampling: Sampling
    matcher: LLMatcher | None = None


@dataclass(frozen=True)
class Continuation:
    """The generated ids, without the end-of-text token."""

    ids: tuple[int, ...]
    finish: Literal["stop", "length"]


class Batch:
    """Prompts inside the model: cache, attention mask and positions, one row each; `logits` are for the next token."""

    logits: Float[Tensor, "row vocab"]

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], room: int, share: bool = True) -> None:
        """Run the prompts through the model and leave room for `room` more tokens a row."""
        self._model = model
        shared = shared_prefix(prompts) if share and can_share(model) else 0
        self._prefix = {"shared_prefix": _run_prefix(model, prompts[0][:shared])} if shared else {}
        rests = [prompt[shared:] for prompt in prompts]
        width = max(len(rest) for rest in rests)
        padding = torch.tensor([width - len(rest) for rest in rests])[:, None]
        columns = torch.arange(width + room)[None]
        self._cache = make_cache(model.config, width + room)
        self._mask = (columns >= padding).long().to(model.device)
        self._filled = 0
        self._next_position = shared + width - padding
        ids = torch.tensor([[0] * (width - len(rest)) + list(rest) for rest in rests])
        self._forward(ids, shared + (columns[:, :width] - padding).clamp(min=0))

    def step(self, tokens: Int[Tensor, " row"]) -> None:
        """Append one token to each row."""
        self._forward(tokens[:, None], self._next_position)
        self._next_position = self._next_position + 1

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Drop all other rows."""
        select_rows(self._cache, rows.to(self._model.device))
        self._mask = self._mask[rows.to(self._model.device)]
        self._next_position = self._next_position[rows]

    def _forward(self, ids: Int[Tensor, "row token"], positions: Int[Tensor, "row token"]) -> None:
        self._filled += ids.shape[1]
        device = self._model.device
        output = self._model(
            input_ids=ids.to(device),
            attention_mask=self._mask[: len(ids), : self._filled],
            position_ids=positions.to(device),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
            **self._prefix,
        )
        self.logits = output.logits[:, -1]


def _run_prefix(model: Any, ids: Sequence[int]) -> SharedPrefix:
    cache = DynamicCache(config=model.config)
    model(input_ids=torch.tensor([ids], device=model.device), past_key_values=cache, use_cache=True, logits_to_keep=1)
    return SharedPrefix(tuple(layer.keys for layer in cache.layers), tuple(layer.values for layer in cache.layers))


@torch.inference_mode()
def generate(model: Any, rows: Sequence[Row], ends: frozenset[int], share: bool = True) -> list[Continuation]:
    """Continue every row up to its `max_tokens`, an end-of-text token, or a complete answer of its grammar.

    A row's text depends on its prompt and seed alone, up to rounding in the model. `share=False` computes common
    prefixes for each row again.
    """
    room = max(row.sampling.max_tokens for row in rows)
    batch = Batch(model, [row.prompt for row in rows], room, share)
    matchers = RowMatchers([row.matcher for row in rows], batch.logits.shape[-1])
    sampler = RowSampler([row.sampling for row in rows], matchers)
    drafts = [_Draft(row.sampling.max_tokens) for row in rows]
    inside = drafts
    for _ in range(room):
        tokens = sampler.draw(batch.logits)
        complete = matchers.advance(tokens.tolist())
        for draft, token, is_complete in zip(inside, tokens.tolist(), complete, strict=True):
            draft.add(token, token in ends, is_complete)
        kept = [place for place, draft in enumerate(inside) if draft.finish is None]
        if not kept:
            break
        if len(kept) <= _DROP_BELOW * len(inside):
            inside = [inside[place] for place in kept]
            sampler.keep(kept)
            batch.keep(torch.tensor(kept))
            tokens = tokens[kept]
        batch.step(tokens)
    return [Continuation(tuple(draft.ids), draft.finish or "length") for draft in drafts]


@torch.inference_mode()
def next_log_probabilities(model: Any, prompts: Sequence[Sequence[int]]) -> Float[Tensor, "row vocab"]:
    """Natural-log probabilities of the token after each prompt, on the CPU in float32."""
    return torch.log_softmax(Batch(model, prompts, room=0).logits.float(), dim=-1).cpu()


@dataclass
class _Draft:
    """A continuation while it is written; once it is finished it takes no more tokens."""

    most: int
    ids: list[int] = field(default_factory=list)
    finish: Literal["stop", "length"] | None = None

    def add(self, token: int, is_end: bool, is_complete: bool) -> None:
        if self.finish is not None:
            return
        if is_end or self.most == 0:
            self.finish = "stop" if is_end else "length"
            return
        self.ids.append(token)
        if is_complete:
            self.finish = "stop"
        elif len(self.ids) == self.most:
            self.finish = "length"
