"""A model that is whoever answers the files in a folder: a person, or a program that can read and write.

Each request becomes NAME.request.md, which says what is asked and how to answer; the answer is awaited beside it, as
NAME.answer.txt. While answers are missing, or do not fit, AnswersMissing is raised once all requests are written; asked
again, the same requests find their answers.
"""

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from lm.errors import AnswersMissing
from lm.scales import NUMBERS
from lm.types import Capabilities, Completion, NextTokenRequest, NextTokens, Prompt, Request

T = TypeVar("T")

_CAPABILITIES = Capabilities(context=131_072, chat=True, structured=True, scale=NUMBERS)
_CHARACTERS_A_TOKEN = 4
_REFUSED = "REFUSED:"
_SHOWN = 5
"""Faults named in an error; the folder holds them all."""


class Misfit(ValueError):
    """An answer that cannot be taken, and why."""


class InboxModel:
    """A `Model` that asks by file."""

    def __init__(self, folder: Path, reference: str) -> None:
        self.reference = reference
        self.folder = folder

    async def capabilities(self) -> Capabilities:
        """Whoever answers can do it all."""
        return _CAPABILITIES

    def count_tokens(self, prompt: Prompt) -> int:
        """An estimate: four characters a token."""
        return math.ceil(len(_as_text(prompt)) / _CHARACTERS_A_TOKEN)

    async def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """The answers in the folder; AnswersMissing while there are some to come."""
        return self._answers(requests, _how_to_write, self._completion)

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """The scores or probabilities in the folder; AnswersMissing while there are some to come."""
        return self._answers(requests, _how_to_score, self._next_tokens)

    async def close(self) -> None:
        """Nothing is held open."""

    def _answers(
        self,
        requests: Sequence[Request | NextTokenRequest],
        how: Callable[[Request | NextTokenRequest], str],
        read: Callable[[Request | NextTokenRequest, str], T],
    ) -> list[T]:
        self.folder.mkdir(parents=True, exist_ok=True)
        answers: list[T] = []
        missing, misfits = 0, []
        for name, request in zip(_names(requests), requests, strict=True):
            _write(self.folder / f"{name}.request.md", f"{how(request)}\n\n---\n\n{_as_text(request.prompt)}\n")
            try:
                answers.append(read(request, (self.folder / f"{name}.answer.txt").read_text(encoding="utf-8")))
            except FileNotFoundError:
                missing += 1
            except (Misfit, UnicodeDecodeError) as fault:
                misfits.append(f"{name}.answer.txt: {fault}")
        if missing or misfits:
            raise AnswersMissing(_say_what_is_missing(self.folder, missing, misfits))
        return answers

    def _completion(self, request: Request | NextTokenRequest, answer: str) -> Completion:
        from lm.shapes import fault_in

        text = answer.rstrip("\n")
        if text.startswith(_REFUSED):
            return Completion(text="", finish="refusal", reason=text.removeprefix(_REFUSED).strip())
        if isinstance(request, Request) and request.output_schema is not None:
            try:
                value = json.loads(text)
            except ValueError as error:
                raise Misfit(f"it is no JSON: {error}") from error
            if fault := fault_in(value, request.output_schema):
                raise Misfit(fault)
        return Completion(
            text=text, finish="stop", tokens_in=self.count_tokens(request.prompt), tokens_out=self.count_tokens(text)
        )

    def _next_tokens(self, request: Request | NextTokenRequest, answer: str) -> NextTokens:
        assert isinstance(request, NextTokenRequest)
        odds = _read_odds(answer.strip(), request.labels)
        logs = {token: math.log(probability) for token, probability in odds.items() if probability > 0}
        likely = sorted(logs.items(), key=lambda item: -item[1])[: request.top]
        return NextTokens(
            labels={label: logs.get(label, -math.inf) for label in request.labels},
            top=dict(likely),
            tokens_in=self.count_tokens(request.prompt),
        )


def _read_odds(answer: str, labels: Sequence[str]) -> Mapping[str, float]:
    """All probability on the one label that was written, or probabilities as a JSON object."""
    if not answer.startswith("{"):
        if not answer or (labels and answer not in labels):
            raise Misfit(
                f"{answer[:40]!r} is none of the labels {labels[0]} to {labels[-1]}" if labels else "it is empty"
            )
        return {answer: 1.0}
    try:
        odds = {str(token): float(probability) for token, probability in json.loads(answer).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise Misfit(f"it is no JSON object of probabilities: {error}") from error
    if any(probability < 0 for probability in odds.values()) or sum(odds.values()) > 1.001:
        raise Misfit("probabilities must not be negative, nor more than 1 together")
    if labels and (unknown := [token for token in odds if token not in labels]):
        raise Misfit(f"{unknown[0]!r} is none of the labels {labels[0]} to {labels[-1]}")
    return odds


def _how_to_write(request: Request | NextTokenRequest) -> str:
    """The head of a request that asks for a text."""
    assert isinstance(request, Request)
    words = (
        f"Write the answer (about {request.sampling.max_tokens} tokens at most) to the file of the same name ending "
    )
    words += f"in .answer.txt. To refuse, write {_REFUSED} and the reason."
    if isinstance(request.prompt, str):
        words += " Continue the text below from where it stops; begin with a space if a new word begins."
    if request.output_schema is not None:
        schema = json.dumps(request.output_schema, indent=1, ensure_ascii=False)
        words += f" The answer is one JSON object that obeys this schema:\n\n{schema}"
    return words


def _how_to_score(request: Request | NextTokenRequest) -> str:
    """The head of a request that asks for a score, or for the first word that comes."""
    assert isinstance(request, NextTokenRequest)
    if request.labels:
        what = f"one of the labels {request.labels[0]} to {request.labels[-1]}"
    else:
        what = "the token that comes next"
    return (
        f"Write {what} to the file of the same name ending in .answer.txt, or a JSON object of probabilities, for "
        f'example {{"{request.labels[0] if request.labels else " the"}": 0.7}}.'
    )


def _say_what_is_missing(folder: Path, missing: int, misfits: Sequence[str]) -> str:
    parts = [f"{missing} answers are awaited in {folder}: each NAME.request.md there says how to answer it."] * bool(
        missing
    )
    if misfits:
        parts.append(f"{len(misfits)} answers in {folder} do not fit and must be written again:")
        parts += [f"  {misfit}" for misfit in misfits[:_SHOWN]]
    return "\n".join(parts)


def _names(requests: Sequence[Request | NextTokenRequest]) -> list[str]:
    """One name per request; the n-th repetition of a request within the list has number n."""
    seen: Counter[str] = Counter()
    names = []
    for request in requests:
        body = request.model_dump_json()
        names.append(hashlib.sha256(f"{body}#{seen[body]}".encode()).hexdigest()[:16])
        seen[body] += 1
    return names


def _write(file: Path, text: str) -> None:
    """A request as a whole or not at all; one that is there already stays."""
    if not file.exists():
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)


def _as_text(prompt: Prompt) -> str:
    if isinstance(prompt, str):
        return prompt
    return "\n\n".join(f"[{message.role}]\n{message.content}" for message in prompt)
