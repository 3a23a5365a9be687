"""Yield by round: where every drafted pair went."""

from collections import Counter
from dataclasses import dataclass

from agent.board import Board
from agent.records import (
    Draft,
    DraftFailure,
    FreshTrial,
    LintRecord,
    Outcome,
    PairDecision,
    RoundRecord,
    Trial,
)
from agent.report.overview import TestView
from agent.store import Journal
from extract.trait import SIDES, Side

FATES = ("passed", "failed its test", "kept back by review", "kept back by lint", "malformed", "under way")
"""Where a drafted pair can go, from best to worst."""


@dataclass(frozen=True)
class RoundView:
    """One round."""

    number: int
    fates: dict[str, int]
    """Pairs by fate; all fates are there."""
    record: RoundRecord | None
    """None while the round is under way."""

    @property
    def drafted(self) -> int:
        """All pairs asked for."""
        return sum(self.fates.values())


@dataclass(frozen=True)
class ScoreView:
    """Mean scores of both sides of the pairs that were tested last."""

    values: dict[Side, tuple[float, ...]]
    unscored: dict[Side, int]
    source: str


def view_rounds(journal: Journal) -> tuple[RoundView, ...]:
    """Every round that has drafts, concluded or not."""
    counts: dict[int, Counter[str]] = {}
    for key in journal.all(DraftFailure):
        counts.setdefault(int(key.split("-")[0]), Counter())["malformed"] += 1
    lints, decisions, outcomes = journal.all(LintRecord), Board(journal).decisions(), journal.all(Outcome)
    for id_, draft in journal.all(Draft).items():
        fate = _fate(lints.get(id_), decisions.get(id_), outcomes.get(id_))
        counts.setdefault(draft.pair.round, Counter())[fate] += 1
    records = journal.all(RoundRecord)
    return tuple(
        RoundView(number, {fate: counts[number][fate] for fate in FATES}, records.get(str(number)))
        for number in sorted(counts)
    )


def view_scores(journal: Journal, tests: tuple[TestView, ...]) -> ScoreView | None:
    """Scores of the latest fresh test, or of the tested pairs where there was none."""
    trials: list[Trial]
    if tests:
        number = tests[-1].number
        trials = [trial for key, trial in journal.all(FreshTrial).items() if key.rpartition("@")[2] == str(number)]
        source = f"the {len(trials)} accepted pairs in fresh test {number}"
    else:
        trials = list(journal.all(Trial).values())
        source = f"all {len(trials)} pairs that were tested"
    if not trials:
        return None
    values: dict[Side, tuple[float, ...]] = {}
    unscored: dict[Side, int] = {}
    for side in SIDES:
        values[side] = tuple(score for trial in trials if (score := trial.scores.get(side)) is not None)
        unscored[side] = len(trials) - len(values[side])
    return ScoreView(values, unscored, source)


def _fate(lint: LintRecord | None, decision: PairDecision | None, outcome: Outcome | None) -> str:
    if lint is not None and lint.blocked:
        return "kept back by lint"
    if decision is not None and decision.decision not in ("approve", "edit"):
        return "kept back by review"
    if outcome is None:
        return "under way"
    return "passed" if outcome.accepted else "failed its test"
