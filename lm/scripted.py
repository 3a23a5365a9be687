"""A model whose answers are written down beforehand: for tests, examples and replays.

`scripted:FILE` reads a JSONL file (or a JSON array) of objects, each one an answer:

    {"text": "…"}                                  a completion
    {"text": "…", "match": "brake"}                only for prompts that contain "brake"
    {"text": "…", "finish": "length"}              "stop" (default), "length", "refusal" or "error"; with "reason"
    {"score": 80}                                  a judge's answer: all probability on the label 80
    {"odds": {"80": 0.5, "20": 0.3}, "match": "…"} probabilities of the next token, by label
    {"text": "…", "repeat": true}                  never used up

A request takes the first answer of its kind (text, or score and odds) that is not used up and whose "match" its prompt
contains. A script that must survive a restart uses "match" with "repeat", since what was used up is not remembered.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from lm.errors import ModelFailure, ModelReferenceError
from lm.scales import NUMBERS
from lm.types import Capabilities, Completion, NextTokenRequest, NextTokens, Prompt, Request, Value

_CAPABILITIES = Capabilities(context=131_072, chat=True, structured=True, scale=NUMBERS)
_CHARACTERS_A_TOKEN = 4


class ScriptedAnswer(Value):
    """One line of a script; exactly one of `text`, `score` and `odds` is given."""

    text: str | None = None
    score: float | None = Field(default=None, ge=0, le=100)
    odds: dict[str, float] | None = None
    match: str = ""
    finish: Literal["stop", "length", "refusal", "error"] = "stop"
    reason: str | None = None
    repeat: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(given is not None for given in (self.text, self.score, self.odds)) != 1:
            raise ValueError("an answer has exactly one of 'text', 'score' and 'odds'")
        return self

    @property
    def kind(self) -> Literal["text", "odds"]:
        """What kind of request it answers."""
        return "odds" if self.text is None else "text"

    def completion(self) -> Completion:
        """As the answer to a completion request."""
        return Completion(text=self.text or "", finish=self.finish, reason=self.reason)

    def probabilities(self) -> dict[str, float]:
        """As the answer to a next-token request."""
        return self.odds if self.odds is not None else {f"{self.score or 0:.0f}": 1.0}


class Script:
    """Answers in order, each used once unless it repeats."""

    def __init__(self, answers: Iterable[ScriptedAnswer], name: str = "script") -> None:
        self._left = list(answers)
        self._name = name

    def reply(self, request: Request) -> Completion:
        """The next answer with a text; ModelFailure when there is none."""
        return self._take("text", request.prompt).completion()

    def odds(self, request: NextTokenRequest) -> Mapping[str, float]:
        """The next answer with a score or odds; ModelFailure when there is none."""
        return self._take("odds", request.prompt).probabilities()

    def _take(self, kind: Literal["text", "odds"], prompt: Prompt) -> ScriptedAnswer:
        text = prompt_text(prompt)
        for place, answer in enumerate(self._left):
            if answer.kind == kind and answer.match in text:
                return answer if answer.repeat else self._left.pop(place)
        wanted = "text" if kind == "text" else "score or odds"
        raise ModelFailure(
            f"{self._name} has no {wanted} left for this prompt ({len(self._left)} answers of any kind are left): "
            f"…{text[-200:]!r}"
        )


class ScriptedModel:
    """A `Model` that answers from functions: `reply` for completions, `odds` for probabilities of the next token."""

    def __init__(
        self,
        reply: Callable[[Request], str | Completion],
        odds: Callable[[NextTokenRequest], Mapping[str, float]],
        reference: str = "scripted:",
        capabilities: Capabilities = _CAPABILITIES,
    ) -> None:
        self.reference = reference
        self._reply, self._odds = reply, odds
        self._capabilities = capabilities

    @classmethod
    def from_answers(cls, answers: Iterable[ScriptedAnswer], reference: str = "scripted:") -> "ScriptedModel":
        """A model that gives these answers."""
        script = Script(answers, reference)
        return cls(script.reply, script.odds, reference)

    @classmethod
    def from_file(cls, path: Path) -> "ScriptedModel":
        """A model that answers from a file; ModelReferenceError when it cannot be read as a script."""
        return cls.from_answers(read_script(path), f"scripted:{path}")

    async def capabilities(self) -> Capabilities:
        """A large context, chat, structure, and the scale 0-100."""
        return self._capabilities

    def count_tokens(self, prompt: Prompt) -> int:
        """An estimate: four characters a token."""
        return _estimate(prompt_text(prompt))

    async def complete(self, requests: Iterable[Request]) -> list[Completion]:
        """The script's answers, in order; ModelFailure when it has none left."""
        return [self._complete(request) for request in requests]

    async def next_tokens(self, requests: Iterable[NextTokenRequest]) -> list[NextTokens]:
        """The script's probabilities as logs; a label it does not name has probability zero (log of -inf)."""
        return [self._next_tokens(request) for request in requests]

    async def close(self) -> None:
        """Nothing is held open."""

    def _complete(self, request: Request) -> Completion:
        reply = self._reply(request)
        answer = Completion(text=reply, finish="stop") if isinstance(reply, str) else reply
        used = {
            "tokens_in": self.count_tokens(request.prompt),
            "tokens_out": _estimate(answer.text),
            "pieces": pieces_of(answer.text) if isinstance(request.prompt, str) else (),
        }
        return answer.model_copy(update={name: getattr(answer, name) or value for name, value in used.items()})

    def _next_tokens(self, request: NextTokenRequest) -> NextTokens:
        odds = self._odds(request)
        likely = sorted(odds.items(), key=lambda item: -item[1])[: request.top]
        return NextTokens(
            labels={label: _log(odds.get(label, odds.get(label.strip(), 0.0))) for label in request.labels},
            top={token: _log(probability) for token, probability in likely},
            tokens_in=self.count_tokens(request.prompt),
        )


def read_script(path: Path) -> list[ScriptedAnswer]:
    """The answers of a script file; ModelReferenceError names the place that cannot be used."""
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelReferenceError(f"the script {str(path)!r} cannot be read: {error}") from error
    try:
        if source.lstrip().startswith("["):
            return TypeAdapter(list[ScriptedAnswer]).validate_json(source)
        return [_answer(number, line) for number, line in enumerate(source.splitlines(), start=1) if line.strip()]
    except ValueError as error:
        raise ModelReferenceError(f"the script {str(path)!r} cannot be used: {error}") from error


def _answer(number: int, line: str) -> ScriptedAnswer:
    try:
        return ScriptedAnswer.model_validate_json(line)
    except ValidationError as error:
        raise ValueError(f"line {number}: {error.errors()[0]['msg']}") from error


def prompt_text(prompt: Prompt) -> str:
    """All words of a prompt, one turn after the other."""
    return prompt if isinstance(prompt, str) else "\n".join(message.content for message in prompt)


def pieces_of(text: str) -> tuple[str, ...]:
    """A text's words with the spaces before them: the tokens of whoever has none. Joined they are the text."""
    return tuple(re.findall(r"\s*\S+(?:\s+$)?|\s+", text))


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf


def _estimate(text: str) -> int:
    return math.ceil(len(text) / _CHARACTERS_A_TOKEN)
