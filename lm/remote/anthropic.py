"""Anthropic, and servers that speak its language, behind the `Model` interface (official `anthropic` SDK).

It takes chats, no plain texts, and tells no probabilities; as a judge it is asked several times.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from lm.errors import CapabilityError, ModelFailure
from lm.limits import GaveUp, Patience, together
from lm.metering import Use
from lm.references import ModelReference
from lm.remote.endpoint import FREE, body_of, worst_case
from lm.remote.faults import Refused, Rejected
from lm.remote.openai_answers import Finish, ListedModel, ModelList
from lm.remote.served import ServedModel
from lm.types import Capabilities, Completion, JsonSchema, Message, NextTokenRequest, NextTokens, Prompt, Request

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

    from lm.remote.connections import Connections

OFFICIAL = "https://api.anthropic.com"
_CONTEXT = 200_000
"""Where a server does not say how much it holds."""
_TOKENS_PER_CHARACTER = 0.35
"""A cautious guess for English, where a server does not count."""
_RESERVE = 1.1
_SAMPLE = "A person reads the beginning of a text and says, from 0 to 100, whether the act has been performed in it. "
_FINISHES: dict[str | None, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}
_SHAPE: JsonSchema = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes"]}},
    "required": ["answer"],
    "additionalProperties": False,
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Block(_Part):
    """A piece of an answer; only text is read."""

    type: str
    text: str = ""


class Details(_Part):
    """Why an answer was refused."""

    type: str | None = None
    category: str | None = None
    explanation: str | None = None


class Usage(_Part):
    """Tokens that the server counted; cached ones are told apart from the others."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None

    def use(self) -> Use:
        """In the words of the ledger."""
        cached, written = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        return Use(
            tokens_in=self.input_tokens + cached + written,
            tokens_out=self.output_tokens,
            cached=cached,
            cache_written=written,
        )


class Answer(_Part):
    """Body of an answer to /v1/messages."""

    content: tuple[Block, ...]
    stop_reason: str | None
    usage: Usage
    stop_details: Details | None = None

    def completion(self) -> Completion:
        """As a completion."""
        use = self.usage.use()
        finish: Finish = _FINISHES.get(self.stop_reason, "error")
        return Completion(
            text="".join(block.text for block in self.content if block.type == "text"),
            finish=finish,
            reason=self._reason() if finish in ("refusal", "error") else None,
            tokens_in=use.tokens_in,
            tokens_out=use.tokens_out,
            tokens_cached=use.cached,
        )

    def _reason(self) -> str:
        details = self.stop_details or Details()
        said = ": ".join(part for part in (details.category, details.explanation) if part)
        return said or f"stop reason {self.stop_reason!r}"


class Counted(_Part):
    """Body of an answer to /v1/messages/count_tokens."""

    input_tokens: int


@dataclass(frozen=True)
class Abilities:
    """What was found out at the start."""

    capabilities: Capabilities
    tempered: bool
    """It takes a temperature."""
    tokens_per_character: float


