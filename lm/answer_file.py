"""Stored answers as a file of JSON lines: a run's answers to hand on, and to replay it from without its models.

    {"key": "…", "role": "judge", "step": "test_batch", "asked": "…", "answer": {…}}
    {"model": "…", "capabilities": {…}}        for models behind a server: what they said they can do

`key` is the call store's and decides alone what an answer is served for; `role`, `step` and `asked` (the end of the
prompt) are there for people.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonlines
from pydantic import ValidationError

from lm.calls import Answers, Call, CallStore, may_be_served
from lm.errors import UserError
from lm.faults import first_fault
from lm.types import Capabilities, Completion, JsonSchema, NextTokenRequest, NextTokens, Request, Value

SUFFIX = ".jsonl"
_REQUESTS: Mapping[str, type[Request | NextTokenRequest]] = {"complete": Request, "next_tokens": NextTokenRequest}
_REPLIES: Mapping[str, type[Completion | NextTokens]] = {"complete": Completion, "next_tokens": NextTokens}


class AnswerLine(Value):
    """One stored answer."""

    key: str
    answer: dict[str, Any]
    role: str = ""
    step: str = ""
    asked: str = ""


class CapabilitiesLine(Value):
    """What one model said it can do."""

    model: str
    capabilities: Capabilities


class AnswerFile:
    """The answers of a file; UserError names the line that cannot be used."""

    def __init__(self, path: Path) -> None:
        self._answers: dict[str, str] = {}
        self._capabilities: dict[str, str] = {}
        for line in read_lines(path):
            if isinstance(line, CapabilitiesLine):
                self._capabilities[line.model] = line.capabilities.model_dump_json()
            elif may_be_served(answer := json.dumps(line.answer)):
                self._answers[line.key] = answer

    def answers(self, keys: Sequence[str]) -> dict[str, str]:
        """The stored answer of each key that may be served, as JSON."""
        return {key: self._answers[key] for key in keys if key in self._answers}

    def capabilities(self, model: str) -> str | None:
        """What a model last said it can do, as JSON."""
        return self._capabilities.get(model)

    def close(self) -> None:
        """Nothing is held open."""


def open_answers(path: Path) -> Answers:
    """The answers of a .jsonl file or of a call store; UserError when it is neither."""
    return AnswerFile(path) if path.suffix == SUFFIX else CallStore(path)


def export_answers(store: CallStore, file: Path) -> int:
    """Write all answers of a store that may be served again to a file; how many there are."""
    calls = store.served()
    said = {model: store.capabilities(model) for model in dict.fromkeys(call.model for call in calls)}
    able = [
        CapabilitiesLine(model=model, capabilities=Capabilities.model_validate_json(found))
        for model, found in said.items()
        if found is not None
    ]
    write_lines(file, [*able, *(_as_answer(call) for call in calls)])
    return len(calls)


def read_lines(path: Path) -> list[AnswerLine | CapabilitiesLine]:
    """The lines of a file of answers; UserError names the line that cannot be used."""
    lines: list[AnswerLine | CapabilitiesLine] = []
    try:
        with jsonlines.open(path) as reader:
            for number, row in enumerate(reader, start=1):
                lines.append(_read_line(path, number, row))
    except jsonlines.InvalidLineError as error:
        raise UserError(f"{path}, line {error.lineno}: it is no JSON. Each line is one stored answer.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{str(path)!r} cannot be read as a file of answers: {error}.") from error
    return lines


def write_lines(path: Path, lines: Iterable[AnswerLine | CapabilitiesLine]) -> None:
    """A file of answers, in the order given, without what is empty or as always."""
    with jsonlines.open(path, "w", dumps=_as_line) as writer:
        writer.write_all(line.model_dump(mode="json", exclude_defaults=True) for line in lines)


def _as_answer(call: Call) -> AnswerLine:
    prompt = _REQUESTS[call.method].model_validate_json(call.request).prompt
    reply = _REPLIES[call.method].model_validate_json(call.answer)
    return AnswerLine(
        key=call.key,
        role=call.role,
        step=call.step,
        asked=prompt if isinstance(prompt, str) else prompt[-1].content,
        answer=json.loads(reply.model_dump_json(exclude_defaults=True)),
    )


def _as_line(row: JsonSchema) -> str:
    return json.dumps(row, ensure_ascii=False)


def _read_line(path: Path, number: int, row: object) -> AnswerLine | CapabilitiesLine:
    kind = CapabilitiesLine if isinstance(row, dict) and "capabilities" in row else AnswerLine
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        fault = first_fault(error, "the line")
        raise UserError(f"{path}, line {number}: {fault}. Each line is one stored answer.") from error
