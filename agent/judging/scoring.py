"""Texts scored by a judge, and what the scores are as a whole."""

import io
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import jsonlines

from agent.folder import write_atomically
from agent.judging.bench import JudgeBench
from agent.judging.guides import Guide
from agent.judging.texts import TextRow
from extract.intervals import Interval, mean_interval
from lm.judge import JudgeItem
from lm.types import Value
from lm.verdicts import Verdict

Said = Callable[[int, int], None]
"""Told how many are done, and of how many."""


class JudgedText(TextRow):
    """A text with its verdicts."""

    trait: Verdict
    coherence: Verdict | None = None
    """None where it was not asked for."""

    @property
    def score(self) -> float | None:
        """Trait score, 0-100; None where it is unscored."""
        return value_of(self.trait)


class Summary(Value):
    """Verdicts of one kind; the mean is that of the scored ones."""

    texts: int
    scored: int
    unscored: int
    mean: float | None
    mean_ci95: Interval | None
    """Bootstrap; None for fewer than two."""
    lowest: float | None
    highest: float | None
    reasons: dict[str, int]
    """Why texts are unscored, the most frequent first."""


def value_of(verdict: Verdict | None) -> float | None:
    """The score of a verdict, None where there is none."""
    return verdict.value if verdict is not None and verdict.kind == "score" else None


async def score_texts(
    bench: JudgeBench, guide: Guide, rows: Sequence[TextRow], *, coherence: bool, said: Said
) -> list[JudgedText]:
    """One verdict a text, and with `coherence` two, asked together."""
    judged: list[JudgedText] = []
    with bench.calls.during("judge"):
        for start in range(0, len(rows), bench.part):
            part = rows[start : start + bench.part]
            judged += await _score_part(bench, guide, part, coherence)
            said(len(judged), len(rows))
    return judged


async def _score_part(bench: JudgeBench, guide: Guide, rows: Sequence[TextRow], coherence: bool) -> list[JudgedText]:
    items = [JudgeItem(situation=row.situation, text=row.text) for row in rows]
    verdicts: Sequence[tuple[Verdict, Verdict | None]]
    if coherence:
        verdicts = await bench.judge.score_answers(guide.rubric, guide.label, items)
    else:
        traits = await bench.judge.score_trait(guide.rubric, guide.label, items)
        verdicts = [(trait, None) for trait in traits]
    return [
        JudgedText(**row.model_dump(), trait=trait, coherence=whole)
        for row, (trait, whole) in zip(rows, verdicts, strict=True)
    ]


def summarise(verdicts: Sequence[Verdict]) -> Summary:
    """What the verdicts are as a whole."""
    values = [verdict.value for verdict in verdicts if verdict.kind == "score"]
    reasons = Counter(verdict.reason for verdict in verdicts if verdict.kind == "unscored")
    return Summary(
        texts=len(verdicts),
        scored=len(values),
        unscored=len(verdicts) - len(values),
        mean=fmean(values) if values else None,
        mean_ci95=mean_interval(values),
        lowest=min(values, default=None),
        highest=max(values, default=None),
        reasons=dict(reasons.most_common()),
    )


def write_rows(file: Path, rows: Sequence[Value]) -> None:
    """One JSON object a row, in one step; what is not known is left out."""
    buffer = io.StringIO()
    with jsonlines.Writer(buffer) as writer:
        writer.write_all(row.model_dump(mode="json", exclude_none=True) for row in rows)
    write_atomically(file, buffer.getvalue())
