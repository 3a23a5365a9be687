"""Drive a run: start it, let it wait for its reviewer, go on after any interruption."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from agent.checkpoints import Waiting, Watcher, import_graph, open_graph
from agent.errors import RunError
from agent.folder import RunFolder
from agent.records import Ending, ReviewNotice
from agent.review.asking import asks, open_review, time_out
from agent.review.check import check_review
from agent.review.files import read_review, review_file
from agent.review.layout import lay_out
from agent.review.schema import ReviewId
from agent.vetting import vet
from agent.workshop import Workshop, open_workshop
from lm.errors import AnswersMissing, BudgetReached

End = Literal["done", "waiting", "failed", "budget", "answers", "interrupted"]
Notifier = Callable[[RunFolder, ReviewId], str | None]
"""Tells a person that a review waits; what went wrong, None where nothing did."""
Reviewer = Callable[[Workshop, ReviewId], bool]
"""Asks a person about what waits; False when the person left it undecided."""


@dataclass(frozen=True)
class Result:
    """How a stretch of work on a run ended."""

    end: End
    message: str
    review_file: Path | None = None
    """Where decisions can be written, while a review waits."""


STOPPED = Result("interrupted", "stopped between two steps; nothing is lost")


async def work(
    folder: RunFolder,
    watcher: Watcher,
    reviewer: Reviewer | None = None,
    stop_asked: Callable[[], bool] = lambda: False,
    notifier: Notifier | None = None,
) -> Result:
    """Work on a run until it ends, waits for its reviewer, or is asked to stop; it goes on where it left off.

    `reviewer` decides what waits in place; without one the run stops and waits for its review file. `notifier` is told
    once of each review that waits for a person. Raises RunError when another process works on the run.
    """
    try:
        with folder.locked():
            return await _work(folder, watcher, reviewer, stop_asked, notifier)
    except BudgetReached as reached:
        return Result("budget", str(reached))
    except AnswersMissing as missing:
        return Result("answers", str(missing))


async def _work(
    folder: RunFolder,
    watcher: Watcher,
    reviewer: Reviewer | None,
    stop_asked: Callable[[], bool],
    notifier: Notifier | None,
) -> Result:
    if folder.read_info().vet:
        async with open_workshop(folder, watcher.goes_on) as workshop:
            return _conclude(workshop) if await vet(workshop, watcher, stop_asked) else STOPPED
    # Importing LangGraph takes about as long as asking endpoints what they can do: both at once.
    importing = asyncio.create_task(asyncio.to_thread(import_graph))
    async with open_workshop(folder, watcher.goes_on) as workshop:
        await importing
        return await _create(workshop, watcher, reviewer, stop_asked, notifier)


async def _create(
    workshop: Workshop,
    watcher: Watcher,
    reviewer: Reviewer | None,
    stop_asked: Callable[[], bool],
    notifier: Notifier | None,
) -> Result:
    async with open_graph(workshop.folder, workshop) as graph:
        while True:
            standing = await graph.standing()
            if standing.finished:
                return _conclude(workshop)
            if not standing.begun:
                went_on = await graph.begin(watcher, stop_asked)
            elif standing.waiting is None:
                went_on = await graph.go_on(watcher, stop_asked)
            else:
                if not _decided(workshop, standing.waiting, reviewer, notifier):
                    return _waiting(workshop, standing.waiting.review)
                went_on = await graph.answer(standing.waiting, watcher, stop_asked)
            if not went_on:
                return STOPPED


def _decided(workshop: Workshop, waiting: Waiting, reviewer: Reviewer | None, notifier: Notifier | None) -> bool:
    """Whether what waits is decided.

    The gate of every resume: LangGraph itself would accept an answer that is stale or empty.
    """
    id_ = waiting.review
    shown = lay_out(workshop.board, id_)
    if shown.digest != waiting.digest:
        raise RunError(f"what {id_.title} shows changed after it was laid out for review. Start a new run.")
    if not asks(workshop, id_):
        return True
    review = time_out(workshop, open_review(workshop, shown), datetime.now(UTC))
    # Answers by file are handed in by going on with the run; whoever is asked in place says when.
    if review.undecided() or (reviewer is not None and not review.handed_in):
        if notifier is not None:
            _notify(workshop, id_, notifier)
        if reviewer is None or not reviewer(workshop, id_):
            return False
        review = open_review(workshop, shown)
    check_review(review, shown, workshop.board)
    return True


def _waiting(workshop: Workshop, id_: ReviewId) -> Result:
    review = read_review(workshop.folder, id_)
    undecided, lines = len(review.undecided()), len(review.lines)
    lacking = f"{undecided} of {lines} lines have no decision" if undecided else "all is decided, but not handed in"
    return Result("waiting", f"the review of {id_.title} is open: {lacking}", review_file(workshop.folder, id_))


def _notify(workshop: Workshop, id_: ReviewId, notifier: Notifier) -> None:
    """Tell a person, once; a message that does not go out stops nothing."""
    if workshop.journal.find(ReviewNotice, id_.key) is None:
        fault = notifier(workshop.folder, id_)
        workshop.journal.append({id_.key: ReviewNotice(fault=fault)})
        if fault is not None:
            workshop.say(fault)


def _conclude(workshop: Workshop) -> Result:
    ending = workshop.journal.find(Ending, "ending")
    if ending is None:
        # A step that was renamed is simply absent to LangGraph, and nothing seems left to do.
        raise RunError(f"{workshop.folder.path} stands at a step that this version does not have. Start a new run.")
    return Result("done" if ending.passed else "failed", ending.message)
