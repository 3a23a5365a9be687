"""A model that is whoever answers the files in a folder: a person, or a program that can read and write.

    NAME.request.md    what is asked, in which form, and where the answer goes
    NAME.answer.txt    the answer, written by whoever plays the role
    NAME.fault.txt     why the answer cannot be taken; gone once it can
    OPEN.md            what is still to be answered, in order; gone when there is nothing

While answers are missing, or do not fit, AnswersMissing is raised once all requests are written; asked again, the same
requests find their answers.
"""

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from lm.errors import AnswersMissing, ModelReferenceError
from lm.inbox_page import CHARACTERS_A_TOKEN, OPEN, REFUSED, as_text, count_answers, write_list, write_page
from lm.scales import NUMBERS
from lm.scripted import pieces_of
from lm.shapes import faults_in
from lm.types import Capabilities, Completion, NextTokenRequest, NextTokens, Prompt, Request

Ask = TypeVar("Ask", Request, NextTokenRequest)
Reply = TypeVar("Reply", Completion, NextTokens)

_CAPABILITIES = Capabilities(context=131_072, chat=True, structured=True, scale=NUMBERS)
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
        """Whoever answers can do it all; ModelReferenceError where the folder is something else."""
        if self.folder.exists() and not self.folder.is_dir():
            raise ModelReferenceError(f"the inbox {str(self.folder)!r} is a file. Name a folder: inbox:DIR.")
        return _CAPABILITIES

    def count_tokens(self, prompt: Prompt) -> int:
        """An estimate: four characters a token."""
        return math.ceil(len(as_text(prompt)) / CHARACTERS_A_TOKEN)

    async def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """The answers in the folder; AnswersMissing while there are some to come."""
        return self._answers(requests, self._completion)

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """The scores or probabilities in the folder; AnswersMissing while there are some to come."""
        return self._answers(requests, self._next_tokens)

    async def close(self) -> None:
        """Nothing is held open."""

    def _answers(self, requests: Sequence[Ask], read: Callable[[Ask, str], Reply]) -> list[Reply]:
        self._lay_out(requests)
        replies: list[Reply] = []
        waiting: dict[str, str | None] = {}
        for name, request in zip(_names(requests), requests, strict=True):
            try:
                replies.append(read(request, _read_answer(self.folder / f"{name}.answer.txt")))
                self._say(f"{name}.fault.txt", None)
            except (Misfit, FileNotFoundError) as lack:
                waiting[name] = str(lack) if isinstance(lack, Misfit) else None
                self._say(f"{name}.fault.txt", _refusal(name, lack) if isinstance(lack, Misfit) else None)
        self._say(OPEN, write_list(waiting) if waiting else None)
        if waiting:
            raise AnswersMissing(_say_what_is_missing(self.folder.resolve(), waiting))
        return replies

    def _lay_out(self, requests: Sequence[Ask]) -> None:
        """Write each request once, as a whole or not at all."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelReferenceError(f"the inbox {str(self.folder)!r} cannot be made: {error.strerror}.") from error
        total: Counter[str] = Counter(_look(request) for request in requests)
        shown: Counter[str] = Counter()
        for name, request in zip(_names(requests), requests, strict=True):
            look = _look(request)
            shown[look] += 1
            if not (self.folder / f"{name}.request.md").exists():
                self._say(f"{name}.request.md", write_page(name, request, shown[look], total[look]))

    def _say(self, name: str, text: str | None) -> None:
        """Put a file into the folder in one step; None takes it away."""
        file = self.folder / name
        if text is None:
            file.unlink(missing_ok=True)
            return
        draft = file.with_name(f".{name}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)

    def _completion(self, request: Request, answer: str) -> Completion:
        text = answer.rstrip("\n")
        if text.startswith(REFUSED):
            return Completion(text="", finish="refusal", reason=text.removeprefix(REFUSED).strip())
        if request.output_schema is not None:
            faults = list(faults_in(_read_json(text), request.output_schema))
            if faults:
                raise Misfit("; ".join(faults))
        return Completion(
            text=text,
            finish="stop",
            pieces=pieces_of(text) if isinstance(request.prompt, str) else (),
            tokens_in=self.count_tokens(request.prompt),
            tokens_out=self.count_tokens(text),
        )

    def _next_tokens(self, request: NextTokenRequest, answer: str) -> NextTokens:
        odds = _read_odds(answer, request.labels)
        logs = {token: math.log(probability) for token, probability in odds.items() if probability > 0}
        likely = sorted(logs.items(), key=lambda item: -item[1])[: request.top]
        return NextTokens(
            labels={label: logs[label] for label in request.labels if label in logs},
            top=dict(likely),
            tokens_in=self.count_tokens(request.prompt),
        )


def _read_answer(file: Path) -> str:
    """The text of an answer, whatever mark an editor began it with; FileNotFoundError while there is none."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise Misfit(f"it cannot be read as UTF-8 text: {error}") from error
    if not text.strip():
        raise Misfit("it is empty")
    return text


def _read_json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Misfit(
            f"it is no JSON: {error}. The file holds one JSON object and nothing else; this one begins {text[:20]!r}"
        ) from error


def _read_odds(answer: str, labels: Sequence[str]) -> Mapping[str, float]:
    """All probability on the one label that was written, or probabilities as a JSON object.

    A word that comes next keeps the space before it.
    """
    word = answer.strip() if labels else answer.rstrip("\n")
    if not word.lstrip().startswith("{"):
        if labels and word not in labels:
            raise Misfit(f"{word[:40]!r} is none of the labels {labels[0]} to {labels[-1]}")
        return {word: 1.0}
    try:
        odds = {str(token): float(probability) for token, probability in json.loads(word).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise Misfit(f"it is no JSON object of probabilities: {error}") from error
    if not all(0 <= probability <= 1 for probability in odds.values()) or sum(odds.values()) > 1.001:
        raise Misfit("probabilities must not be negative, nor more than 1 together")
    if labels and (unknown := [token for token in odds if token not in labels]):
        raise Misfit(f"{unknown[0]!r} is none of the labels {labels[0]} to {labels[-1]}")
    return odds


def _refusal(name: str, fault: Misfit) -> str:
    return f"{name}.answer.txt cannot be taken: {fault}.\n\nWrite it again, as {name}.request.md says, then resume.\n"


def _say_what_is_missing(folder: Path, waiting: Mapping[str, str | None]) -> str:
    misfits = [f"  {name}.answer.txt: {fault}" for name, fault in waiting.items() if fault]
    missing = len(waiting) - len(misfits)
    lines = [f"{count_answers(missing, 'is', 'are')} awaited in {folder}; {OPEN} there lists what is asked."]
    if misfits:
        head = f"{count_answers(len(misfits), 'does', 'do')} not fit and must be written again, in {folder}:"
        lines = [*lines[: missing > 0], head, *misfits[:_SHOWN]]
    return "\n".join(lines)


def _look(request: Request | NextTokenRequest) -> str:
    """What a request looks like to whoever answers it: all but its seed."""
    hidden = {"sampling": {"seed"}} if isinstance(request, Request) else None
    return request.model_dump_json(exclude=hidden)


def _names(requests: Sequence[Request | NextTokenRequest]) -> list[str]:
    """One name per request; the n-th repetition of a request within the list has number n."""
    seen: Counter[str] = Counter()
    names = []
    for request in requests:
        body = request.model_dump_json()
        names.append(hashlib.sha256(f"{body}#{seen[body]}".encode()).hexdigest()[:16])
        seen[body] += 1
    return names
