"""One setting tried on a list of questions: its answers and their marks."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt
from statistics import fmean, stdev

from lm.types import Prompt, Value
from lm.verdicts import Score, Verdict
from steer.generation import Row
from steer.operators import Operator
from steer.scoring import Answer, Marks, Question, Scorer
from steer.writing import Writer


@dataclass(frozen=True)
class Bench:
    """Where settings are tried: who writes the answers, who marks them, and how long they are."""

    writer: Writer
    score: Scorer
    chat: bool = False
    """Questions are a user's turn."""
    max_tokens: int = 48
    min_scored: float = 0.8
    """Least share of scored answers; with fewer, a mean is unscored."""


@dataclass(frozen=True)
class Samples:
    """How many answers a question is given; several are drawn at a temperature, one is greedy."""

    count: int = 1
    temperature: float = 0.7

    def rows(self, question: Question, prompt: Prompt, pushes: tuple[Operator, ...]) -> list[Row]:
        """The rows of one question under one setting; other settings draw from the same random streams."""
        if self.count == 1:
            return [Row(prompt, pushes)]
        return [Row(prompt, pushes, self.temperature, _seed(question, sample)) for sample in range(self.count)]


class Trial(Value):
    """The answers to some questions under one setting, and their marks."""

    questions: tuple[Question, ...]
    """Of each answer; the samples of one question follow one another."""
    answers: tuple[str, ...]
    marks: tuple[Marks, ...]
    min_scored: float

    @property
    def traits(self) -> tuple[float | None, ...]:
        """Trait score of each answer, None where it is unscored."""
        return tuple(_value(mark.trait) for mark in self.marks)

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions, each once."""
        return tuple(dict.fromkeys(self.questions))

    @property
    def by_question(self) -> Mapping[str, float]:
        """Mean trait score of each question, by its text; questions without a scored answer are left out."""
        together = groupby(zip(self.questions, self.traits, strict=True), key=lambda item: item[0].text)
        found = {text: [value for _, value in rows if value is not None] for text, rows in together}
        return {text: fmean(values) for text, values in found.items() if values}

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
    def coherence_error(self) -> float | None:
        """Standard error of the mean coherence; None for fewer than two scored answers."""
        values = [value for value in self.coherences if value is not None]
        return stdev(values) / sqrt(len(values)) if len(values) > 1 else None

    @property
    def unscored(self) -> int:
        """Answers that lack a trait score, a coherence, or both."""
        return sum(_value(mark.trait) is None or _value(mark.coherence) is None for mark in self.marks)

    def gains(self, baseline: "Trial") -> list[float]:
        """Difference to the same questions under another setting, where both are scored."""
        before = baseline.by_question
        return [now - before[text] for text, now in self.by_question.items() if text in before]

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
    samples: Samples | None = None,
) -> list[Trial]:
    """Try every setting on every question: all answers in one go, then all marks in one go.

    With `natural` the questions are asked without their prefix; an instruction is put in front of each.
    """
    if not settings:
        return []
    drawn = samples or Samples()
    asked = [question for question in questions for _ in range(drawn.count)]
    prompts = [question.prompt(chat=bench.chat, natural=natural, instruction=instruction) for question in questions]
    rows = [
        row
        for pushes in settings
        for question, prompt in zip(questions, prompts, strict=True)
        for row in drawn.rows(question, prompt, pushes)
    ]
    done = await bench.writer.write(rows, bench.max_tokens)
    answers = [
        Answer(question=question.natural, text=row.answer)
        for question, row in zip(asked * len(settings), done, strict=True)
    ]
    marks = await bench.score(answers)
    if len(marks) != len(answers):
        raise ValueError(f"The scorer returned {len(marks)} marks for {len(answers)} answers.")
    size = len(asked)
    return [
        Trial(
            questions=tuple(asked),
            answers=tuple(answer.text for answer in answers[start : start + size]),
            marks=tuple(marks[start : start + size]),
            min_scored=bench.min_scored,
        )
        for start in range(0, size * len(settings), size)
    ]


def _seed(question: Question, sample: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{sample} {question.text}".encode()).digest()[:6])


def _value(verdict: Verdict) -> float | None:
    return verdict.value if isinstance(verdict, Score) else None
