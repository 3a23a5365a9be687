"""Ask a chat model for typed answers: render, hold to the schema, validate, ask once more, give up politely."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from lm.rendering import render_chat
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
    refusals and errors are not. What a model writes never raises. CapabilityError: the model has no chat template, or
    its context is too small for an item.
    """
    samplings = [Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed) for seed in seeds]
    least = max_tokens if least_tokens is None else min(least_tokens, max_tokens)
    requests = await _requests(model, prompt_name, values, schema, samplings, least)
    answers = [_read(completion, schema) for completion in await model.complete(requests)]
    again = [index for index, answer in enumerate(answers) if isinstance(answer, _Unusable)]
    if again:
        second = await model.complete([_second_try(requests[index]) for index in again])
        for index, completion in zip(again, second, strict=True):
            answers[index] = _read(completion, schema)
    return [answer.no_answer if isinstance(answer, _Unusable) else answer for answer in answers]


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
) -> list[Request]:
    can = await model.capabilities()
    json_schema = schema.model_json_schema()
    requests = []
    for item, sampling in zip(values, samplings, strict=True):
        chat = render_chat(model, can, prompt_name, item, least)
        room = min(sampling.max_tokens, can.context - model.count_tokens(chat))
        sampling = sampling.model_copy(update={"max_tokens": room})
        requests.append(Request(prompt=chat, sampling=sampling, output_schema=json_schema))
    return requests


def _read(completion: Completion, schema: type[Answer]) -> Answer | NoAnswer | _Unusable:
    text = completion.text
    if completion.finish in ("refusal", "error"):
        return NoAnswer(reason=f"{completion.finish}: {completion.reason or 'no reason given'}", text=text)
    if completion.finish == "length":
        return _Unusable(no_answer=NoAnswer(reason=f"cut off after {completion.tokens_out} tokens", text=text))
    try:
        return schema.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
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
