"""The one schema under every face of a review: lines with a decision each, and a last line for the whole.

A review is laid out with empty decisions; a person (at any face), a rule or a timeout fills them in. Each line carries
a digest of all that is shown on it, and answers are checked against it: nothing unseen is approved.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Container
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agent.records import DecidedBy
from agent.review.terms import Kind
from agent.spec import Definition
from agent.steps.draft import SETUPS
from extract.trait import Prediction, Side
from lm.types import Value

Decision = Literal["approve", "edit", "reject", "redraft", "defer"]
Action = Literal["continue", "redraft", "scale", "stop"]
PEOPLE: tuple[DecidedBy, ...] = ("person", "all")

DECISIONS: dict[Kind, tuple[Decision, ...]] = {
    "definition": ("approve", "edit", "redraft"),
    "batch": ("approve", "edit", "reject", "redraft", "defer"),
    "results": ("approve", "reject", "redraft"),
    "final": ("approve", "reject", "redraft"),
}
"""What can be decided about a line. After a test no text is edited: what was tested is what stands."""
ACTIONS: dict[Kind, tuple[Action, ...]] = {
    "definition": ("continue", "stop"),
    "batch": ("continue", "redraft", "scale", "stop"),
    "results": ("continue", "redraft", "scale", "stop"),
    "final": ("continue", "stop"),
}
"""What can be decided about the whole."""
CONTINUING: tuple[Action, ...] = ("continue", "scale")
"""Actions under which every line needs its own decision; the others stand for all."""


class ReviewId(Value):
    """Which review: the definition's by its attempt, batch and results by their round, the final one by its test."""

    kind: Kind
    number: int = Field(ge=1)

    @property
    def key(self) -> str:
        """Its name in the journal, in checkpoints and in addresses."""
        return str(self.number) if self.kind == "batch" else f"{self.kind}-{self.number}"

    @property
    def title(self) -> str:
        """Its name for people."""
        titles = {
            "definition": "the definition",
            "batch": f"batch {self.number}",
            "results": f"the results of batch {self.number}",
            "final": "the final dataset",
        }
        return titles[self.kind]

    @classmethod
    def parse(cls, key: str) -> "ReviewId":
        """The review of a key; ValidationError where it is none."""
        kind, _, number = key.rpartition("-")
        return cls.model_validate({"kind": kind or "batch", "number": number})


class Line(BaseModel, ABC):
    """What every line of a review has: a digest of what is shown, and the decision once it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    digest: str
    decision: Decision | None = None
    reason: str = ""
    by: DecidedBy = "person"

    @property
    @abstractmethod
    def name(self) -> str:
        """What the line is about."""


LineT = TypeVar("LineT", bound=Line)
ANSWER = ("digest", "decision", "reason", "by")
"""Fields of a line that are no part of what is shown."""


class SampleShown(Value):
    """One completion, its first tokens apart."""

    opening: str
    rest: str
    score: float | None
    """None where the judge gave no usable answer."""


class OutcomeShown(Value):
    """What the test of a pair found."""

    samples: dict[Side, tuple[SampleShown, ...]]
    scores: dict[Side, float | None]
    first_token: str | None
    """EXPRESS, EXPLAIN or UNCLEAR."""
    passes: bool
    """Both sides meet their thresholds."""
    stands: bool
    """What the rules propose: the pair stands, or it is cut."""
    failure: str | None = None
    evidence: str = ""


class PairLine(Line):
    """One pair: as it was drafted, what is expected of it and, after its test, what was found."""

    pair: str
    positive: str
    negative: str
    ground_truth: str = ""
    cell: str = ""
    """Where it lies in the coverage grid, in words."""
    predicted: dict[Side, Prediction] = {}
    findings: tuple[str, ...] = ()
    tested: OutcomeShown | None = None

    @property
    def name(self) -> str:
        """The pair's id."""
        return self.pair

    def scenario(self, side: Side) -> str:
        """The text of one side."""
        return self.positive if side == "positive" else self.negative


class Level(Value):
    """One calibration text: the level it was written at, and what the judge said."""

    level: int
    score: float | None
    text: str


