"""Find out what an endpoint of the OpenAI kind can do, once, with a handful of tiny requests."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lm.errors import ModelFailure
from lm.limits import GaveUp
from lm.remote.endpoint import Endpoint, body_of
from lm.remote.openai_answers import ListedModel, ModelList, TextAnswer
from lm.remote.openai_forms import FORMS, FormName
from lm.remote.openai_labels import MOST_TOP, Habits, Labels, find_labels, tokenize
from lm.remote.trials import Trials
from lm.types import Capabilities, Completion

if TYPE_CHECKING:
    from openai import AsyncOpenAI

TOPS = (MOST_TOP, 5)
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
    labels: Labels = field(default_factory=Labels)
    form: FormName | None = None
    """How it is held to a schema; None: it cannot be."""
    tokens_per_character: float = 0.3


async def probe(endpoint: Endpoint, client: "AsyncOpenAI", name: str, *, is_vllm: bool) -> OpenAIAbilities:
    """Ask the endpoint what it serves and try what the roles need; ModelFailure when it does not answer at all."""
    it = Trials(endpoint, client, name, is_vllm)
    listed = await _listed(it)
    chat = await _try_chat(it)
    completes = await _try_text(it, needed=chat.refused_all)
    if chat.refused_all and not completes:
        raise ModelFailure(f"{endpoint.reference} answers neither chats nor plain texts: {chat.words}")
    form = None if chat.refused_all else await _try_forms(it, chat)
    labels = Labels() if chat.refused_all else await find_labels(it, chat.habits())
    top = chat.top or (TOPS[0] if is_vllm and completes else TOPS[1] if completes else 0)
    return OpenAIAbilities(
        capabilities=Capabilities(
            context=(listed and (listed.max_model_len or listed.max_input_tokens)) or _CONTEXT,
            chat=not chat.refused_all,
            structured=form is not None,
            scale=() if labels.means == "none" else labels.scale,
            completes=completes,
            probabilities="all" if labels.means in ("ids", "scoring") else "top" if top else "none",
            served=(listed and listed.root) or "",
        ),
        limit_name=chat.limit_name,
        refused=frozenset(chat.refused),
        top=top,
        labels=labels,
        form=form,
        tokens_per_character=await _tokens_per_character(it),
    )


async def _listed(it: Trials) -> ListedModel | None:
    """The model as the server lists it; None where there is no list. A list without it is an error."""
    found = await it.ask(lambda: body_of(it.client.models.with_raw_response.list()), ModelList, free=True, needed=True)
    if isinstance(found, str):
        return None
    models = {model.id: model for model in found.data}
    if it.name not in models and (it.is_vllm or not models):
        raise ModelFailure(f"{it.endpoint.reference} is not served there. Served: {', '.join(models) or 'nothing'}.")
    return models.get(it.name)


@dataclass
class _Chat:
    """How a chat must be asked for here."""

    top: int = TOPS[0]
    limit_name: str = _LIMITS[0]
    refused: set[str] = field(default_factory=set)
    refused_all: bool = False
    words: str = ""
    wrote: tuple[str, ...] = ()

    def ask_for_less(self) -> None:
        """Fewer likely tokens from now on, then none."""
        self.top = TOPS[1] if self.top == TOPS[0] else 0

    def habits(self) -> Habits:
        greedy = {} if "temperature" in self.refused else {"temperature": 0}
        return Habits(self.limit_name, greedy, self.top, self.wrote)


async def _try_chat(it: Trials) -> _Chat:
    """Ask for a number; whatever parameter the server complains of is left out from then on."""
    chat = _Chat(limit_name=_LIMITS[0] if "api.openai.com" in it.endpoint.address else _LIMITS[1])
    turns = [{"role": "user", "content": "Write the number 73 and nothing else."}]
    for _ in range(6):
        given = {name: value for name, value in (("temperature", 0), ("seed", 1)) if name not in chat.refused}
        body: dict[str, Any] = {"messages": turns, chat.limit_name: 8, **given}
        if chat.top:
            body |= {"logprobs": True, "top_logprobs": chat.top}
        try:
            found = await it.chat(body, needed=True)
        except GaveUp as fault:
            if fault.cause != "server" or not chat.top:
                raise
            chat.ask_for_less()  # It may have been these that broke it.
            continue
        if not isinstance(found, str):
            logs = found.choices[0].logprobs
            chat.wrote = tuple(token.token for token in (logs and logs.content) or ())
            chat.top = chat.top if chat.wrote else 0
            return chat
        chat.words = found
        if not _leave_out(chat, found):
            break
    chat.refused_all, chat.top = True, 0
    return chat


def _leave_out(chat: _Chat, words: str) -> bool:
    """Give up the parameter that the server names; False when it names none that is left."""
    if ("logprobs" in words or "HTTP 501" in words) and chat.top:
        chat.ask_for_less()
        return True
    for name in ("temperature", "seed"):
        if name in words and name not in chat.refused:
            chat.refused.add(name)
            return True
    if any(name in words for name in _LIMITS) and chat.limit_name != _LIMITS[0]:
        chat.limit_name = _LIMITS[0]
        return True
    return False


async def _try_text(it: Trials, *, needed: bool) -> bool:
    create = it.client.completions.with_raw_response.create
    found = await it.ask(
        lambda: body_of(create(model=it.name, prompt="One, two, three,", max_tokens=1, logprobs=0)),
        TextAnswer,
        needed=needed,
    )
    return not isinstance(found, str)


async def _try_forms(it: Trials, chat: _Chat) -> FormName | None:
    """The first way to send a schema that an answer obeys; some servers take one and ignore it."""
    turns = [{"role": "user", "content": "Say hello."}]
    for name, form in FORMS.items():
        if name != "response_format" and not it.is_vllm:
            break
        found = await it.chat({"messages": turns, chat.limit_name: 64, "extra_body": form(_SHAPE)})
        if not isinstance(found, str) and _obeys(found.completion()):
            return name
    return None


def _obeys(answer: Completion) -> bool:
    """Whether an answer has a shape that nobody would follow by chance."""
    try:
        return bool(json.loads(answer.text) == {"answer": "yes"})
    except ValueError:
        # A weak model may fill its answer with the blanks that JSON allows; that too is obedience.
        return answer.finish == "length" and answer.text.strip()[:1] in ("{", "")


async def _tokens_per_character(it: Trials) -> float:
    """Measured with a reserve where there is a tokenizer to ask, else a cautious guess for English."""
    tokens = len(await tokenize(it, _SAMPLE)) if it.is_vllm else 0
    return 1.1 * tokens / len(_SAMPLE) if tokens else 0.3
