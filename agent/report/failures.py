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
    lessons: tuple[tuple[int, str], ...]
    """Round and lesson."""
    examples: tuple[Example, ...]


def view_failures(journal: Journal, pairs: tuple[PairView, ...]) -> tuple[FailureClass, ...]:
    """Failure classes, the most frequent first."""
    failed = [view for view in pairs if view.failure is not None]
    counts = Counter(view.failure.failure for view in failed if view.failure is not None)
    lessons: dict[str, list[tuple[int, str]]] = {}
    for key, record in journal.all(LessonRecord).items():
        lessons.setdefault(record.failure, []).append((int(key.partition("/")[0]), record.lesson))
    return tuple(
        FailureClass(
            name=name,
            count=count,
            rounds=tuple(sorted({view.pair.round for view in failed if _is(view, name)})),
            advice=ADVICE.get(name, ""),
            lessons=tuple(lessons.get(name, ())),
            examples=tuple(_example(view) for view in failed if _is(view, name))[:EXAMPLES],
        )
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _is(view: PairView, name: str) -> bool:
    return view.failure is not None and view.failure.failure == name


def _example(view: PairView) -> Example:
    side = view.failure.side if view.failure is not None else None
    return Example(view, tuple(shown for shown in view.sides if side in (None, shown.side)))
