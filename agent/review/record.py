"""The decisions of a review, written to the journal. Writing them again changes nothing."""

from agent.board import Board
from agent.records import (
    DecidedBy,
    DefinitionDecision,
    Draft,
    FinalDecision,
    LintRecord,
    Outcome,
    PairDecision,
    Record,
    ResultDecision,
    edited_key,
)
from agent.review.check import lint_edited
from agent.review.schema import CONTINUING, DefinitionLine, Line, PairLine, Review

REVIEWER = "reviewer:"
"""How the reason of an outcome begins that a reviewer decided."""


def record_lines(review: Review, ruled: Review, board: Board) -> None:
    """Write what was decided about each line of a checked review; `ruled` is what rules alone decided."""
    for line, seen in zip(settled(review).lines, ruled.lines, strict=True):
        if isinstance(line, DefinitionLine):
            _record_definition(line, seen, review.id.number, board)
        elif isinstance(seen, PairLine):
            board.journal.append(_of_pair(line, seen, review, board))


def settled(review: Review) -> Review:
    """The review with a decision on every line: an action that redoes or ends the whole stands for those it has not."""
    if review.batch.action is None or review.batch.action in CONTINUING:
        return review
    lines = [line.model_copy(update={"decision": "redraft", "by": "all"}) for line in review.lines]
    return review.model_copy(update={"lines": tuple(lines)})


def _record_definition(line: DefinitionLine, seen: Line, attempt: int, board: Board) -> None:
    decided = DefinitionDecision.model_validate(
        {
            "decision": line.decision,
            "reason": line.reason,
            "definition": line.definition if line.decision == "edit" else None,
            "by": _by(line, seen),
        }
    )
    board.journal.append({str(attempt): decided})


def _of_pair(line: PairLine, seen: PairLine, review: Review, board: Board) -> dict[str, Record]:
    """The records of one pair's line, by key."""
    answer = {"decision": line.decision, "reason": line.reason.strip(), "by": _by(line, seen)}
    kind, number = review.id.kind, review.id.number
    if kind == "results":
        return {line.pair: ResultDecision.model_validate(answer)}
    if kind == "final":
        records: dict[str, Record] = {f"{line.pair}@{number}": FinalDecision.model_validate(answer)}
        if line.decision != "approve":
            removed = Outcome(accepted=False, reason=_told(line.decision, line.reason))
            board.journal.append({f"{line.pair}@{number}": removed})
        return records
    if line.decision == "edit":
        board.journal.append({edited_key(line.pair): LintRecord(findings=lint_edited(line, board))})
        answer |= {
            "positive": line.positive if line.positive != seen.positive else None,
            "negative": line.negative if line.negative != seen.negative else None,
        }
    own_round = board.journal.get(Draft, line.pair).pair.round
    key = line.pair if own_round == number else f"{line.pair}@{number}"
    return {key: PairDecision.model_validate(answer)}


def _by(line: Line, seen: Line) -> DecidedBy:
    """Who decided; a rule's decision that was changed is a person's."""
    return "person" if line.by == "policy" and line.decision != seen.decision else line.by


def overruled(outcome: Outcome, decision: ResultDecision | None) -> Outcome:
    """A pair's outcome once its reviewer was heard: what failed stays cut, what the reviewer rejects is cut as well."""
    if decision is None or decision.decision == "approve" or not outcome.accepted:
        return outcome
    return Outcome(accepted=False, reason=_told(decision.decision, decision.reason))


def _told(decision: str | None, reason: str) -> str:
    return f"{REVIEWER} {decision}" + (f" – {reason.strip()}" if reason.strip() else "")
