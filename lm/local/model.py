"""A local checkpoint behind the `Model` interface."""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from llguidance import LLTokenizer
from llguidance.hf import from_tokenizer
from torch import Tensor

from lm.errors import CapabilityError, UserError
from lm.local.batches import fixed_batches
from lm.local.checkpoint import Checkpoint
from lm.local.decode import Continuation, Row, generate, next_log_probabilities
from lm.local.grammar import Grammars
from lm.local.scale import find_scale
from lm.local.text import Spelling
from lm.types import Capabilities, Completion, NextTokenRequest, NextTokens, Prompt, Request

_ROWS = 64
"""Rows of one batch at most."""
_TOKENS = 65_536
"""Tokens of one batch at most, prompts and completions together."""

_SMALL = 100_000_000
"""Parameters up to which, on a CPU, a batch runs on one thread and batches run side by side: a small model gains little
from several threads, and loses a lot where they have to wait for one another on a busy machine."""

T = TypeVar("T")


class LocalModel:
    """A transformers model in this process. One request list at a time uses it, in a worker thread."""

    def __init__(self, reference: str, checkpoint: Checkpoint, rows: int = _ROWS, tokens: int = _TOKENS) -> None:
        self.reference = reference
        self.checkpoint = checkpoint
        self._rows, self._tokens = rows, tokens
        self._spelling = Spelling(checkpoint.tokenizer)
        self._turn = asyncio.Lock()
        self._capabilities: Capabilities | None = None

    async def capabilities(self) -> Capabilities:
        """Read off the tokenizer, the configuration and the card; tried out where nothing else tells."""
        if self._capabilities is None:
            self._capabilities = Capabilities(
                context=self.checkpoint.context,
                chat=self._spelling.chats,
                structured=self.checkpoint.tokenizer.is_fast,
                scale=await find_scale(self, self._spelling, self.checkpoint.context),
                served=self.checkpoint.identity,
                traits=self.checkpoint.traits,
            )
        return self._capabilities

    def count_tokens(self, prompt: Prompt) -> int:
        """Exact number of tokens, opening tokens and template included."""
        return len(self._spelling.encode([prompt])[0])

    async def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion per request; the same list gives the same bits.

        Raises UserError when a prompt and its `max_tokens` exceed the context, or a schema cannot be enforced.
        """
        return await self._in_thread(lambda: self._complete(requests))

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """Log-probabilities of the labels and the `top` tokens; CapabilityError for a label of several tokens."""
        return await self._in_thread(lambda: self._next_tokens(requests))

    async def close(self) -> None:
        """Nothing is held open."""

    async def _in_thread(self, work: Callable[[], T]) -> T:
        async with self._turn:
            return await asyncio.to_thread(work)

    def _complete(self, requests: Sequence[Request]) -> list[Completion]:
        prompts = self._spelling.encode([request.prompt for request in requests])
        rows = [
            Row(ids, request.sampling, self._grammars.matcher(request.output_schema) if request.output_schema else None)
            for ids, request in zip(prompts, requests, strict=True)
        ]

        def continue_rows(batch: list[int]) -> list[Completion]:
            done = generate(self.checkpoint.model, [rows[index] for index in batch], self.checkpoint.ends)
            return [self._as_completion(prompts[index], end) for index, end in zip(batch, done, strict=True)]

        return self._in_batches([len(row.prompt) + row.sampling.max_tokens for row in rows], continue_rows)

    def _next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        prompts = self._spelling.encode([request.prompt for request in requests])
        labels = {labels: self._spelling.label_ids(labels) for labels in {request.labels for request in requests}}

        def read_rows(batch: list[int]) -> list[NextTokens]:
            log_probabilities = next_log_probabilities(self.checkpoint.model, [prompts[index] for index in batch])
            return [
                self._as_next_tokens(requests[index], labels[requests[index].labels], row, len(prompts[index]))
                for index, row in zip(batch, log_probabilities, strict=True)
            ]

        return self._in_batches([len(ids) for ids in prompts], read_rows)

    def _in_batches(self, lengths: Sequence[int], work: Callable[[list[int]], list[T]]) -> list[T]:
        """Results of `work` on fixed batches of indices, in the order of `lengths`; UserError for one too long."""
        self._check_lengths(lengths)
        batches = fixed_batches(lengths, self._rows, self._tokens)
        if _is_small(self.checkpoint.model):
            with ThreadPoolExecutor(_cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
                done = list(pool.map(work, batches))
        else:
            done = [work(batch) for batch in batches]
        by_index = {
            index: result
            for batch, results in zip(batches, done, strict=True)
            for index, result in zip(batch, results, strict=True)
        }
        return [by_index[index] for index in range(len(lengths))]

    def _as_next_tokens(
        self, request: NextTokenRequest, labels: list[int], row: Float[Tensor, " vocab"], tokens_in: int
    ) -> NextTokens:
        top = row.topk(request.top)
        return NextTokens(
            labels=dict(zip(request.labels, row[labels].tolist(), strict=True)),
            top=dict(zip(map(self._spelling.spell, top.indices.tolist()), top.values.tolist(), strict=True)),
            tokens_in=tokens_in,
        )

    def _as_completion(self, prompt: Sequence[int], continuation: Continuation) -> Completion:
        return Completion(
            text=self._spelling.decode_after(prompt, continuation.ids),
            finish=continuation.finish,
            prompt_ids=tuple(prompt),
            token_ids=continuation.ids,
            pieces=self._spelling.pieces_after(prompt, continuation.ids),
            tokens_in=len(prompt),
            tokens_out=len(continuation.ids),
        )

    def _check_lengths(self, lengths: Sequence[int]) -> None:
        longest = max(lengths, default=0)
        if longest > self.checkpoint.context:
            raise UserError(
                f"{self.reference!r} holds {self.checkpoint.context} tokens; a request needs {longest} for its prompt "
                "and completion. Shorten it, lower max_tokens, or use a model with a larger context."
            )

    @cached_property
    def _grammars(self) -> Grammars:
        if not self.checkpoint.tokenizer.is_fast:
            raise CapabilityError(f"{self.reference!r} cannot be held to a schema: it has no fast tokenizer.")
        tokenizer: LLTokenizer = from_tokenizer(self.checkpoint.tokenizer, eos_token=sorted(self.checkpoint.ends))
        return Grammars(tokenizer, self.checkpoint.model.config.vocab_size)


def _is_small(model: Any) -> bool:
    return bool(model.device.type == "cpu" and model.num_parameters() <= _SMALL)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
