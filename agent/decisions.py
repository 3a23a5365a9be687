"""One schema per answer of the author. Field order is the order in which the author writes.

A schema is what structured decoding enforces and what every answer is validated against; `extra` is forbidden.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from extract.trait import Taxonomy
from lm.verdicts import Rubric

Line = Annotated[str, StringConstraints(min_length=1, max_length=600, pattern=r"^[^\n\r\x00-\x1f]+$")]
"""A single line of text. What else a line must not hold is for lints and quoting; patterns must suit every grammar."""


class Decision(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TraitDefinition(Decision):
    """Answer to `define_trait`."""

    is_: Line = Field(alias="is")
    is_not: Line
    orthogonal: Line
    taxonomy: Taxonomy
    rubric: Rubric
    neighbours: list[Line] = Field(max_length=4)
    """Near traits, each with how it differs."""


class RubricRevision(Decision):
    """Answer to `revise_rubric`."""

    rubric: Rubric


class CalibrationText(Decision):
    """Answer to `write_calibration_text`: a situation, and a text that shows the trait at the level asked for.

    The level is said again right before the text, so that it is written with the level in mind.
    """

    situation: Line
    level: int = Field(ge=0, le=100)
    text: Line


class PairDraft(Decision):
    """Answer to `draft_pair` and `redraft_pair`: the parts of two scenarios that share their ground truth.

    A scenario reads ground_truth + motivation + lock_in; joined by a space unless the next part starts with a comma.
    """

    ground_truth: Line
    positive_motivation: Line
    positive_lock_in: Line
    negative_motivation: Line
    negative_lock_in: Line


class CompletionPrediction(Decision):
    """Answer to `predict_completion`; `percent` is the chance that the side shows what it is meant to show."""

    completion: Line
    percent: int = Field(ge=0, le=100)
    express: bool


class Lesson(Decision):
    """Answer to `write_lesson`."""

    lesson: Line


class PrefixDraft(Decision):
    """Answer to `write_prefix`: an instruction of under ten words that pulls to the LOW end."""

    prefix: Line


class QuestionDraft(Decision):
    """Answer to `write_question`: one natural question for the assistant, without the prefix."""

    question: Line


Kind = Literal["choose", "confirm"]
"""Half of the steering questions let the assistant choose what to say; half ask it to confirm something."""
