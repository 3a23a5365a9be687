"""One setting tried on a list of questions: its answers and their marks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from extract.models import LoadedModel
from lm.types import Value
from lm.verdicts import Score, Verdict
from steer.generation import Row, generate
from steer.operators import Operator
from steer.scoring import Answer, Marks, Question, Scorer


@dataclass(frozen=True)
class Bench:
    """Where settings are tried: a model, a scorer, and how long answers are."""

    model: LoadedModel
    score: Scorer
    max_tokens: int = 48
    max_rows: int = 320
    min_scored: float = 0.8
    """Least share of scored answers; with fewer, a mean is unscored."""


class Trial(Value):
    """The answers to some questions under one setting, and their marks."""

    questions: tuple[Question, ...]
    answers: tuple[str, ...]
    marks: tuple[Marks, ...]
    min_scored: float

    @property
    def traits(self) -> tuple[float | None, ...]:
        """Trait score of each answer, None where it is unscored."""
        return tuple(_value(mark.trait) for mark in self.marks)

    @property
    def scored_traits(self) -> list[float]:
        """The trait scores that there are."""
        return [value for value in self.traits if value is not None]

    @property
    def coherences(self) -> tuple[float | None, ...]:
        """Coherence of each answer, None where it is unscored."""
        return tuple(_value(mark.coherence) for mark in self.marks)

    @property
    def score(self) -> float | None:
        """Mean trait score over scored answers; None where too few are."""
        return self._mean([mark.trait for mark in self.marks])

    @property
    def coherence(self) -> float | None:
        """Mean coherence over scored answers; None where too few are."""
        return self._mean([mark.coherence for mark in self.marks])

    @property
    def unscored(self) -> int:
        """Answers that lack a trait score, a coherence, or both."""
        return sum(_value(mark.trait) is None or _value(mark.coherence) is None for mark in self.marks)

    def gains(self, baseline: "Trial") -> list[float]:
        """Difference to the same questions under another setting, where both are scored."""
        before = dict(zip((question.text for question in baseline.questions), baseline.traits, strict=True))
        pairs = ((now, before.get(question.text)) for question, now in zip(self.questions, self.traits, strict=True))
        return [now - then for now, then in pairs if now is not None and then is not None]

    def only(self, questions: Sequence[Question]) -> "Trial":
        """The same trial, seen on some of its questions."""
        places = [place for place, question in enumerate(self.questions) if question in questions]
        return Trial(
            questions=tuple(self.questions[place] for place in places),
            answers=tuple(self.answers[place] for place in places),
            marks=tuple(self.marks[place] for place in places),
            min_scored=self.min_scored,
        )

    def _mean(self, verdicts: Sequence[Verdict]) -> float | None:
        values = [value for verdict in verdicts if (value := _value(verdict)) is not None]
        return fmean(values) if values and len(values) >= self.min_scored * len(verdicts) else None


async def run_trials(
    bench: Bench,
    questions: Sequence[Question],
    settings: Sequence[tuple[Operator, ...]],
    *,
    natural: bool = False,
    instruction: str = "",
) -> list[Trial]:
    """Try every setting on every question: all answers in one go, then all marks in one go.

    With `natural` the questions are asked without their prefix; an instruction is put in front of each.
    """
    if not settings:
        return []
    chat = bench.model.spelling.chats
    prompts = [question.prompt(chat=chat, natural=natural, instruction=instruction) for question in questions]
    rows = [Row(prompt, pushes) for pushes in settings for prompt in prompts]
    done = await asyncio.to_thread(generate, bench.model, rows, max_tokens=bench.max_tokens, max_rows=bench.max_rows)
    asked = [question.natural for _ in settings for question in questions]
    answers = [Answer(question=text, text=row.text) for text, row in zip(asked, done, strict=True)]
    marks = await bench.score(answers)
    if len(marks) != len(answers):
        raise ValueError(f"The scorer returned {len(marks)} marks for {len(answers)} answers.")
    size = len(questions)
    return [
        Trial(
            questions=tuple(questions),
            answers=tuple(answer.text for answer in answers[start : start + size]),
            marks=tuple(marks[start : start + size]),
            min_scored=bench.min_scored,
        )
        for start in range(0, size * len(settings), size)
    ]


def _value(verdict: Verdict) -> float | None:
    return verdict.value if isinstance(verdict, Score) else None
