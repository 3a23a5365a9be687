"""The journal read as the method needs it: which pairs wait, which stand, and what was learned."""

from collections.abc import Sequence

from agent.records import (
    Draft,
    DraftFailure,
    Failure,
    FirstTokenRecord,
    FreshTest,
    LessonRecord,
    LintRecord,
    Outcome,
    PairDecision,
    PredictionRecord,
    RoundRecord,
    TraitRecord,
    Trial,
)
from agent.store import Journal
from extract.trait import Pair, Trait

RUNNABLE = ("approve", "edit")
"""Decisions under which a pair is run."""


class Board:
    """A run's pairs and findings, always as the journal has them now."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def trait(self) -> Trait:
        """The trait with the rubric that calibration settled on."""
        return self.journal.get(TraitRecord, "trait").trait

    def drafts(self, round_number: int | None = None, *, edited: bool = True) -> dict[str, Draft]:
        """Drafted pairs (of one round), with a reviewer's edits in place unless asked for as they were drafted."""
        decisions = self.journal.all(PairDecision) if edited else {}
        return {
            id_: _edited(draft, decisions.get(id_))
            for id_, draft in self.journal.all(Draft).items()
            if round_number in (None, draft.pair.round)
        }

    def unblocked(self, round_number: int, *, edited: bool = True) -> list[Pair]:
        """Pairs of a round that no lint keeps back."""
        lints = self.journal.all(LintRecord)
        drafts = self.drafts(round_number, edited=edited)
        return [draft.pair for id_, draft in drafts.items() if not lints[id_].blocked]

    def runnable(self, round_number: int) -> list[Pair]:
        """Pairs of a round that the reviewer lets run."""
        decisions = self.journal.all(PairDecision)
        return [pair for pair in self.unblocked(round_number) if decisions[pair.id].decision in RUNNABLE]

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
        """Failed pairs of a round with why they failed."""
        drafts = self.drafts(round_number)
        return [(drafts[id_], failure) for id_, failure in self.journal.all(Failure).items() if id_ in drafts]

    def rounds(self) -> list[RoundRecord]:
        """All rounds that were concluded."""
        return list(self.journal.all(RoundRecord).values())

    def drafted(self, round_number: int) -> int:
        """Pairs asked for in a round, malformed answers included."""
        failures = [key for key in self.journal.all(DraftFailure) if key.startswith(f"{round_number:02d}-")]
        return len(self.drafts(round_number)) + len(failures)

    def lessons(self) -> str | None:
        """The latest lesson of each failure class, as the author reads them."""
        latest = {record.failure: record.lesson for record in self.journal.all(LessonRecord).values()}
        return "\n".join(f"- {lesson}" for lesson in latest.values()) or None

    def reasons(self) -> str | None:
        """What the reviewer rejected or sent back, and why."""
        drafts = self.journal.all(Draft)
        lines = [
            f"- {drafts[id_].pair.positive}: {decision.reason}"
            for id_, decision in self.journal.all(PairDecision).items()
            if decision.decision in ("reject", "redraft") and decision.reason
        ]
        return "\n".join(lines[-8:]) or None

    def winners(self, number: int = 2) -> str | None:
        """The latest accepted pairs, as models of form."""
        return "\n".join(f"- {p.positive}\n  {p.negative}" for p in self.standing()[-number:]) or None

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


def _edited(draft: Draft, decision: PairDecision | None) -> Draft:
    if decision is None or decision.decision != "edit":
        return draft
    texts = {"positive": decision.positive or draft.pair.positive, "negative": decision.negative or draft.pair.negative}
    # The motivation spans belong to the text that was replaced.
    return draft.model_copy(update={"pair": draft.pair.model_copy(update={**texts, "motivation": {}})})
