"""Every pair side by side: scenarios, prediction, completions, scores and the first-token verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from agent.board import Board
from agent.records import (
    Draft,
    Failure,
    FirstTokenRecord,
    FreshTest,
    FreshTrial,
    LintRecord,
    Outcome,
    PairDecision,
    PredictionRecord,
    Trial,
    edited_key,
)
from agent.review.record import REVIEWER
from agent.settings import Settings
from agent.steps.first_token import TOP_TOKENS
from agent.store import Journal
from extract.lint.findings import Finding
from extract.trait import SIDES, FirstToken, Pair, Prediction, Sample, Side

MOST = 400
"""Pairs shown; a longer page helps nobody, and all of them are in pairs.jsonl."""

Status = Literal["accepted", "removed", "failed", "kept back", "under way"]
STATUSES: tuple[Status, ...] = ("accepted", "removed", "failed", "kept back", "under way")


@dataclass(frozen=True)
class SampleView:
    """One completion, its first tokens apart."""

    opening: str
    rest: str
    score: float | None
    reason: str
    """Why it has no score."""


@dataclass(frozen=True)
class SideView:
    """One side of a pair."""

    side: Side
    shared: str
    """The beginning that both scenarios share."""
    own: str
    """The rest of the scenario: what makes the difference."""
    prediction: Prediction | None
    samples: tuple[SampleView, ...]
    score: float | None
    fresh_score: float | None
    tested: bool
    passed: bool
    openings: tuple[str, ...]
    """The likeliest first tokens."""
    entropy: float | None
    deleted: float | None


@dataclass(frozen=True)
class PairView:
    """One pair with all that is known about it."""

    pair: Pair
    status: Status
    why: str
    sides: tuple[SideView, ...]
    first_token: FirstToken | None
    fresh: Literal["passes afresh", "fails afresh"] | None
    failure: Failure | None
    findings: tuple[Finding, ...]
    decision: PairDecision | None
    mends: str | None
    surprises: tuple[float | None, ...] = ()
    """The subject's surprise at the first words foreseen, by side, in bits; None where they were unlikely."""


@dataclass(frozen=True)
class PairsView:
    """All drafted pairs, the accepted ones first."""

    every: tuple[PairView, ...]

    @property
    def shown(self) -> tuple[PairView, ...]:
        """The pairs that the page shows."""
        return self.every[:MOST]

    @property
    def statuses(self) -> tuple[tuple[str, int], ...]:
        """Statuses that occur among the pairs shown, with their number."""
        return tuple(
            (status, number) for status in STATUSES if (number := sum(pair.status == status for pair in self.shown))
        )

    def choices(self, field: str) -> tuple[str, ...]:
        """Values of a pair's field that occur, for a filter."""
        return tuple(sorted({str(getattr(view.pair, field)) for view in self.shown} - {""}))


def view_pairs(journal: Journal, settings: Settings) -> PairsView:
    """All drafted pairs, accepted ones first, else in order of drafting."""
    board = Board(journal)
    files = _Files(journal)
    drafts = board.drafts()
    views = [files.view(draft, settings) for draft in drafts.values()]
    views.sort(key=lambda view: STATUSES.index(view.status))
    return PairsView(tuple(views))


class _Files:
    """The journal's records about pairs, read once."""

    def __init__(self, journal: Journal) -> None:
        self.trials = journal.all(Trial)
        self.first_tokens = journal.all(FirstTokenRecord)
        self.predictions = journal.all(PredictionRecord)
        self.lints = journal.all(LintRecord)
        self.decisions = Board(journal).decisions()
        self.outcomes = journal.all(Outcome)
        self.failures = journal.all(Failure)
        tests = journal.all(FreshTest)
        self.test = next(reversed(tests), None)
        self.fresh = {
            key.rpartition("@")[0]: trial
            for key, trial in journal.all(FreshTrial).items()
            if key.rpartition("@")[2] == self.test
        }
        self.removed = {
            key.rpartition("@")[0]: outcome
            for key, outcome in self.outcomes.items()
            if "@" in key and not outcome.accepted
        }

    def view(self, draft: Draft, settings: Settings) -> PairView:
        """One pair."""
        pair, id_ = draft.pair, draft.pair.id
        status, why = self._status(id_)
        fresh, first_token = self.fresh.get(id_), self.first_tokens.get(id_)
        return PairView(
            pair=pair,
            status=status,
            why=why,
            sides=tuple(self._side(pair, side, settings) for side in SIDES),
            first_token=first_token.result if first_token else None,
            fresh=None if fresh is None else "passes afresh" if fresh.passed else "fails afresh",
            failure=self.failures.get(id_),
            findings=self._findings(id_),
            decision=self.decisions.get(id_),
            mends=draft.mends,
            surprises=tuple(self.first_tokens[id_].surprise.values()) if id_ in self.first_tokens else (),
        )

    def _findings(self, id_: str) -> tuple[Finding, ...]:
        """What the lints say of a pair, as its reviewer edited it where that was so."""
        record = self.lints.get(edited_key(id_)) or self.lints.get(id_)
        return record.findings if record is not None else ()

    def _status(self, id_: str) -> tuple[Status, str]:
        lint, decision, outcome = self.lints.get(id_), self.decisions.get(id_), self.outcomes.get(id_)
        if lint is not None and lint.blocked:
            return "kept back", "kept back by lint"
        if decision is not None and decision.decision not in ("approve", "edit"):
            return "kept back", f"reviewer: {decision.decision}" + (f" – {decision.reason}" if decision.reason else "")
        if outcome is None:
            return "under way", "not tested yet"
        if not outcome.accepted:
            return "failed", outcome.reason
        if id_ in self.removed:
            reason = self.removed[id_].reason
            return "removed", reason if reason.startswith(REVIEWER) else f"removed by a fresh test: {reason}"
        return "accepted", outcome.reason

    def _side(self, pair: Pair, side: Side, settings: Settings) -> SideView:
        trial, fresh, first = self.trials.get(pair.id), self.fresh.get(pair.id), self.first_tokens.get(pair.id)
        predicted = self.predictions.get(pair.id)
        score = trial.scores.get(side) if trial else None
        shared = shared_beginning(pair.positive, pair.negative)
        return SideView(
            side=side,
            shared=shared,
            own=pair.scenario(side)[len(shared) :],
            prediction=predicted.predictions.get(side) if predicted else None,
            samples=tuple(view_sample(sample) for sample in trial.samples.get(side, ())) if trial else (),
            score=score,
            fresh_score=fresh.scores.get(side) if fresh else None,
            tested=trial is not None,
            passed=side_passes(side, score, settings),
            openings=first.openings.get(side, ()) if first else (),
            entropy=first.entropy.get(side) if first else None,
            deleted=first.deleted.get(side) if first else None,
        )