class DefinitionLine(Line):
    """The trait's definition, with how well the judge follows its rubric."""

    definition: Definition
    rank_agreement: float | None = None
    calibration: tuple[Level, ...] = ()

    @property
    def name(self) -> str:
        """There is one definition."""
        return "definition"

    @property
    def taxonomy(self) -> str:
        """The trait's categories and coordinates, in words."""
        place = self.definition.taxonomy
        axes = (place.direction, f"target {place.target}", place.temporal, place.valence, place.epistemic)
        return " · ".join((", ".join(place.categories), *axes))

    @property
    def setup(self) -> str:
        """What scenarios are made of, as it follows from the taxonomy."""
        rule = self.definition.taxonomy.setup_rule
        return f"{rule.value}: {SETUPS[rule]}"


class BatchLine(BaseModel):
    """The last line of a review: what to do with the whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: str
    """The review's key: the round's number for a batch."""
    digest: str = ""
    """Digest of all lines together, as the checkpoint holds it; a last line written by hand may leave it out."""
    action: Action | None = None
    reason: str = ""

    @field_validator("batch", mode="before")
    @classmethod
    def _number_as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value


class Review(BaseModel):
    """A review, decided or not."""

    model_config = ConfigDict(frozen=True)

    lines: tuple[PairLine | DefinitionLine, ...]
    batch: BatchLine

    @property
    def id(self) -> ReviewId:
        """Which review this is."""
        return ReviewId.parse(self.batch.batch)

    @property
    def digest(self) -> str:
        """Digest of everything the reviewer is shown."""
        return _sha256("".join(line.digest for line in self.lines))

    @property
    def pairs(self) -> tuple[PairLine, ...]:
        """The lines about pairs."""
        return tuple(line for line in self.lines if isinstance(line, PairLine))

    def undecided(self) -> list[str]:
        """Names of lines without a decision; an action that ends or redoes the whole stands for all."""
        if self.batch.action is not None and self.batch.action not in CONTINUING:
            return []
        return [line.name for line in self.lines if line.decision is None]

    @property
    def handed_in(self) -> bool:
        """Whether it is closed: by a word on the whole, or because no person decided anything in it.

        Whoever decides line by line may look back at the end; a review file without a word on the whole goes on.
        """
        return self.batch.action is not None or not any(line.by in PEOPLE for line in self.lines if line.decision)

    def line(self, name: str) -> PairLine | DefinitionLine:
        """The line of that name; KeyError where there is none."""
        found = next((line for line in self.lines if line.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def ordered_as(self, shown: "Review") -> "Review":
        """The review with its lines in the order in which they were shown; both must have the same."""
        found = {line.name: line for line in self.lines}
        return self.model_copy(update={"lines": tuple(found[line.name] for line in shown.lines)})

    def with_line(self, line: PairLine | DefinitionLine) -> "Review":
        """The review with one line replaced."""
        lines = tuple(line if old.name == line.name else old for old in self.lines)
        return self.model_copy(update={"lines": lines})

    def with_action(self, action: Action | None, reason: str = "") -> "Review":
        """The review with a decision on the whole."""
        return self.model_copy(update={"batch": self.batch.model_copy(update={"action": action, "reason": reason})})


def sealed(line: LineT) -> LineT:
    """A line with the digest of all that it shows."""
    shown = line.model_dump_json(exclude=set(ANSWER), by_alias=True)
    return line.model_copy(update={"digest": _sha256(shown)[:16]})


def restored(line: PairLine | DefinitionLine, seen: PairLine | DefinitionLine) -> PairLine | DefinitionLine:
    """The line with the texts that were laid out: a decision other than an edit is about those."""
    if isinstance(line, PairLine) and isinstance(seen, PairLine):
        return line.model_copy(update={"positive": seen.positive, "negative": seen.negative})
    if isinstance(line, DefinitionLine) and isinstance(seen, DefinitionLine):
        return line.model_copy(update={"definition": seen.definition})
    return line


def decide_as_proposed(review: Review, shown: Review, names: Container[str] | None = None) -> Review:
    """The review with every undecided line (of these names) decided as the rules propose, with the texts laid out."""
    lines = tuple(
        proposed(shown.line(line.name)) if line.decision is None and (names is None or line.name in names) else line
        for line in review.lines
    )
    return review.model_copy(update={"lines": lines})


def proposed(line: PairLine | DefinitionLine) -> PairLine | DefinitionLine:
    """The line decided as the rules propose: a pair that failed its test is cut, all else approved."""
    if isinstance(line, PairLine) and line.tested is not None and not line.tested.stands:
        reason = line.tested.failure or "it failed its test"
        return line.model_copy(update={"decision": "reject", "reason": reason, "by": "all"})
    return line.model_copy(update={"decision": "approve", "by": "all"})


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
