"""Failures by class, each with what mends it, the lessons learned and examples."""

from collections import Counter
from dataclasses import dataclass

from agent.failures import ADVICE
from agent.records import LessonRecord
from agent.report.pairs import PairView, SideView
from agent.store import Journal

EXAMPLES = 3
"""Examples shown of each class."""


@dataclass(frozen=True)
class Example:
    """One pair that failed this way."""

    view: PairView
    sides: tuple[SideView, ...]
    """The side that failed; both where the failure is the pair's."""


@dataclass(frozen=True)
class FailureClass:
    """All failures of one class."""

    name: str
    count: int
    rounds: tuple[int, ...]
    advice: str
    lessons: tuple[tuple[tuple[int, ...], str], ...]
    """Rounds in which a lesson was learned, and the lesson."""
    examples: tuple[Example, ...]


def view_failures(journal: Journal, pairs: tuple[PairView, ...]) -> tuple[FailureClass, ...]:
    """Failure classes, the most frequent first."""
    failed = [view for view in pairs if view.failure is not None]
    counts = Counter(view.failure.failure for view in failed if view.failure is not None)
    lessons = _lessons(journal)
    return tuple(
        FailureClass(
            name=name,
            count=count,
            rounds=tuple(sorted({view.pair.round for view in failed if _is(view, name)})),
            advice=ADVICE.get(name, ""),
            lessons=tuple((tuple(rounds), lesson) for lesson, rounds in lessons.get(name, {}).items()),
            examples=tuple(_example(view) for view in failed if _is(view, name))[:EXAMPLES],
        )
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _lessons(journal: Journal) -> dict[str, dict[str, list[int]]]:
    """By failure class: each lesson with the rounds in which it was learned."""
    lessons: dict[str, dict[str, list[int]]] = {}
    for key, record in journal.all(LessonRecord).items():
        lessons.setdefault(record.failure, {}).setdefault(record.lesson, []).append(int(key.partition("/")[0]))
    return lessons


def _is(view: PairView, name: str) -> bool:
    return view.failure is not None and view.failure.failure == name


def _example(view: PairView) -> Example:
    side = view.failure.side if view.failure is not None else None
    return Example(view, tuple(shown for shown in view.sides if side in (None, shown.side)))
