"""OpenAI, vLLM servers and all that speak the same language, behind the `Model` interface (official `openai` SDK).

A plain text goes to /completions, a chat to /chat/completions; each request is one call with a seed of its own.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from lm.errors import CapabilityError
from lm.limits import Patience, together
from lm.metering import Use
from lm.references import ModelReference
from lm.remote.endpoint import FREE, worst_case
from lm.remote.faults import Refused
from lm.remote.openai_answers import ChatAnswer, Scored, TextAnswer, Tokenized
from lm.remote.openai_forms import FORMS, FormName, strict
from lm.remote.openai_labels import SCORING
from lm.remote.openai_probe import OpenAIAbilities, probe
from lm.remote.served import ServedModel
from lm.types import Completion, JsonSchema, Message, NextTokenRequest, NextTokens, Prompt, Request

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from lm.remote.connections import Connections

T = TypeVar("T")

OFFICIAL = "https://api.openai.com/v1"


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
        """Labels by their tokens and the likeliest tokens are two requests: servers tell of the one or of the other."""
        known = (await self._abilities()).labels
        ids = {label: known.ids[label] for label in request.labels if label in known.ids}
        exact = bool(ids) and len(ids) == len(request.labels) and known.exact(request.prompt)
        labels: dict[str, float] = {}
        found: dict[str, float] = {}
        use = FREE
        try:
            if exact:
                labels, use = await self._by_token(request.prompt, ids)
            if request.top or not exact:
                found, use = await self._likeliest(request.prompt)
        except Refused:
            # Nothing was said, so nothing is on the labels: the judge leaves the text unscored.
            return NextTokens(labels=dict.fromkeys(request.labels, -math.inf), top={})
        return NextTokens(
            labels=labels or labels_among(found, request.labels),
            top=dict(sorted(found.items(), key=lambda item: -item[1])[: request.top]),
            tokens_in=use.tokens_in,
            tokens_cached=use.cached,
        )

    async def _likeliest(self, prompt: Prompt) -> tuple[dict[str, float], Use]:
        """Log-probabilities of as many tokens as the endpoint tells."""
        greedy, top = {"temperature": 0}, (await self._abilities()).top
        answer: ChatAnswer | TextAnswer
        if isinstance(prompt, str):
            answer = await self._text(prompt, 1, greedy, top, None)
        else:
            answer = await self._chat(prompt, 1, greedy, None, top=top)
        return answer.likeliest(), answer.usage.use()

    async def _by_token(self, prompt: Prompt, ids: dict[str, int]) -> tuple[dict[str, float], Use]:
        """Log-probability of each label's token, all of them in one request where the endpoint can."""
        if isinstance(prompt, str) or (await self._abilities()).labels.means == "scoring":
            return await self._score(prompt, ids)
        wish = {"logprob_token_ids": list(ids.values())}
        answer = await self._chat(prompt, 1, {"temperature": 0}, None, top=0, extra=wish)
        found = answer.likeliest()
        return {label: found.get(label, -math.inf) for label in ids}, answer.usage.use()

    async def _score(self, prompt: Prompt, ids: dict[str, int]) -> tuple[dict[str, float], Use]:
        """One request a label: vLLM's scoring endpoint tells the probability of the first token of a list alone."""
        query = prompt if isinstance(prompt, str) else await self._tokens_of(prompt)
        fixed = {"model": self.name, "query": query, "items": [""], "apply_softmax": False}
        path = self._beside(SCORING)
        answers = await together(
            self._ask(path, fixed | {"label_token_ids": [token]}, Scored, prompt, 1) for token in ids.values()
        )
        scores = [answer.data[0].score for answer in answers]
        uses = [answer.usage.use() for answer in answers]
        return (
            {label: math.log(score) if score > 0 else -math.inf for label, score in zip(ids, scores, strict=True)},
            Use(tokens_in=sum(use.tokens_in for use in uses), tokens_out=len(uses), cached=sum(u.cached for u in uses)),
        )

    async def _tokens_of(self, chat: Sequence[Message]) -> list[int]:
        """A chat as the server's template spells it."""

        def read(body: bytes) -> tuple[list[int], Use]:
            return list(Tokenized.model_validate_json(body).tokens), FREE

        body = {"model": self.name, "messages": [turn.model_dump() for turn in chat]}
        return await self._endpoint().ask(lambda: self._post(self._beside("/tokenize"), body), read, FREE)

    def _beside(self, path: str) -> str:
        """An endpoint of vLLM's own, which lies beside those of OpenAI."""
        return self.address.removesuffix("/v1") + path

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
            **self._held_to(schema, able.form),
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
    ) -> TextAnswer:
        body = {
            "model": self.name,
            "prompt": prompt,
            "max_tokens": max_tokens,
            "logprobs": top,
            **given,
        }
        if self.is_vllm:
            body["return_token_ids"] = True
            if schema is not None:
                body["structured_outputs"] = {"json": schema}
        return await self._ask("/completions", body, TextAnswer, prompt, max_tokens)

    def _held_to(self, schema: JsonSchema | None, form: FormName | None) -> dict[str, Any]:
        """What a schema adds to a body, in the words that the endpoint obeys."""
        if schema is None:
            return {}
        return FORMS[form or "response_format"](strict(schema) if self.is_official else schema)

    async def _ask(self, path: str, body: dict[str, Any], answer: type[T], prompt: Prompt, max_tokens: int) -> T:
        def read(content: bytes) -> tuple[T, Use]:
            found: Any = answer.model_validate_json(content)  # type: ignore[attr-defined]
            return found, found.usage.use()

        return await self._endpoint().ask(lambda: self._post(path, body), read, worst_case(prompt, max_tokens))

    def _connect(self, connections: "Connections") -> "AsyncOpenAI":
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        return AsyncOpenAI(
            api_key=self._key() or "none",
            base_url=self.address,
            max_retries=0,  # One retry authority: lm/limits.py.
            timeout=None,
            http_client=DefaultAsyncHttpxClient(transport=connections),
        )

    async def _probe(self) -> OpenAIAbilities:
        return await probe(self._endpoint(), self._client(), self.name, is_vllm=self.is_vllm)


def labels_among(found: Mapping[str, float], labels: Sequence[str]) -> dict[str, float]:
    """Log-probability of each label by name; spellings with and without a space count together."""
    sums = dict.fromkeys((label.strip() for label in labels), 0.0)
    for token, value in found.items():
        if token.strip() in sums:
            sums[token.strip()] += math.exp(value)
    return {label: math.log(mass) if (mass := sums[label.strip()]) > 0 else -math.inf for label in labels}
