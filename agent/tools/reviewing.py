"""Lay out what a person reviews, and take over what was decided. Between the two a node waits (agent/graph.py)."""

from agent.errors import GateFailed
from agent.records import DefinitionDecision
from agent.review.asking import apply_review, asks, prepare_review
from agent.review.schema import ReviewId
from agent.tools.selection import final_pairs
from agent.tools.tool import (
    DefinitionReviewed,
    Done,
    FinalReviewed,
    OfDefinition,
    OfRound,
    OfTest,
    Prepared,
    declare,
)
from agent.workshop import Workshop


@declare(OfDefinition, Prepared)
async def prepare_definition_review(workshop: Workshop, given: OfDefinition) -> Prepared:
    """Lay the trait's definition out for its reviewer."""
    return _prepare(workshop, ReviewId(kind="definition", number=given.definition))


@declare(OfDefinition, DefinitionReviewed)
async def record_definition_review(workshop: Workshop, given: OfDefinition) -> DefinitionReviewed:
    """Take over the reviewer's decision on the definition; what was changed is calibrated and shown again."""
    apply_review(workshop, ReviewId(kind="definition", number=given.definition))
    decision = workshop.journal.get(DefinitionDecision, str(given.definition)).decision
    if decision == "approve":
        return DefinitionReviewed(summary="definition approved", step="draft", definition=given.definition)
    return DefinitionReviewed(summary=f"definition: {decision}", step="define", definition=given.definition + 1)


@declare(OfRound, Prepared)
async def prepare_batch_review(workshop: Workshop, given: OfRound) -> Prepared:
    """Lay a batch out for its reviewer; with review none every pair is approved."""
    return _prepare(workshop, ReviewId(kind="batch", number=given.round))


@declare(OfRound, Done)
async def record_batch_review(workshop: Workshop, given: OfRound) -> Done:
    """Take over the reviewer's decisions on a batch."""
    apply_review(workshop, ReviewId(kind="batch", number=given.round))
    return Done(summary=f"{len(workshop.board.runnable(given.round))} pairs approved")


@declare(OfRound, Prepared)
async def prepare_results_review(workshop: Workshop, given: OfRound) -> Prepared:
    """Lay a batch's results out for its reviewer, before the cut."""
    return _prepare(workshop, ReviewId(kind="results", number=given.round))


@declare(OfRound, Done)
async def record_results_review(workshop: Workshop, given: OfRound) -> Done:
    """Take over the reviewer's decisions on a batch's results."""
    apply_review(workshop, ReviewId(kind="results", number=given.round))
    return Done(summary="results reviewed")


@declare(OfTest, Prepared)
async def prepare_final_review(workshop: Workshop, given: OfTest) -> Prepared:
    """Lay the finished dataset out for its reviewer, before it is written."""
    return _prepare(workshop, ReviewId(kind="final", number=given.test))


@declare(OfTest, FinalReviewed)
async def record_final_review(workshop: Workshop, given: OfTest) -> FinalReviewed:
    """Take over the reviewer's decisions on the dataset; pairs removed from it are drafted for in another round."""
    apply_review(workshop, ReviewId(kind="final", number=given.test))
    removed = len(workshop.board.fresh_trials(given.test)) - len(final_pairs(workshop))
    if not removed:
        return FinalReviewed(summary="dataset approved", step="write", round=given.round, test=given.test)
    if given.round >= workshop.spec.rounds:
        raise GateFailed("review", f"the reviewer removed {removed} pairs, and all {given.round} rounds are used.")
    summary = f"{removed} pairs removed by the reviewer"
    return FinalReviewed(summary=summary, step="draft", round=given.round + 1, test=given.test + 1)


def _prepare(workshop: Workshop, id_: ReviewId) -> Prepared:
    review = prepare_review(workshop, id_)
    return Prepared(summary=f"{len(review.lines)} to review" if asks(workshop, id_) else "", digest=review.digest)
