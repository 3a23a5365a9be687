"""OpenAI, vLLM servers and all that speak the same language, behind the `Model` interface (official `openai` SDK).

A plain text goes to /completions, a chat to /chat/completions; each request is one call with a seed of its own.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from lm.errors import CapabilityError
from lm.limits import Patience, together
from lm.metering import Use
from lm.references import ModelReference
from lm.remote.endpoint import worst_case
from lm.remote.faults import Refused
from lm.remote.openai_answers import ChatAnswer, TextAnswer
from lm.remote.openai_probe import OpenAIAbilities, probe
from lm.remote.served import ServedModel
from lm.types import Completion, JsonSchema, NextTokenRequest, NextTokens, Prompt, Request

if TYPE_CHECKING:
    from ssl import SSLContext

    from openai import AsyncOpenAI

T = TypeVar("T")

OFFICIAL = "https://api.openai.com/v1"
_NEEDLESS = ("default", "title", "minLength", "maxLength")
"""Keywords that OpenAI's strict schemas do not take; the answer is validated here again."""


class OpenAIModel(ServedModel["AsyncOpenAI", OpenAIAbilities]):
    """One model on one server."""

    def __init__(self, reference: ModelReference, patience: Patience | None = None) -> None:
        self.is_vllm = reference.provider == "vllm"
        super().__init__(reference, OFFICIAL, "VLLM_API_KEY" if self.is_vllm else "OPENAI_API_KEY", patience)

    def count_tokens(self, prompt: Prompt) -> int:
        """An estimate on the safe side, measured on the endpoint's tokenizer where it has one to ask."""
        abilities = self._shared.abilities
        ratio = abilities.tokens_per_character if abilities else 0.5
        turns = (prompt,) if isinstance(prompt, str) else tuple(message.content for message in prompt)
        return sum(math.ceil(len(text) * ratio) + 4 for text in turns)

    async def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion per request; a refusal is a completion too. ModelFailure when the server gives up on us."""
        await self._abilities()
        return await together(self._complete(request) for request in requests)

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """Log-probabilities of the labels or of the likeliest tokens; CapabilityError where there are none to have."""
        able = await self._abilities()
        if able.capabilities.probabilities == "none":
            raise CapabilityError(f"{self.reference!r} tells no probabilities.")
        return await together(self._next_tokens(request) for request in requests)

    async def _complete(self, request: Request) -> Completion:
        sampling = request.sampling
        given = {"seed": sampling.seed % 2**63, "temperature": sampling.temperature}
        try:
            if isinstance(request.prompt, str):
                answer = await self._text(request.prompt, sampling.max_tokens, given, 0, request.output_schema)
                return answer.completion()
            extra = {"return_token_ids": True} if self.is_vllm else None
            chat = await self._chat(request.prompt, sampling.max_tokens, given, request.output_schema, extra=extra)
            return chat.completion()
        except Refused as refusal:
            return Completion(text="", finish="refusal", reason=str(refusal))

    async def _next_tokens(self, request: NextTokenRequest) -> NextTokens:
        able = await self._abilities()
        ids = [able.label_ids[label] for label in request.labels if label in able.label_ids]
        exact = bool(ids) and len(ids) == len(request.labels)
        wanted = {"logprob_token_ids": ids} if exact else {}
        top = able.top if not exact else 0
        greedy: dict[str, Any] = {"temperature": 0}
        try:
            if isinstance(request.prompt, str):
                answer = await self._text(request.prompt, 1, greedy, top, None, wanted)
                tokens = answer.choices[0].logprobs
                found = (tokens.top_logprobs[0] if tokens and tokens.top_logprobs else None) or {}
                use = answer.usage.use()
            else:
                chat = await self._chat(request.prompt, 1, greedy, None, top=top, extra=wanted)
                content = (chat.choices[0].logprobs and chat.choices[0].logprobs.content) or ()
                found = {likely.token: likely.logprob for likely in (content[0].top_logprobs if content else ())}
                use = chat.usage.use()
        except Refused:
            # Nothing was said, so nothing is on the labels: the judge leaves the text unscored.
            return NextTokens(labels=dict.fromkeys(request.labels, -math.inf), top={})
        return NextTokens(
            labels=labels_among(found, request.labels, exact),
            top=dict(list(found.items())[: request.top]),
            tokens_in=use.tokens_in,
            tokens_cached=use.cached,
        )

    async def _chat(
        self,
        prompt: Prompt,
        max_tokens: int,
        given: dict[str, Any],
        schema: JsonSchema | None,
        *,
        top: int | None = None,
        extra: dict[str, Any] | None = None,
    ) -> ChatAnswer:
        able = await self._abilities()
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [{"role": turn.role, "content": turn.content} for turn in prompt if not isinstance(turn, str)],
            able.limit_name: max_tokens,
            **{name: value for name, value in given.items() if name not in able.refused},
            **self._format(schema),
        }
        if top is not None:
            body |= {"logprobs": True, "top_logprobs": top}
        return await self._ask("/chat/completions", body | (extra or {}), ChatAnswer, prompt, max_tokens)

    async def _text(
        self,
        prompt: str,
        max_tokens: int,
        given: dict[str, Any],
        top: int,
        schema: JsonSchema | None,
        extra: dict[str, Any] | None = None,
    ) -> TextAnswer:
        body = {
            "model": self.name,
            "prompt": prompt,
            "max_tokens": max_tokens,
            "logprobs": top,
            **given,
            **(extra or {}),
        }
        if self.is_vllm:
            body["return_token_ids"] = True
            if schema is not None:
                body["structured_outputs"] = {"json": schema}
        return await self._ask("/completions", body, TextAnswer, prompt, max_tokens)

    def _format(self, schema: JsonSchema | None) -> dict[str, Any]:
        if schema is None:
            return {}
        shape = strict(schema) if self.is_official else schema
        return {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": shape},
            }
        }

    async def _ask(self, path: str, body: dict[str, Any], answer: type[T], prompt: Prompt, max_tokens: int) -> T:
        def read(content: bytes) -> tuple[T, Use]:
            found: Any = answer.model_validate_json(content)  # type: ignore[attr-defined]
            return found, found.usage.use()

        return await self._endpoint().ask(lambda: self._post(path, body), read, worst_case(prompt, max_tokens))

    def _connect(self, tls: "SSLContext") -> "AsyncOpenAI":
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        return AsyncOpenAI(
            api_key=self._key() or "none",
            base_url=self.address,
            max_retries=0,  # One retry authority: lm/limits.py.
            timeout=self._patience.attempt_timeout,
            http_client=DefaultAsyncHttpxClient(verify=tls),
        )

    async def _probe(self) -> OpenAIAbilities:
        with self._client() as client:
            return await probe(self._endpoint(), client, self.name, is_vllm=self.is_vllm)


def labels_among(found: dict[str, float], labels: Sequence[str], exact: bool) -> dict[str, float]:
    """Log-probability of each label; by name alone, spellings with and without a space count together."""
    if exact:
        return {label: found.get(label, -math.inf) for label in labels}
    sums = dict.fromkeys((label.strip() for label in labels), 0.0)
    for token, value in found.items():
        if token.strip() in sums:
            sums[token.strip()] += math.exp(value)
    return {label: math.log(mass) if (mass := sums[label.strip()]) > 0 else -math.inf for label in labels}


def strict(schema: JsonSchema) -> JsonSchema:
    """A schema as OpenAI's strict mode takes it: every property required, nothing beside them."""

    def walk(part: Any) -> Any:
        if isinstance(part, list):
            return [walk(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "properties" in part:
            properties = {name: walk(value) for name, value in part["properties"].items()}
            rest = {name: walk(value) for name, value in part.items() if name not in (*_NEEDLESS, "properties")}
            return {**rest, "properties": properties, "required": list(properties), "additionalProperties": False}
        return {name: walk(value) for name, value in part.items() if name not in _NEEDLESS}

    shaped: JsonSchema = walk(schema)
    return shaped