class AnthropicModel(ServedModel["AsyncAnthropic", Abilities]):
    """One model on one server."""

    def __init__(self, reference: ModelReference, patience: Patience | None = None) -> None:
        super().__init__(reference, OFFICIAL, "ANTHROPIC_API_KEY", patience)
        self.address = self.address.removesuffix("/v1")

    def count_tokens(self, prompt: Prompt) -> int:
        """An estimate on the safe side, measured on the endpoint where it counts tokens."""
        abilities = self._shared.abilities
        ratio = abilities.tokens_per_character if abilities else _TOKENS_PER_CHARACTER
        turns = (prompt,) if isinstance(prompt, str) else tuple(message.content for message in prompt)
        return sum(math.ceil(len(text) * ratio) + 4 for text in turns)

    async def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion per request; a refusal is a completion too. CapabilityError for a plain text."""
        await self._abilities()
        return await together(self._complete(request) for request in requests)

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """There are none to have: CapabilityError."""
        raise CapabilityError(f"{self.reference!r} tells no probabilities ({len(requests)} asked for).")

    async def _complete(self, request: Request) -> Completion:
        able = await self._abilities()
        if isinstance(request.prompt, str):
            raise CapabilityError(f"{self.reference!r} takes chats; it cannot continue a plain text.")
        sampling = request.sampling
        temperature = min(sampling.temperature, 1.0) if able.tempered else None
        try:
            answer = await self._ask(request.prompt, sampling.max_tokens, temperature, request.output_schema)
        except Refused as refusal:
            return Completion(text="", finish="refusal", reason=str(refusal))
        return answer.completion()

    async def _ask(
        self, chat: tuple[Message, ...], max_tokens: int, temperature: float | None, schema: JsonSchema | None
    ) -> Answer:
        # What comes first in a request is what a provider can keep: the system text, the same for many requests.
        system = "\n\n".join(message.content for message in chat if message.role == "system")
        turns = [{"role": turn.role, "content": turn.content} for turn in chat if turn.role != "system"]
        body: dict[str, Any] = {"model": self.name, "max_tokens": max_tokens, "messages": turns}
        if system:
            body["system"] = system
        if self.is_official:
            body["cache_control"] = {"type": "ephemeral"}
        if schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": _shaped(schema)}}
        if temperature is not None:
            # The SDK has no such parameter any more; models that honour it read it all the same.
            body["temperature"] = temperature
        return await self._endpoint().ask(lambda: self._post("/v1/messages", body), _read, worst_case(chat, max_tokens))

    def _connect(self, connections: "Connections") -> "AsyncAnthropic":
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

        return AsyncAnthropic(
            api_key=self._key() or "none",
            base_url=self.address,
            max_retries=0,  # One retry authority: lm/limits.py.
            timeout=None,
            http_client=DefaultAsyncHttpxClient(transport=connections),
        )

    async def _probe(self) -> Abilities:
        """One small request with all that is wanted; what the server complains of is left out in the next."""
        listed = await self._listed()
        hello = (Message(role="user", content="Say hello."),)
        tempered = structured = True
        for _ in range(3):
            try:
                answer = await self._ask(hello, 64, 1.0 if tempered else None, _SHAPE if structured else None)
            except GaveUp as error:
                if error.cause != "server" or not structured:
                    raise
                structured = False
            except (Rejected, Refused) as error:
                words = str(error)
                if "temperature" in words and tempered:
                    tempered = False
                elif any(name in words for name in ("output_config", "format", "schema", "HTTP 501")) and structured:
                    structured = False
                else:
                    raise ModelFailure(words) from error
            else:
                break
        able = Capabilities(
            context=(listed and (listed.max_input_tokens or listed.max_model_len)) or _CONTEXT,
            chat=True,
            structured=structured and _obeys(answer.completion()),
            scale=(),
            completes=False,
            probabilities="none",
            served=(listed and listed.root) or "",
        )
        return Abilities(able, tempered, await self._tokens_per_character())

    async def _tokens_per_character(self) -> float:
        """Measured on a text and on twice the text, so that what a template adds does not count."""
        once, twice = [await self._count(_SAMPLE * times) for times in (1, 2)]
        return _RESERVE * (twice - once) / len(_SAMPLE) if once and twice else _TOKENS_PER_CHARACTER

    async def _count(self, text: str) -> int | None:
        """Tokens of a chat of one turn, as the server counts them; None where it does not."""
        body = {"model": self.name, "messages": [{"role": "user", "content": text}]}

        def read(content: bytes) -> tuple[int, Use]:
            return Counted.model_validate_json(content).input_tokens, FREE

        try:
            return await self._endpoint().ask(lambda: self._post("/v1/messages/count_tokens", body), read, FREE)
        except Rejected:
            return None
        except GaveUp as error:
            if error.cause != "server":
                raise
            return None

    async def _listed(self) -> ListedModel | None:
        """The model as the server lists it; None where it lists none."""

        def read(body: bytes) -> tuple[ModelList, Use]:
            return ModelList.model_validate_json(body), FREE

        try:
            found = await self._endpoint().ask(
                lambda: body_of(self._client().models.with_raw_response.list()), read, FREE
            )
        except Rejected as error:
            if any(status in str(error) for status in ("HTTP 404", "HTTP 501")):
                return None
            raise
        return next((model for model in found.data if model.id == self.name), None)


def _read(body: bytes) -> tuple[Answer, Use]:
    answer = Answer.model_validate_json(body)
    return answer, answer.usage.use()


def _shaped(schema: JsonSchema) -> JsonSchema:
    """A schema as the provider takes it: what it does not enforce goes into descriptions and is validated here."""
    from anthropic import transform_schema

    return transform_schema(schema)


def _obeys(completion: Completion) -> bool:
    try:
        return bool(json.loads(completion.text) == {"answer": "yes"})
    except ValueError:
        # A weak model may fill its answer with the blanks that JSON allows; that too is obedience.
        return completion.finish == "length" and completion.text.strip()[:1] in ("{", "")
