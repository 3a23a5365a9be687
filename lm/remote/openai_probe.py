"""Find out what an endpoint of the OpenAI kind can do, once, with a handful of tiny requests."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from lm.errors import ModelFailure
from lm.limits import together
from lm.metering import Use
from lm.remote.endpoint import FREE, Endpoint, body_of, post
from lm.remote.faults import Refused, Rejected
from lm.remote.openai_answers import ChatAnswer, ListedModel, ModelList, TextAnswer, Tokenized
from lm.scales import DIGITS, LETTERS, NUMBERS, TRIAL_TOKENS, digit_trial, is_one_digit
from lm.types import Capabilities

if TYPE_CHECKING:
    from openai import AsyncOpenAI

TOPS = (20, 5)
"""How many likely tokens are asked for: what OpenAI and vLLM give at most, then what the oldest servers give."""
_CONTEXT = 128_000
"""Where a server does not say how much it holds."""
_LIMITS = ("max_completion_tokens", "max_tokens")
_SAMPLE = "A person reads the beginning of a text and says, from 0 to 100, whether the act has been performed in it."
_SHAPE = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
_SMALL = Use(tokens_in=400, tokens_out=64)
"""More than any request of the probe takes."""


@dataclass(frozen=True)
class OpenAIAbilities:
    """What was found out, for callers and for the requests to come."""

    capabilities: Capabilities
    limit_name: str = "max_tokens"
    """How this endpoint calls the most tokens of an answer."""
    refused: frozenset[str] = frozenset()
    """Parameters that it does not take."""
    top: int = 0
    """Likely tokens it tells at most."""
    label_ids: dict[str, int] = field(default_factory=dict)
    """Token of each judge label, where its probability can be asked for by id."""
    tokens_per_character: float = 0.3


@dataclass
class _Probe:
    endpoint: Endpoint
    client: "AsyncOpenAI"
    name: str
    is_vllm: bool

    async def ask(self, send: Callable[[], Awaitable[bytes]], answer: type[Any], free: bool = False) -> Any:
        def read(body: bytes) -> tuple[Any, Use]:
            found = answer.model_validate_json(body)
            return found, FREE if free else found.usage.use()

        return await self.endpoint.ask(send, read, FREE if free else _SMALL)

    async def try_ask(self, send: Callable[[], Awaitable[bytes]], answer: type[Any], free: bool = False) -> Any:
        """The answer, or what the server has against the request. A wrong key or name ends it all."""
        try:
            return await self.ask(send, answer, free)
        except (Rejected, Refused) as error:
            if re.search(r"HTTP (401|403)", str(error)):
                raise
            return str(error)


async def probe(endpoint: Endpoint, client: "AsyncOpenAI", name: str, *, is_vllm: bool) -> OpenAIAbilities:
    """Ask the endpoint what it serves and try what the roles need; ModelFailure when it does not answer at all."""
    it = _Probe(endpoint, client, name, is_vllm)
    listed = await _listed(it)
    chat = await _try_chat(it)
    completes = await _try_text(it)
    if chat.refused_all and not completes:
        raise ModelFailure(f"{endpoint.reference} answers neither chats nor plain texts: {chat.words}")
    labels, label_ids = await _labels(it, chat)
    top = chat.top or (TOPS[0] if is_vllm and completes else TOPS[1] if completes else 0)
    return OpenAIAbilities(
        capabilities=Capabilities(
            context=(listed and (listed.max_model_len or listed.max_input_tokens)) or _CONTEXT,
            chat=not chat.refused_all,
            structured=not chat.refused_all and await _try_structure(it, chat),
            scale=labels,
            completes=completes,
            probabilities="all" if label_ids else "top" if top else "none",
            served=(listed and listed.root) or "",
        ),
        limit_name=chat.limit_name,
        refused=frozenset(chat.refused),
        top=top,
        label_ids=label_ids,
        tokens_per_character=await _tokens_per_character(it),
    )


async def _listed(it: _Probe) -> ListedModel | None:
    """The model as the server lists it; None where there is no list. A list without it is an error."""
    found = await it.try_ask(lambda: body_of(it.client.models.with_raw_response.list()), ModelList, free=True)
    if isinstance(found, str):
        return None
    models = {model.id: model for model in found.data}
    if it.name not in models and (it.is_vllm or not models):
        raise ModelFailure(f"{it.endpoint.reference} is not served there. Served: {', '.join(models) or 'nothing'}.")
    return models.get(it.name)


async def _body_of_call(create: Callable[..., Awaitable[Any]], name: str, body: dict[str, Any]) -> bytes:
    return await body_of(create(model=name, **body))


@dataclass
class _Chat:
    """How a chat must be asked for here."""

    top: int = TOPS[0]
    limit_name: str = _LIMITS[0]
    refused: set[str] = field(default_factory=set)
    refused_all: bool = False
    words: str = ""
    wrote: tuple[str, ...] = ()


async def _try_chat(it: _Probe) -> _Chat:
    """Ask for a number; whatever parameter the server complains of is left out from then on."""
    chat = _Chat(limit_name=_LIMITS[0] if "api.openai.com" in it.endpoint.address else _LIMITS[1])
    turns = [{"role": "user", "content": "Write the number 73 and nothing else."}]
    for _ in range(6):
        given = {name: value for name, value in (("temperature", 0), ("seed", 1)) if name not in chat.refused}
        body: dict[str, Any] = {"messages": turns, chat.limit_name: 8, **given}
        if chat.top:
            body |= {"logprobs": True, "top_logprobs": chat.top}
        create = it.client.chat.completions.with_raw_response.create
        found = await it.try_ask(partial(_body_of_call, create, it.name, body), ChatAnswer)
        if not isinstance(found, str):
            logs = found.choices[0].logprobs
            chat.wrote = tuple(token.token for token in (logs and logs.content) or ())
            chat.top = chat.top if chat.wrote else 0
            return chat
        if not _leave_out(chat, found):
            break
    chat.refused_all, chat.words, chat.top = True, found, 0
    return chat


def _leave_out(chat: _Chat, words: str) -> bool:
    """Give up the parameter that the server names; False when it names none that is left."""
    if "logprobs" in words and chat.top:
        chat.top = TOPS[1] if chat.top == TOPS[0] else 0
        return True
    for name in ("temperature", "seed"):
        if name in words and name not in chat.refused:
            chat.refused.add(name)
            return True
    if any(name in words for name in _LIMITS) and chat.limit_name != _LIMITS[0]:
        chat.limit_name = _LIMITS[0]
        return True
    return False


async def _try_text(it: _Probe) -> bool:
    create = it.client.completions.with_raw_response.create
    found = await it.try_ask(
        lambda: body_of(create(model=it.name, prompt="One, two, three,", max_tokens=1, logprobs=0)), TextAnswer
    )
    return not isinstance(found, str)


async def _try_structure(it: _Probe, chat: _Chat) -> bool:
    """Whether an answer obeys a schema that nobody would follow by chance; some servers take one and ignore it."""
    form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": _SHAPE}}
    turns = [{"role": "user", "content": "Say hello."}]
    body: dict[str, Any] = {"messages": turns, chat.limit_name: 64, "response_format": form}
    create = it.client.chat.completions.with_raw_response.create
    found = await it.try_ask(partial(_body_of_call, create, it.name, body), ChatAnswer)
    if isinstance(found, str):
        return False
    completion = found.completion()
    try:
        return bool(json.loads(completion.text) == {"answer": "yes"})
    except ValueError:
        # A weak model may fill its answer with the blanks that JSON allows; that too is obedience.
        return completion.finish == "length" and completion.text.strip()[:1] in ("{", "")


async def _labels(it: _Probe, chat: _Chat) -> tuple[tuple[str, ...], dict[str, int]]:
    """Judge labels of one token each, and their ids where the endpoint has a tokenizer to ask."""
    if chat.refused_all:
        return (), {}
    if it.is_vllm:
        for labels in (NUMBERS, tuple(f" {number}" for number in NUMBERS), DIGITS, LETTERS):
            ids = await _single_tokens(it, labels)
            if ids and (labels != DIGITS or await _writes_one_digit(it, chat)):
                return labels, dict(zip(labels, ids, strict=True))
        return (), {}
    if not chat.top:
        return (), {}
    # Without a tokenizer: a number that comes in one piece says that numbers are single tokens here.
    pieces = [token.strip() for token in chat.wrote]
    if "73" in pieces:
        return NUMBERS, {}
    return (DIGITS if "7" in pieces and await _writes_one_digit(it, chat) else LETTERS), {}


async def _writes_one_digit(it: _Probe, chat: _Chat) -> bool:
    """Whether a digit, where one is asked for, is the whole answer and not the beginning of a number."""
    turns = [{"role": turn.role, "content": turn.content} for turn in digit_trial()]
    given = {} if "temperature" in chat.refused else {"temperature": 0}
    body: dict[str, Any] = {"messages": turns, chat.limit_name: TRIAL_TOKENS, **given}
    create = it.client.chat.completions.with_raw_response.create
    found = await it.try_ask(partial(_body_of_call, create, it.name, body), ChatAnswer)
    return not isinstance(found, str) and is_one_digit(found.completion().text)


async def _single_tokens(it: _Probe, labels: tuple[str, ...]) -> list[int]:
    """The token of each label, or nothing when one takes several or two share one."""
    if len(await _tokenize(it, labels[-1])) != 1:
        return []
    ids = await together(_tokenize(it, label) for label in labels)
    singles = [one[0] for one in ids if len(one) == 1]
    return singles if len(set(singles)) == len(labels) else []


async def _tokenize(it: _Probe, text: str) -> tuple[int, ...]:
    """vLLM's own endpoint beside the OpenAI ones; no tokens where a server has none."""
    url = it.endpoint.address.removesuffix("/v1") + "/tokenize"
    body = {"model": it.name, "prompt": text, "add_special_tokens": False}

    found = await it.try_ask(lambda: post(it.client, url, body), Tokenized, free=True)
    return () if isinstance(found, str) else found.tokens


async def _tokens_per_character(it: _Probe) -> float:
    """Measured with a reserve where there is a tokenizer to ask, else a cautious guess for English."""
    tokens = len(await _tokenize(it, _SAMPLE)) if it.is_vllm else 0
    return 1.1 * tokens / len(_SAMPLE) if tokens else 0.3
