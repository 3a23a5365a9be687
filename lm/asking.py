"""Ask a chat model for typed answers: render, hold to the schema, validate, ask once more, give up politely."""

import hashlib
from collections.abc import Mapping, Sequence, Set
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from lm.errors import ContextTooSmall
from lm.rendering import check_room, render_chat
from lm.types import Completion, Model, Request, Sampling, Value

Answer = TypeVar("Answer", bound=BaseModel)

_SECOND_TEMPERATURE = 0.7
"""A greedy answer would only repeat itself."""


class NoAnswer(Value):
    """An item without a usable answer: why, and what the model wrote last."""

    kind: Literal["no_answer"] = "no_answer"
    reason: str
    text: str = ""


async def ask(
    model: Model,
    prompt_name: str,
    values: Sequence[Mapping[str, object]],
    schema: type[Answer],
    *,
    seeds: Sequence[int],
    max_tokens: int,
    least_tokens: int | None = None,
    temperature: float = 1.0,
) -> list[Answer | NoAnswer]:
    """One validated answer per item of `values`, sampled from the item's own seed, or the reason why there is none.

    An answer has up to `max_tokens`; in a small context it makes do with `least_tokens` (default: all of them) before
    optional blocks of the prompt are dropped. Malformed and cut answers are asked again once with another seed;
    refusals and errors are not; an item that the context cannot hold is not asked at all. What a model writes never
    raises. CapabilityError: the model has no chat template, or its context is too small for the prompt itself or for
    what all of several items share.
    """
    samplings = [Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed) for seed in seeds]
    least = max_tokens if least_tokens is None else min(least_tokens, max_tokens)
    rendered = await _requests(model, prompt_name, values, schema, samplings, least)
    requests = {index: request for index, request in enumerate(rendered) if isinstance(request, Request)}
    answers: dict[int, Answer | NoAnswer | _Unusable] = {
        index: NoAnswer(reason=str(request)) for index, request in enumerate(rendered) if index not in requests
    }
    first = await model.complete(list(requests.values())) if requests else []
    answers |= {index: _read(completion, schema) for index, completion in zip(requests, first, strict=True)}
    again = [index for index in requests if isinstance(answers[index], _Unusable)]
    if again:
        second = await model.complete([_second_try(requests[index]) for index in again])
        answers |= {index: _read(completion, schema) for index, completion in zip(again, second, strict=True)}
    ordered = [answers[index] for index in range(len(rendered))]
    return [answer.no_answer if isinstance(answer, _Unusable) else answer for answer in ordered]


class _Unusable(Value):
    """A malformed or cut answer: it may be asked again."""

    no_answer: NoAnswer


async def _requests(
    model: Model,
    prompt_name: str,
    values: Sequence[Mapping[str, object]],
    schema: type[BaseModel],
    samplings: Sequence[Sampling],
    least: int,
) -> list[Request | ContextTooSmall]:
    """A request per item, or why there can be none; ContextTooSmall where the items' own texts are not to blame."""
    can = await model.capabilities()
    json_schema = schema.model_json_schema()
    requests: list[Request | ContextTooSmall] = []
    for item, sampling in zip(values, samplings, strict=True):
        try:
            chat = render_chat(model, can, prompt_name, item, least)
        except ContextTooSmall as error:
            requests.append(error)
            continue
        room = min(sampling.max_tokens, can.context - model.count_tokens(chat))
        sampling = sampling.model_copy(update={"max_tokens": room})
        requests.append(Request(prompt=chat, sampling=sampling, output_schema=json_schema))
    if values and all(isinstance(request, ContextTooSmall) for request in requests):
        check_room(model, can, prompt_name, values[0], _own(values), least)
    return requests


def _own(values: Sequence[Mapping[str, object]]) -> Set[str]:
    """The values that are not the same in all items; all of an item that is asked alone."""
    first, *others = values
    return {name for name in first if not others or any(item[name] != first[name] for item in others)}


def _read(completion: Completion, schema: type[Answer]) -> Answer | NoAnswer | _Unusable:
    text = completion.text
    if completion.finish in ("refusal", "error"):
        return NoAnswer(reason=f"{completion.finish}: {completion.reason or 'no reason given'}", text=text)
    if completion.finish == "length":
        return _Unusable(no_answer=NoAnswer(reason=f"cut off after {completion.tokens_out} tokens", text=text))
    try:
        return schema.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]  # without the value: reasons are counted, and it would make each its own
        place = ".".join(str(part) for part in first["loc"]) or "the answer"
        return _Unusable(no_answer=NoAnswer(reason=f"malformed: {place}: {first['msg']}", text=text))


def _second_try(request: Request) -> Request:
    first = request.sampling
    digest = hashlib.sha256(f"second try of {first.seed}".encode()).digest()
    sampling = first.model_copy(
        update={
            "seed": int.from_bytes(digest[:6], "big"),
            "temperature": first.temperature or _SECOND_TEMPERATURE,
        }
    )
    return request.model_copy(update={"sampling": sampling})
