"""A checkpoint on vLLM's engine in this process, behind the `Model` interface.

Texts and token ids are made by the tokenizer as `lm.local` makes them, so that the same weights read the same prompt.
Every request has a seed of its own and goes to the engine at once, which batches them as they come; what prompts begin
with alike is computed once (prefix caching). Rounding may differ with the batch, as on any such engine.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lm.engine.params import for_labels, for_text, for_top
from lm.engine.running import Engine, Running, check_installed
from lm.errors import UserError
from lm.limits import together
from lm.local.checkpoint import find_checkpoint, load_tokenizer, read_traits
from lm.local.identity import identity_of
from lm.local.scale import find_scale
from lm.local.text import Spelling
from lm.metering import Meter, Unmetered, Use
from lm.references import ModelReference
from lm.types import Capabilities, Completion, NextTokenRequest, NextTokens, Prompt, Request

if TYPE_CHECKING:
    from vllm import SamplingParams

_FINISHES: dict[str | None, Literal["stop", "length"]] = {"stop": "stop", "length": "length"}


def read_completion(spelling: Spelling, prompt: Sequence[int], done: Any) -> Completion:
    """What vLLM wrote after a prompt, spelled."""
    (output,) = done.outputs
    finish = _FINISHES.get(output.finish_reason)
    # A text that stopped did so at a token that says nothing else.
    ids = tuple(output.token_ids[:-1] if finish == "stop" else output.token_ids)
    return Completion(
        text=spelling.decode_after(prompt, ids),
        finish=finish or "error",
        reason=None if finish else f"finish reason {output.finish_reason!r}",
        prompt_ids=tuple(prompt),
        token_ids=ids,
        pieces=spelling.pieces_after(prompt, ids),
        log_probabilities=tuple(place[token].logprob for token, place in zip(ids, output.logprobs or (), strict=False)),
        tokens_in=len(prompt),
        tokens_out=len(ids),
        tokens_cached=done.num_cached_tokens or 0,
    )


@dataclass
class _Found:
    """What all metered copies of one model have in common."""

    capabilities: Capabilities | None = None


class EngineModel:
    """A model on an engine that starts when it is first asked something."""

    def __init__(self, reference: ModelReference, plugins: Mapping[str, Any] | None = None) -> None:
        """Read the tokenizer; ModelReferenceError where there is no vLLM or no such checkpoint.

        `plugins` are further arguments of vLLM's, for plug-ins of other packages.
        """
        check_installed(reference)
        name = find_checkpoint(reference)
        tokenizer = load_tokenizer(reference, name)
        self.reference = str(reference)
        self._spelling = Spelling(tokenizer)
        self._folder = Path(name)
        self._engine = Engine(reference, name, bool(tokenizer.is_fast), plugins or {})
        self._found = _Found()
        self._meter: Meter = Unmetered()

    def metered(self, meter: Meter) -> "EngineModel":
        """The same model on the same engine, its requests told to a meter."""
        other = copy.copy(self)
        other._meter = meter
        return other

    async def capabilities(self) -> Capabilities:
        """Read off the tokenizer, the card and the engine's configuration; tried out where nothing else tells."""
        if self._found.capabilities is None:
            engine = await self._engine.running()
            self._found.capabilities = Capabilities(
                context=engine.context,
                chat=self._spelling.chats,
                structured=self._engine.structured,
                scale=await find_scale(self, self._spelling, engine.context),
                served=identity_of(self._folder) if self._folder.is_dir() else engine.commit,
                traits=read_traits(self._folder),
            )
        return self._found.capabilities

    async def close(self) -> None:
        """Stop the engine, for metered copies too; a later request starts it again."""
        await self._engine.stop()

    def count_tokens(self, prompt: Prompt) -> int:
        """Exact number of tokens, opening tokens and template included."""
        return len(self._spelling.encode([prompt])[0])

    async def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion per request.

        Raises UserError when a prompt and its `max_tokens` exceed the context, or a schema cannot be enforced, and
        ModelFailure when the engine breaks.
        """
        engine = await self._engine.running()
        prompts = self._spelling.encode([request.prompt for request in requests])
        return await together(
            self._complete(engine, ids, request) for ids, request in zip(prompts, requests, strict=True)
        )

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """Log-probabilities of the labels and the `top` tokens; CapabilityError for a label of several tokens."""
        engine = await self._engine.running()
        prompts = self._spelling.encode([request.prompt for request in requests])
        labels = {labels: self._spelling.label_ids(labels) for labels in {request.labels for request in requests}}
        return await together(
            self._next_tokens(engine, ids, request, labels[request.labels])
            for ids, request in zip(prompts, requests, strict=True)
        )

    async def run(self, prompt: Sequence[int], params: "SamplingParams") -> Any:
        """What vLLM makes of token ids, under parameters of its own: for plug-ins. Raises as `complete` does."""
        return await self._ask(await self._engine.running(), list(prompt), params)

    async def _complete(self, engine: Running, prompt: list[int], request: Request) -> Completion:
        done = await self._ask(engine, prompt, for_text(request, engine.ends))
        return read_completion(self._spelling, prompt, done)

    async def _next_tokens(
        self, engine: Running, prompt: list[int], request: NextTokenRequest, label_ids: list[int]
    ) -> NextTokens:
        """The engine tells the probabilities of given tokens or of the likeliest ones, not of both at once."""
        by_label: dict[str, float] = {}
        top: dict[str, float] = {}
        cached = 0
        if label_ids:
            done = await self._ask(engine, prompt, for_labels(label_ids))
            found, cached = done.outputs[0].logprobs[0], done.num_cached_tokens or 0
            by_label = {label: found[token].logprob for label, token in zip(request.labels, label_ids, strict=True)}
        if request.top:
            done = await self._ask(engine, prompt, for_top(request.top))
            found, cached = done.outputs[0].logprobs[0], done.num_cached_tokens or 0
            likely = sorted(found.items(), key=lambda item: -item[1].logprob)[: request.top]
            top = {self._spelling.spell(token): value.logprob for token, value in likely}
        return NextTokens(labels=by_label, top=top, tokens_in=len(prompt), tokens_cached=cached)

    async def _ask(self, engine: Running, prompt: list[int], params: "SamplingParams") -> Any:
        """One metered request."""
        most = params.max_tokens or 0
        self._check_length(len(prompt) + most, engine.context)
        ticket = await self._meter.reserve(Use(tokens_in=len(prompt), tokens_out=most))
        try:
            done = await engine.generate(prompt, params)
        except BaseException:
            self._meter.settle(ticket, "failed")
            raise
        cached, written = done.num_cached_tokens or 0, len(done.outputs[0].token_ids)
        self._meter.settle(ticket, "answer", Use(tokens_in=len(prompt), tokens_out=written, cached=cached))
        return done

    def _check_length(self, tokens: int, context: int) -> None:
        if tokens > context:
            raise UserError(
                f"{self.reference!r} holds {context} tokens; a request needs {tokens} for its prompt and completion. "
                "Shorten it, lower max_tokens, or give the engine more room with ?context=TOKENS."
            )
