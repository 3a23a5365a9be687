"""Lay a batch out for its reviewer, and take over what was decided."""

from agent.review.batch import apply_review, prepare_review
from agent.tools.tool import Done, OfRound, Prepared, declare
from agent.workshop import Workshop


@declare(OfRound, Prepared)
async def prepare_batch_review(workshop: Workshop, given: OfRound) -> Prepared:
    """Lay a batch out for its reviewer; with review none every pair is approved."""
    request = prepare_review(workshop, given.round)
    return Prepared(summary=f"{len(request.pairs)} pairs to review", digest=request.digest)


@declare(OfRound, Done)
async def record_batch_review(workshop: Workshop, given: OfRound) -> Done:
    """Take over the reviewer's decisions on a batch."""
    apply_review(workshop, given.round)
    return Done(summary=f"{len(workshop.board.runnable(given.round))} pairs approved")
