"""What was tried: each approach with what it brought and why pairs failed; each cell of the grid with its record."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agent.board import Board
from agent.coverage import Tried
from agent.records import RoundRecord
from agent.steps.decide import by_approach, failures_of, wilson_interval
from agent.store import Journal


@dataclass(frozen=True)
class AttemptView:
    """One approach over its rounds."""

    approach: str
    rounds: int
    drafted: int
    passed: int
    failures: tuple[tuple[str, int], ...]
    """Failure classes with their number, the most frequent first."""

    @property
    def yield_(self) -> float:
        """passed / drafted."""
        return self.passed / self.drafted if self.drafted else 0.0

    @property
    def ci95(self) -> tuple[float, float]:
        """Wilson interval of the yield."""
        return wilson_interval(self.passed, self.drafted)


@dataclass(frozen=True)
class GridView:
    """Passed and tried pairs by lock-in type (rows) and domain (columns)."""

    lock_ins: tuple[str, ...]
    domains: tuple[str, ...]
    tried: dict[tuple[str, str], int]
    passed: dict[tuple[str, str], int]

    def told(self, lock_in: str, domain: str) -> str:
        """One cell in words: passed of tried."""
        tried = self.tried.get((lock_in, domain), 0)
        return f"{self.passed.get((lock_in, domain), 0)}/{tried}" if tried else "–"


def view_attempts(rounds: Sequence[RoundRecord]) -> tuple[AttemptView, ...]:
    """Every approach that was tried, in order."""
    return tuple(
        AttemptView(
            approach=name,
            rounds=len(held),
            drafted=sum(record.drafted for record in held),
            passed=sum(record.passed for record in held),
            failures=tuple(failures_of(held).items()),
        )
        for name, held in by_approach(rounds).items()
    )


def view_grid(journal: Journal) -> GridView | None:
    """The coverage grid as it was tried; None before the first pair ended."""
    tried = Board(journal).tried()
    if not tried:
        return None
    return GridView(
        lock_ins=tuple(sorted({one.cell.lock_in for one in tried})),
        domains=tuple(sorted({one.cell.domain for one in tried})),
        tried=_count(tried),
        passed=_count([one for one in tried if one.passed]),
    )


def _count(tried: Sequence[Tried]) -> dict[tuple[str, str], int]:
    return dict(Counter((one.cell.lock_in, one.cell.domain) for one in tried))
