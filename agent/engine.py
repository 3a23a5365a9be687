"""Drive a run: start it, let it wait for its reviewer, go on after any interruption."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agent.checkpoints import Watcher, open_graph
from agent.errors import RunError
from agent.folder import RunFolder
from agent.records import Ending
from agent.review.batch import check_review, prepare_review, read_review
from agent.vetting import vet
from agent.workshop import Workshop, open_workshop
from lm.errors import AnswersMissing, BudgetReached

End = Literal["done", "waiting", "failed", "budget", "answers", "interrupted"]
Reviewer = Callable[[Workshop, int], bool]
"""Asks a person about a round's batch; False when the person left it undecided."""


@dataclass(frozen=True)
class Result:
    """How a stretch of work on a run ended."""

    end: End
    message: str


STOPPED = Result("interrupted", "stopped between two steps; nothing is lost")


async def work(
    folder: RunFolder,
    watcher: Watcher,
    reviewer: Reviewer | None = None,
    stop_asked: Callable[[], bool] = lambda: False,
) -> Result:
    """Work on a run until it ends, waits for its reviewer, or is asked to stop; it goes on where it left off.

    `reviewer` decides a waiting batch in place; without one the run stops and waits for its review file. Raises
    RunError when another process works on it.
    """
    try:
        with folder.locked():
            return await _work(folder, watcher, reviewer, stop_asked)
    except BudgetReached as reached:
        return Result("budget", str(reached))
    except AnswersMissing as missing:
        return Result("answers", str(missing))


async def _work(
    folder: RunFolder, watcher: Watcher, reviewer: Reviewer | None, stop_asked: Callable[[], bool]
) -> Result:
    async with open_workshop(folder, watcher.goes_on) as workshop:
        if not workshop.info.vet:
            return await _create(workshop, watcher, reviewer, stop_asked)
        return _conclude(workshop) if await vet(workshop, watcher, stop_asked) else STOPPED


async def _create(
    workshop: Workshop, watcher: Watcher, reviewer: Reviewer | None, stop_asked: Callable[[], bool]
) -> Result:
    async with open_graph(workshop) as graph:
        while True:
            standing = await graph.standing()
            if standing.finished:
                return _conclude(workshop)
            if not standing.begun:
                went_on = await graph.begin(watcher, stop_asked)
            elif standing.waiting is None:
                went_on = await graph.go_on(watcher, stop_asked)
            else:
                digest = _decided(workshop, standing.state["round"], standing.state["digest"], reviewer)
                if digest is None:
                    return Result("waiting", f"batch {standing.state['round']} waits for its review")
                went_on = await graph.answer(standing.waiting, digest, watcher, stop_asked)
            if not went_on:
                return STOPPED


def _decided(workshop: Workshop, round_number: int, digest: str, reviewer: Reviewer | None) -> str | None:
    """The digest of a batch whose review is complete, None while it is not.

    The gate of every resume: LangGraph itself would accept an answer that is stale or empty.
    """
    shown = prepare_review(workshop, round_number)
    if shown.digest != digest:
        raise RunError(f"the pairs of batch {round_number} changed after it was laid out for review. Start a new run.")
    if workshop.info.review == "none":
        return digest
    if reviewer is not None and not reviewer(workshop, round_number):
        return None
    review = read_review(workshop.folder, round_number)
    if reviewer is None and review.undecided():
        return None
    check_review(review, shown)
    return digest


def _conclude(workshop: Workshop) -> Result:
    ending = workshop.journal.get(Ending, "ending")
    return Result("done" if ending.passed else "failed", ending.message)