def side_passes(side: Side, score: float | None, settings: Settings) -> bool:
    """Whether a side's mean score meets its threshold; an unscored side does not."""
    if score is None:
        return False
    return score >= settings.positive_min if side == "positive" else score <= settings.negative_max


def view_sample(sample: Sample) -> SampleView:
    """A completion with its first tokens apart from the rest."""
    opening = sample.opening if sample.text.startswith(sample.opening) else ""
    verdict = sample.verdict
    scored = verdict is not None and verdict.kind == "score"
    return SampleView(
        opening=opening,
        rest=sample.text[len(opening) :],
        score=verdict.value if verdict is not None and verdict.kind == "score" else None,
        reason="" if scored else verdict.reason if verdict is not None and verdict.kind == "unscored" else "not judged",
    )


def shared_beginning(one: str, other: str) -> str:
    """The longest beginning of whole words that two texts share."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    if (
        length in (len(one), len(other))
        and one[length : length + 1] in ("", " ")
        and other[length : length + 1] in ("", " ")
    ):
        return one[:length]
    return one[: one.rfind(" ", 0, length) + 1]


@dataclass(frozen=True)
class Bin:
    """Predictions of like probability, and how often they came true."""

    low: float
    high: float
    n: int
    mean: float
    """Mean predicted probability."""
    came_true: int

    @property
    def share(self) -> float:
        """Share that came true."""
        return self.came_true / self.n


@dataclass(frozen=True)
class PredictionsView:
    """How good the author's predictions were: did a side do what it was meant to?"""

    n: int
    came_true: int
    brier: float
    brier_of_base_rate: float
    bins: tuple[Bin, ...]
    express_n: int
    express_right: int
    surprises: tuple[float, ...]
    """Bits of the subject's surprise at the first word foreseen, where it was among its likeliest tokens."""
    unlisted: int
    """First words foreseen that were not among them."""
    listed: int = TOP_TOKENS

    @property
    def median_surprise(self) -> float:
        """The median in bits; only where there are surprises."""
        return median(self.surprises)


BINS = ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0))


def view_predictions(pairs: Sequence[PairView]) -> PredictionsView | None:
    """Brier score over all sides that were predicted, run and scored; None where there is none."""
    foreseen = [
        (side.prediction, side.passed)
        for view in pairs
        for side in view.sides
        if side.prediction is not None and side.tested and side.score is not None
    ]
    if not foreseen:
        return None
    rows = [(prediction.probability, came_true) for prediction, came_true in foreseen]
    rate = sum(came_true for _, came_true in rows) / len(rows)
    express = [
        (side.prediction.express, view.first_token.verdict == "EXPRESS")
        for view in pairs
        if view.first_token is not None
        for side in view.sides
        if side.prediction is not None
    ]
    bits = [bit for view in pairs for bit in view.surprises]
    return PredictionsView(
        n=len(rows),
        came_true=sum(came_true for _, came_true in rows),
        brier=sum((probability - came_true) ** 2 for probability, came_true in rows) / len(rows),
        brier_of_base_rate=rate * (1 - rate),
        bins=_bins(rows),
        express_n=len(express),
        express_right=sum(said == was for said, was in express),
        surprises=tuple(bit for bit in bits if bit is not None),
        unlisted=sum(bit is None for bit in bits),
    )


def _bins(rows: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    bins = []
    for low, high in BINS:
        held = [row for row in rows if low <= row[0] < high or (high == 1.0 and row[0] == 1.0)]
        if held:
            mean = sum(probability for probability, _ in held) / len(held)
            bins.append(Bin(low, high, len(held), mean, sum(came_true for _, came_true in held)))
    return tuple(bins)
