"""Answers to reviews, as a person would give them by file."""

from collections.abc import Callable

from agent.engine import Result
from agent.folder import RunFolder
from agent.report.reading import open_run
from agent.report.standing import waiting_review
from agent.review.files import read_review, write_review
from agent.review.schema import Review, ReviewId, proposed
from tests.agent.runs import finish

Answer = Callable[[Review], Review]


def waiting(folder: RunFolder) -> ReviewId:
    """The review that waits."""
    with open_run(folder) as run:
        found = waiting_review(run.info, run.journal)
    assert found is not None, "no review waits"
    return found


def as_proposed(review: Review) -> Review:
    """Every undecided line decided as the rules propose."""
    lines = tuple(line if line.decision is not None else proposed(line) for line in review.lines)
    return review.model_copy(update={"lines": lines})


def answer(folder: RunFolder, change: Answer = as_proposed) -> ReviewId:
    """Answer the review that waits."""
    id_ = waiting(folder)
    write_review(folder, change(read_review(folder, id_)))
    return id_


def finish_with(folder: RunFolder, answers: dict[str, Answer] | None = None) -> tuple[Result, list[str]]:
    """Work until the run ends, answering each review as proposed or as `answers` says by its key; the keys answered."""
    asked: list[str] = []
    while (result := finish(folder)).end == "waiting":
        key = waiting(folder).key
        assert asked.count(key) < 3, f"{key} is asked over and over"
        answer(folder, (answers or {}).get(key, as_proposed) if key not in asked else as_proposed)
        asked.append(key)
    return result, asked
