"""What the page asks of a review, as plain functions: look, decide one line, the rest, the whole."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from agent.errors import ReviewError
from agent.review.asking import open_review
from agent.review.check import check_line, check_review, lint_edited
from agent.review.files import write_review
from agent.review.order import asking_order
from agent.review.schema import (
    ACTIONS,
    Action,
    Decision,
    DefinitionLine,
    PairLine,
    Review,
    ReviewId,
    decide_as_proposed,
    restored,
)
from agent.spec import Definition
from agent.workshop import Workshop

LONGEST = 4_000
"""Longest text that a field may hold."""


DEFINITION_TEXTS = {
    "is_": "IS", "is_not": "ISN'T", "orthogonal": "ORTHOGONAL", "high": "HIGH 70–100", "low": "LOW 0–40", "key": "Key"
}  # fmt: skip
"""Texts of a definition that can be edited here, by field."""
RUBRIC_TEXTS = ("high", "low", "key")
"""Those of them that belong to the rubric."""


class Answer(BaseModel):
    """What the page says about one line; a text without a decision is kept as a draft."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    review: str = Field(max_length=40)
    name: str = Field(max_length=100)
    digest: str = Field(max_length=100)
    decision: Decision | None
    reason: str = Field(default="", max_length=LONGEST)
    positive: str | None = Field(default=None, max_length=LONGEST)
    negative: str | None = Field(default=None, max_length=LONGEST)
    definition: dict[str, str] | None = None
    """Texts of the definition that may be changed here, by name."""


class Rest(BaseModel):
    """Decide all lines of these names that are undecided as the rules propose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    review: str = Field(max_length=40)
    names: list[str] = Field(max_length=100_000)


class HandIn(BaseModel):
    """The review is done, with a word on the whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    review: str = Field(max_length=40)
    action: Action


@dataclass(frozen=True)
class Sheet:
    """The review that waits, as it was laid out; that never changes while it waits."""

    workshop: Workshop
    shown: Review

    @property
    def id(self) -> ReviewId:
        """Which review it is."""
        return self.shown.id


@dataclass(frozen=True)
class View:
    """What the page shows."""

    sheet: Sheet
    review: Review
    order: tuple[str, ...]


def look(sheet: Sheet) -> View:
    """The review as it stands, in the order in which a person is asked."""
    spec = sheet.workshop.spec
    order = asking_order(sheet.shown, spec.settings, spec.seed)
    return View(sheet, open_review(sheet.workshop, sheet.shown), tuple(order))


def decide(sheet: Sheet, answer: Answer) -> dict[str, object]:
    """Take one answer over and save it; ReviewError where it cannot be taken, and nothing is saved then."""
    review, seen, board = _current(sheet, answer.review), _seen(sheet, answer), sheet.workshop.board
    line = _answered(review.line(answer.name), seen, answer)
    if line.decision is not None:
        check_line(line, seen, review, board)
    review = review.with_line(line)
    write_review(sheet.workshop.folder, review)
    findings: Sequence[str] = ()
    if isinstance(line, PairLine) and line.decision == "edit":
        findings = [f"{finding.code}: {finding.message}" for finding in lint_edited(line, board)]
    return {**_standing(review), "decision": line.decision, "findings": list(findings)}


def decide_rest(sheet: Sheet, rest: Rest) -> dict[str, object]:
    """Decide what is left among the lines named; the names decided."""
    review = _current(sheet, rest.review)
    left = set(rest.names) & set(review.undecided())
    review = decide_as_proposed(review, sheet.shown, left)
    write_review(sheet.workshop.folder, review)
    return {**_standing(review), "decided": {name: review.line(name).decision for name in left}}


def hand_in(sheet: Sheet, given: HandIn) -> None:
    """Close the review; ReviewError where something is undecided or wrong, and it stays open then."""
    review = _current(sheet, given.review)
    if given.action not in ACTIONS[sheet.id.kind]:
        raise ReviewError(f"{given.action!r} is not one of {', '.join(ACTIONS[sheet.id.kind])}.")
    review = review.with_action(given.action)
    check_review(review, sheet.shown, sheet.workshop.board)
    write_review(sheet.workshop.folder, review)


def _current(sheet: Sheet, key: str) -> Review:
    if key != sheet.id.key:
        raise ReviewError(f"this page is out of date: {sheet.id.title} waits now. Load it again.")
    return open_review(sheet.workshop, sheet.shown)


def _seen(sheet: Sheet, answer: Answer) -> PairLine | DefinitionLine:
    try:
        seen = sheet.shown.line(answer.name)
    except KeyError:
        raise ReviewError(f"{sheet.id.title} has no line {answer.name!r}. Load the page again.") from None
    if seen.digest != answer.digest:
        raise ReviewError(f"{answer.name}: what was shown has changed. Load the page again.")
    return seen


def _answered(
    line: PairLine | DefinitionLine, seen: PairLine | DefinitionLine, answer: Answer
) -> PairLine | DefinitionLine:
    """The line with the answer; texts count for an edit, or as a draft of one."""
    line = line.model_copy(update={"decision": answer.decision, "reason": answer.reason, "by": "person"})
    if answer.decision not in (None, "edit"):
        return restored(line, seen)
    if isinstance(line, PairLine):
        given = {side: getattr(answer, side) for side in ("positive", "negative")}
        return line.model_copy(update={side: text for side, text in given.items() if text is not None})
    return line.model_copy(update={"definition": _redefined(line.definition, answer.definition or {})})


def _redefined(definition: Definition, texts: dict[str, str]) -> Definition:
    """The definition with some of its texts replaced."""
    if unknown := set(texts) - set(DEFINITION_TEXTS):
        raise ReviewError(f"a definition has no text {sorted(unknown)[0]!r}.")
    if empty := [name for name, text in texts.items() if not text.strip() or len(text) > LONGEST]:
        raise ReviewError(f"{DEFINITION_TEXTS[empty[0]]}: write at least a word, and at most {LONGEST} characters.")
    changed = {name: text.strip() for name, text in texts.items()}
    rubric = definition.rubric.model_copy(update={name: changed.pop(name) for name in RUBRIC_TEXTS if name in changed})
    return definition.model_copy(update={**changed, "rubric": rubric})


def text_of(definition: Definition, field: str) -> str:
    """One of the texts of a definition that can be edited."""
    return str(getattr(definition.rubric if field in RUBRIC_TEXTS else definition, field))


def _standing(review: Review) -> dict[str, object]:
    return {"undecided": len(review.undecided()), "lines": len(review.lines)}
