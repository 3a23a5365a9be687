"""Whether the answers to a review can be taken: about exactly what was shown, complete, and allowed."""

from collections import Counter

from agent.board import Board
from agent.errors import ReviewError
from agent.records import Draft
from agent.review.schema import ACTIONS, CONTINUING, DECISIONS, DefinitionLine, PairLine, Review
from extract.lint.findings import Finding
from extract.lint.pairs import lint_pair
from extract.trait import Pair


def check_review(review: Review, shown: Review, board: Board) -> None:
    """Raise ReviewError unless every answer can be taken; nothing is taken then, and the review stays open."""
    title = shown.id.title
    check_lines(review, shown)
    action, actions = review.batch.action, ACTIONS[shown.id.kind]
    if action is not None and action not in actions:
        raise ReviewError(f"the review of {title}: the action {action!r} is not one of {', '.join(actions)}.")
    if undecided := review.undecided():
        raise ReviewError(
            f"the review of {title} is open: {len(undecided)} of {len(shown.lines)} lines have no decision "
            f"({', '.join(undecided[:5])}{', …' if len(undecided) > 5 else ''})."
        )
    if action is None or action in CONTINUING:
        for line, seen in zip(review.ordered_as(shown).lines, shown.lines, strict=True):
            check_line(line, seen, review, board)


def check_lines(review: Review, shown: Review) -> None:
    """Raise ReviewError unless the review has exactly the lines that were shown, in whatever order."""
    digests = {line.name: line.digest for line in shown.lines}
    names = [line.name for line in review.lines]
    if missing := [name for name in digests if name not in names]:
        fault = f"{missing[0]} is missing"
    elif unknown := [name for name in names if name not in digests]:
        fault = f"{unknown[0]} is not part of it"
    elif twice := [name for name, count in Counter(names).items() if count > 1]:
        fault = f"{twice[0]} is there twice"
    elif stale := [line.name for line in review.lines if line.digest != digests[line.name]]:
        fault = f"the digest of {stale[0]} is not that of what was shown"
    elif review.batch.digest not in ("", shown.digest):
        fault = "the digest of its last line is not that of what was shown"
    else:
        return
    raise ReviewError(
        f"the review of {shown.id.title} does not list what was shown: {fault}. Put that line right; or delete the "
        "file, it is then written anew without any decision."
    )


def check_line(line: PairLine | DefinitionLine, seen: PairLine | DefinitionLine, review: Review, board: Board) -> None:
    """Raise ReviewError unless this one decision can be taken."""
    allowed = DECISIONS[review.id.kind]
    if line.decision not in allowed:
        raise ReviewError(
            f"{line.name}: {line.decision!r} is not one of {', '.join(allowed)}"
            + (": what was tested is what stands; redraft the pair instead." if line.decision == "edit" else ".")
        )
    changed = _texts(line) != _texts(seen)
    if changed != (line.decision == "edit"):
        raise ReviewError(
            f"{line.name}: the decision is {line.decision!r} but its text is "
            f"{'changed' if changed else 'unchanged'}. A changed text needs the decision 'edit', and only that."
        )
    needs_reason = line.decision == "reject" or (isinstance(line, DefinitionLine) and line.decision == "redraft")
    if needs_reason and not line.reason.strip():
        raise ReviewError(f"{line.name}: this decision needs a reason; the author reads it with the next draft.")
    if isinstance(line, PairLine) and line.decision == "edit" and (faults := _errors(line, board)):
        told = "; ".join(f"{fault.code}: {fault.message}" for fault in faults)
        raise ReviewError(f"{line.name}: the edited pair has errors ({told}). Edit it again.")


def _errors(line: PairLine, board: Board) -> list[Finding]:
    return [finding for finding in lint_edited(line, board) if finding.severity == "error"]


def lint_edited(line: PairLine, board: Board) -> tuple[Finding, ...]:
    """What the lints say of an edited pair among all that were drafted before its own place."""
    drafts = board.drafts()
    ids = list(drafts)
    earlier = [drafts[id_].pair for id_ in ids[: ids.index(line.pair)]]
    edited = edited_pair(line, board)
    return lint_pair(edited, earlier, board.terms(edited.round))


def edited_pair(line: PairLine, board: Board) -> Pair:
    """The pair with the texts of its line."""
    drafted = board.journal.get(Draft, line.pair).pair
    return drafted.model_copy(update={"positive": line.positive, "negative": line.negative, "motivation": {}})


def _texts(line: PairLine | DefinitionLine) -> object:
    return (line.positive, line.negative) if isinstance(line, PairLine) else line.definition
