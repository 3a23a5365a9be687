"""From what is to be reviewed to decisions in the journal: lay out, decide by rule, wait, take the answers over."""

from datetime import UTC, datetime, timedelta

from agent.errors import GateFailed
from agent.records import BatchDecision, DecidedBy, ReviewAsked
from agent.review.check import check_review
from agent.review.files import read_review, review_file, write_readable, write_review
from agent.review.layout import lay_out
from agent.review.order import asking_order
from agent.review.policy import decide_by_rule
from agent.review.record import record_lines
from agent.review.schema import Review, ReviewId, decide_as_proposed
from agent.workshop import Workshop


def asks(workshop: Workshop, id_: ReviewId) -> bool:
    """Whether anybody is asked for this review at all."""
    return workshop.info.review != "none" and id_.kind in workshop.info.terms.at


def prepare_review(workshop: Workshop, id_: ReviewId) -> Review:
    """Lay a review out, decided as far as rules decide; a review file that is there already is left as it is."""
    shown = lay_out(workshop.board, id_)
    if asks(workshop, id_):
        _write(workshop, shown)
        workshop.journal.append({id_.key: ReviewAsked(since=datetime.now(UTC).isoformat(timespec="seconds"))})
    return shown


def _write(workshop: Workshop, shown: Review) -> None:
    if review_file(workshop.folder, shown.id).exists():
        return
    spec, review = workshop.spec, _ruled(workshop, shown)
    write_review(workshop.folder, review)
    write_readable(workshop.folder, review, asking_order(review, spec.settings, spec.seed))


def open_review(workshop: Workshop, shown: Review) -> Review:
    """The review as it stands on disk, written anew as it was laid out where its file was deleted."""
    _write(workshop, shown)
    return read_review(workshop.folder, shown.id)


def apply_review(workshop: Workshop, id_: ReviewId) -> None:
    """Write the decisions to the journal; a review that nobody is asked for approves everything.

    Raises ReviewError when the answers cannot be taken, GateFailed when they end the run.
    """
    shown = lay_out(workshop.board, id_)
    review = read_review(workshop.folder, id_) if asks(workshop, id_) else _approved(shown, "none")
    check_review(review, shown, workshop.board)
    record_lines(review.ordered_as(shown), _ruled(workshop, shown), workshop.board)
    action = review.batch.action or "continue"
    workshop.journal.append({id_.key: BatchDecision(action=action)})
    if action == "stop":
        raise GateFailed("review", review.batch.reason or f"the reviewer ended the run at {id_.title}.")


class RestAsProposed:
    """Stands in for a person at one review: what is undecided there is decided as the rules propose."""

    def __init__(self, review: ReviewId | None) -> None:
        """`review` is what waited when the person spoke; what comes after it nobody has seen."""
        self._review = review

    def __call__(self, workshop: Workshop, id_: ReviewId) -> bool:
        """Decide the rest of the review and hand it in; False for every other.

        Raises ReviewError, and leaves the file as it is, when what the person wrote cannot be taken.
        """
        if id_ != self._review:
            return False
        shown = lay_out(workshop.board, id_)
        review = decide_as_proposed(open_review(workshop, shown), shown)
        review = review.with_action(review.batch.action or "continue", review.batch.reason)
        check_review(review, shown, workshop.board)
        write_review(workshop.folder, review)
        return True


def time_out(workshop: Workshop, review: Review, now: datetime) -> Review:
    """The review as its timeout decides it, unchanged while there is time left or nothing is undecided."""
    terms = workshop.info.terms
    deadline = review_deadline(workshop, review.id)
    undecided = review.undecided()
    if deadline is None or now < deadline or not undecided:
        return review
    waited = timedelta(seconds=terms.timeout or 0)
    told = f"nobody decided {review.id.title} within {waited}"
    if terms.on_timeout == "fail" or review.id.kind == "definition":
        # Without a definition there is nothing to go on with.
        decided = review.with_action("stop", f"{told}.")
    else:
        answer = {"decision": "reject", "reason": told, "by": "timeout"}
        lines = [line.model_copy(update=answer) if line.name in undecided else line for line in review.lines]
        decided = review.model_copy(update={"lines": tuple(lines)})
    write_review(workshop.folder, decided)
    return decided


def review_deadline(workshop: Workshop, id_: ReviewId) -> datetime | None:
    """When the review's time is up; None where it may wait for ever."""
    asked = workshop.journal.find(ReviewAsked, id_.key)
    if workshop.info.terms.timeout is None or asked is None:
        return None
    return datetime.fromisoformat(asked.since) + timedelta(seconds=workshop.info.terms.timeout)


def _ruled(workshop: Workshop, shown: Review) -> Review:
    """The review as far as rules decide it."""
    policy = workshop.info.terms.policy
    return shown if policy is None else decide_by_rule(shown, policy, workshop.spec.seed)


def _approved(review: Review, by: DecidedBy) -> Review:
    """Everything approved as the rules propose; a pair that failed its test is not saved by it."""
    lines = [line.model_copy(update={"decision": "approve", "by": by}) for line in review.lines]
    return review.model_copy(update={"lines": tuple(lines)})
