"""The journal read as the method needs it: which pairs wait, which stand, and what was learned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from agent.coverage import Tried
from agent.records import (
    BatchDecision,
    Cell,
    Draft,
    DraftFailure,
    Failure,
    FinalDecision,
    FirstTokenRecord,
    FreshTest,
    FreshTrial,
    LessonRecord,
    LintRecord,
    Outcome,
    PairDecision,
    PredictionRecord,
    ResultDecision,
    RoundRecord,
    TraitRecord,
    Trial,
)
from agent.store import Journal
from agent.topics import Ended
from extract.lint.pairs import PairTerms, terms_of
from extract.trait import Pair, Trait

RUNNABLE = ("approve", "edit")
"""Decisions under which a pair is run."""
SHOWN_PAIRS = 2
"""Pairs shown to the author as models of form."""
SHOWN_NEIGHBOURS = 3
"""Ground truths of one domain that the author is not to repeat."""


@dataclass(frozen=True)
class BestPairs:
    """The best standing pair of each cell (lock-in type and domain), the better ones first."""

    ranked: tuple[tuple[Cell, Pair], ...]

    def for_cell(self, cell: Cell) -> str | None:
        """The models for a request: the best pair of its own cell, then of its lock-in type, then of any."""

        def distance(row: tuple[Cell, Pair]) -> int:
            return 2 * (row[0].lock_in != cell.lock_in) + (row[0].domain != cell.domain)

        nearest = sorted(self.ranked, key=distance)[:SHOWN_PAIRS]
        return "\n".join(f"- {pair.positive}\n  {pair.negative}" for _, pair in nearest) or None


class Board:
    """A run's pairs and findings, always as the journal has them now."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def trait(self) -> Trait:
        """The trait with the rubric that calibration settled on."""
        found = self.find_trait()
        if found is None:
            raise KeyError("the journal holds no trait")
        return found

    def find_trait(self) -> Trait | None:
        """The trait as it was defined last; None before that."""
        records = list(self.journal.all(TraitRecord).values())
        return records[-1].trait if records else None

    def drafts(self, round_number: int | None = None, *, edited: bool = True) -> dict[str, Draft]:
        """Drafted pairs (of one round), with a reviewer's edits in place unless asked for as they were drafted."""
        decisions = self.decisions() if edited else {}
        return {
            id_: _edited(draft, decisions.get(id_))
            for id_, draft in self.journal.all(Draft).items()
            if round_number in (None, draft.pair.round)
        }

    def terms(self, round_number: int) -> PairTerms:
        """What the pairs of a round are held to, a reviewer's edits as well."""
        return self.journal.find(PairTerms, str(round_number)) or terms_of(self.trait())

    def unblocked(self, round_number: int, *, edited: bool = True) -> list[Pair]:
        """Pairs of a round that no lint keeps back."""
        lints = self.journal.all(LintRecord)
        drafts = self.drafts(round_number, edited=edited)
        return [draft.pair for id_, draft in drafts.items() if not lints[id_].blocked]

    def decisions(self) -> dict[str, PairDecision]:
        """The latest decision on each pair before it was run."""
        return {key.partition("@")[0]: decision for key, decision in self.journal.all(PairDecision).items()}

    def deferred(self, round_number: int) -> list[Pair]:
        """Pairs of earlier rounds whose decision was put off until this one, as they were drafted."""
        drafts = self.journal.all(Draft)
        latest: dict[str, PairDecision] = {}
        for key, decision in self.journal.all(PairDecision).items():
            id_, batch = _pair_and_batch(key, drafts)
            # Decisions of this round itself do not count, so that its review shows the same once it is recorded.
            if batch < round_number:
                latest[id_] = decision
        return [drafts[id_].pair for id_, decision in latest.items() if decision.decision == "defer"]

    def to_review(self, round_number: int) -> list[Pair]:
        """Pairs that a round's batch review is about, as they were drafted: its own, and those deferred to it."""
        return [*self.unblocked(round_number, edited=False), *self.deferred(round_number)]

    def runnable(self, round_number: int) -> list[Pair]:
        """Pairs that the reviewer lets run in a round."""
        drafts, decisions = self.drafts(), self.decisions()
        asked = [pair.id for pair in self.to_review(round_number)]
        return [drafts[id_].pair for id_ in asked if decisions[id_].decision in RUNNABLE]

    def fresh_trials(self, test: int) -> dict[str, Trial]:
        """What a fresh test found, by pair id."""
        return {
            key.partition("@")[0]: trial
            for key, trial in self.journal.all(FreshTrial).items()
            if key.partition("@")[2] == str(test)
        }

    def standing(self) -> list[Pair]:
        """Accepted pairs that no later test removed, in order of drafting."""
        outcomes = self.journal.all(Outcome)
        removed = {key.split("@")[0] for key, outcome in outcomes.items() if not outcome.accepted}
        return [
            draft.pair
            for id_, draft in self.drafts().items()
            if id_ in outcomes and outcomes[id_].accepted and id_ not in removed
        ]

    def failed(self, round_number: int) -> list[tuple[Draft, Failure]]:
        """Pairs that were run in a round and failed, with why; whenever a pair was drafted."""
        drafts, ran = self.drafts(), self._ran()
        return [
            (drafts[id_], failure)
            for id_, failure in self.journal.all(Failure).items()
            if ran.get(id_, drafts[id_].pair.round) == round_number
        ]

    def _ran(self) -> dict[str, int]:
        """The round of the last batch that each pair was in; nothing is decided about it before a test after that."""
        drafts = self.journal.all(Draft)
        return dict(_pair_and_batch(key, drafts) for key in self.journal.all(PairDecision))

    def sent_back(self, round_number: int) -> list[tuple[Draft, Failure]]:
        """Pairs that the reviews of a round want drafted anew, with the reviewer's reason as what went wrong.

        Its batch review, that of its results, and the final one after a fresh test in it; whenever a pair was drafted.
        """
        decided = self._decided(round_number)
        return [
            (draft, Failure(failure="sent back by the reviewer", side=None, evidence=decided[id_].reason))
            for id_, draft in self.drafts().items()
            if id_ in decided and decided[id_].decision == "redraft"
        ]

    def _decided(self, round_number: int) -> dict[str, PairDecision | ResultDecision]:
        """The last decision on each pair in the reviews of one round."""
        journal, drafts = self.journal, self.journal.all(Draft)
        batches = [(*_pair_and_batch(key, drafts), found) for key, found in journal.all(PairDecision).items()]
        ran, tests = self._ran(), journal.all(FreshTest)
        finals = [(key.partition("@"), found) for key, found in journal.all(FinalDecision).items()]
        return {
            **{id_: found for id_, batch, found in batches if batch == round_number},
            **{id_: found for id_, found in journal.all(ResultDecision).items() if ran[id_] == round_number},
            **{id_: found for (id_, _, test), found in finals if tests[test].round == round_number},
        }

    def action(self, round_number: int) -> str:
        """What the reviewer of a round wants done next: the word on its results, else on the batch."""
        decisions = self.journal.all(BatchDecision)
        found = (decisions.get(key) for key in (f"results-{round_number}", str(round_number)))
        return next((decision.action for decision in found if decision and decision.action != "continue"), "continue")

    def rounds(self) -> list[RoundRecord]:
        """All rounds that were concluded."""
        return list(self.journal.all(RoundRecord).values())

    def drafted(self, round_number: int) -> int:
        """Pairs asked for in a round, malformed answers included."""
        failures = [key for key in self.journal.all(DraftFailure) if key.startswith(f"{round_number:02d}-")]
        return len(self.drafts(round_number)) + len(failures)

    def tried(self, before: float = inf) -> list[Tried]:
        """How the pairs of rounds so far ended: what passed, failed, was malformed or kept back by a lint."""
        outcomes, lints = self.journal.all(Outcome), self.journal.all(LintRecord)
        ended = [
            Tried(draft.cell, id_ in outcomes and outcomes[id_].accepted)
            for id_, draft in self.journal.all(Draft).items()
            if draft.pair.round < before and (id_ in outcomes or (id_ in lints and lints[id_].blocked))
        ]
        lost = [Tried(failure.cell, False) for key, failure in self.journal.all(DraftFailure).items()
                if int(key.partition("-")[0]) < before]  # fmt: skip
        return ended + lost

    def ended(self, before: int) -> list[Ended]:
        """The pairs that were tested in earlier rounds."""
        outcomes = self.journal.all(Outcome)
        return [
            Ended(draft.pair.round, draft.pair.ground_truth, draft.pair.lock_in, outcomes[id_].accepted)
            for id_, draft in self.journal.all(Draft).items()
            if id_ in outcomes and draft.pair.round < before
        ]

    def lessons(self, lock_in: str) -> str | None:
        """The latest lesson of each failure class, as the author reads them; what was learned at this ending wins."""
        records = sorted(self.journal.all(LessonRecord).values(), key=lambda record: record.lock_in == lock_in)
        latest = {record.failure: record.lesson for record in records}
        return "\n".join(f"- {lesson}" for lesson in latest.values()) or None

    def reasons(self) -> str | None:
        """What the reviewer rejected or sent back, and why."""
        drafts = self.journal.all(Draft)
        decided: list[tuple[str, PairDecision | ResultDecision]] = [
            *self.journal.all(PairDecision).items(),
            *self.journal.all(ResultDecision).items(),
            *self.journal.all(FinalDecision).items(),
        ]
        lines = [
            f"- {drafts[key.partition('@')[0]].pair.positive}: {decision.reason}"
            for key, decision in decided
            if decision.decision in ("reject", "redraft") and decision.reason and decision.by == "person"
        ]
        return "\n".join(lines[-8:]) or None

    def best_pairs(self) -> BestPairs:
        """The standing pair of each cell whose sides lie furthest apart."""
        drafts, trials = self.journal.all(Draft), self.journal.all(Trial)
        pairs = sorted(self.standing(), key=lambda pair: -_gap(trials[pair.id]))
        best: dict[tuple[str, str], tuple[Cell, Pair]] = {}
        for pair in pairs:
            cell = drafts[pair.id].cell
            best.setdefault((cell.lock_in, cell.domain), (cell, pair))
        return BestPairs(tuple(best.values()))

    def ground_truths(self, before: int) -> dict[str, tuple[str, ...]]:
        """The latest ground truths of each domain in earlier rounds: what the next pairs there are not to repeat."""
        by_domain: dict[str, dict[str, None]] = {}
        for draft in self.journal.all(Draft).values():
            if draft.pair.round < before:
                by_domain.setdefault(draft.cell.domain, {})[draft.pair.ground_truth] = None
        return {domain: tuple(texts)[-SHOWN_NEIGHBOURS:] for domain, texts in by_domain.items()}

    def last_test(self) -> FreshTest | None:
        """The latest fresh test."""
        tests = list(self.journal.all(FreshTest).values())
        return tests[-1] if tests else None

    def complete(self, pairs: Sequence[Pair]) -> list[Pair]:
        """Pairs with everything that is known about them: predictions, completions, scores, first tokens."""
        predictions = self.journal.all(PredictionRecord)
        trials = self.journal.all(Trial)
        first_tokens = self.journal.all(FirstTokenRecord)
        return [
            pair.model_copy(
                update={
                    "predicted": predictions[pair.id].predictions if pair.id in predictions else {},
                    "completions": trials[pair.id].samples,
                    "scores": trials[pair.id].scores,
                    "first_token": first_tokens[pair.id].result,
                }
            )
            for pair in pairs
        ]


def _pair_and_batch(key: str, drafts: Mapping[str, Draft]) -> tuple[str, int]:
    """Which pair a decision before the test is about, and the round in whose batch review it was made."""
    id_, _, later = key.partition("@")
    return id_, int(later) if later else drafts[id_].pair.round


def _gap(trial: Trial) -> float:
    positive, negative = trial.scores.get("positive"), trial.scores.get("negative")
    return 0.0 if positive is None or negative is None else positive - negative


def _edited(draft: Draft, decision: PairDecision | None) -> Draft:
    if decision is None or decision.decision != "edit":
        return draft
    texts = {"positive": decision.positive or draft.pair.positive, "negative": decision.negative or draft.pair.negative}
    # The motivation spans belong to the text that was replaced.
    return draft.model_copy(update={"pair": draft.pair.model_copy(update={**texts, "motivation": {}})})
