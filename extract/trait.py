"""The data model: a trait with its place in the taxonomy, and a matched pair of scenarios."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from lm.types import Value
from lm.verdicts import Rubric, Verdict

Side = Literal["positive", "negative"]
SIDES: tuple[Side, Side] = ("positive", "negative")
OTHER: dict[Side, Side] = {"positive": "negative", "negative": "positive"}
"""The side across."""

LockIn = Literal["speech", "mid_claim", "action", "thought", "physical", "written", "deflection", "other"]
LOCK_INS: tuple[LockIn, ...] = ("speech", "mid_claim", "action", "thought", "physical", "written", "deflection")


class SetupRule(StrEnum):
    """Which parts a scenario needs, by the trait's place in the taxonomy (METHOD, section 1)."""

    MOTIVATED = "motivated"
    """Social and negative, first person: ground truth, explicit motivation, lock-in."""
    DENIED = "denied"
    """Social and negative, third person: neutral setup and a plausible denial, never the stated guilt."""
    OBSERVED = "observed"
    """Third person otherwise: scene, character acting, start of the description."""
    MARKED = "marked"
    """Everything else: context, trait marker, start of the expression."""


class Taxonomy(Value):
    """Where a trait stands: the categories that hold it, and its coordinates on five axes."""

    categories: tuple[
        Literal["cognitive", "conative", "affective", "perceptual", "social", "metacognitive", "modal"], ...
    ] = Field(min_length=1)
    direction: Literal["expressed", "observed"] = Field(description="done in first person, or told of someone else")
    target: Literal["self", "other", "content"] = Field(description="what it is about")
    temporal: Literal["hum", "chirp"] = Field(description="a lasting state, or a single moment of decision")
    valence: Literal["positive", "negative", "neutral"] = Field(description="how it is felt or judged")
    epistemic: Literal["certain", "uncertain"] = Field(description="how sure of the matter whoever shows it is")

    @property
    def setup_rule(self) -> SetupRule:
        """The setup rule that follows from the coordinates."""
        loaded = self.valence == "negative" and bool({"social", "metacognitive"} & set(self.categories))
        if self.direction == "observed":
            return SetupRule.DENIED if loaded else SetupRule.OBSERVED
        return SetupRule.MOTIVATED if loaded else SetupRule.MARKED


class Trait(Value):
    """A behaviour: what it is, is not and does not depend on; its rubric; its neighbours."""

    category: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    is_: str
    is_not: str
    orthogonal: str
    taxonomy: Taxonomy
    rubric: Rubric
    neighbours: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """`category/name`, the trait's address everywhere."""
        return f"{self.category}/{self.name}"

    @property
    def label(self) -> str:
        """The name as words, for prompts and reports."""
        return self.name.replace("_", " ")


class Prediction(Value):
    """What the author expected of one side before it was run."""

    completion: str
    probability: float = Field(ge=0, le=1)
    """Probability that the completion shows what this side is meant to show."""
    express: bool
    """Whether the first tokens are expected to be the behaviour itself."""


class Sample(Value):
    """One completion of a scenario by the subject, with the ids that were generated."""

    text: str
    token_ids: tuple[int, ...] = ()
    opening: str = ""
    """Text of its first five tokens: what the first-token test looks at."""
    verdict: Verdict | None = None


class FirstToken(Value):
    """The first-token verdict of a pair, with the signals it rests on."""

    verdict: Literal["EXPRESS", "EXPLAIN", "UNCLEAR"]
    reasons: tuple[str, ...]
    divergence: float | None = None
    """Jensen-Shannon divergence between the two sides' next-token distributions, in bits."""


class Pair(Value):
    """A positive and a negative scenario with the same ground truth, and all that is known about them."""

    id: str
    ground_truth: str
    positive: str
    negative: str
    lock_in: LockIn
    domain: str = ""
    stakes: str = ""
    audience: str = ""
    motivation: dict[Side, str] = Field(default_factory=dict)
    """The motivation span of each scenario, where it is known; masked by the surface-confound lint."""
    predicted: dict[Side, Prediction] = Field(default_factory=dict)
    completions: dict[Side, tuple[Sample, ...]] = Field(default_factory=dict)
    scores: dict[Side, float | None] = Field(default_factory=dict)
    """Mean of the scored samples per side; None where no sample could be scored."""
    first_token: FirstToken | None = None
    author: str = ""
    judge: str = ""
    round: int = 0

    def scenario(self, side: Side) -> str:
        """The text of one side."""
        return self.positive if side == "positive" else self.negative
