"""What the journal holds: one frozen type per kind of record."""

from typing import Literal

from pydantic import Field

from agent.spec import Definition
from extract.lint.findings import Finding
from extract.lint.pairs import PairTerms
from extract.trait import FirstToken, Pair, Prediction, Sample, Side, Trait
from lm.types import Value
from steer.report import SteeringReport

Record = Value

DecidedBy = Literal["person", "all", "policy", "timeout", "none"]
"""Who decided: a person about this very line, a person about all that remained, a rule, a timeout, or nobody."""


class Cell(Value):
    """One cell of the coverage grid: what a draft request asks for."""

    lock_in: str
    domain: str
    stakes: str
    audience: str


class TraitRecord(Value):
    """The trait as defined; key 'trait', 'trait@attempt' once a reviewer had it defined anew. The last one counts."""

    trait: Trait


class CalibrationRow(Value):
    """One text written at a known level, and what the judge said of it."""

    level: int
    situation: str
    text: str
    score: float | None


class Calibration(Value):
    """One try at a rubric; key: the try's number."""

    rubric_key: str
    rows: tuple[CalibrationRow, ...]
    spearman: float | None
    """Rank agreement of scores and levels; None when too few texts were written or scored."""
    passed: bool


class Draft(Value):
    """One pair as the author wrote it; key: pair id."""

    pair: Pair
    cell: Cell
    mends: str | None = None
    """The failed pair that this one redrafts."""
    starter: bool = False
    """A person wrote it beforehand (`starters` of the spec)."""


class DraftFailure(Value):
    """A request for a pair that brought no usable answer; key: the pair id it would have had."""

    cell: Cell
    reason: str


class LintRecord(Value):
    """What the lints say of one pair; key: pair id, and `edited_key` of it once a reviewer edited the pair."""

    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        """An error keeps the pair from every model."""
        return any(finding.severity == "error" for finding in self.findings)


class PredictionRecord(Value):
    """What the author expects of both sides; a side without a usable answer is absent. Key: pair id."""

    predictions: dict[Side, Prediction]


class DefinitionDecision(Value):
    """What the reviewer decided about the trait's definition; key: which attempt at it."""

    decision: Literal["approve", "edit", "redraft"]
    reason: str = ""
    definition: Definition | None = None
    """The definition in the reviewer's words, where it was edited."""
    by: DecidedBy


class PairDecision(Value):
    """What the reviewer decided about one pair before it was run; key: pair id, 'pair id@round' once deferred."""

    decision: Literal["approve", "edit", "reject", "redraft", "defer"]
    reason: str = ""
    positive: str | None = None
    negative: str | None = None
    by: DecidedBy


class ResultDecision(Value):
    """What the reviewer decided about one pair after its test: does it do what it should? Key: pair id."""

    decision: Literal["approve", "reject", "redraft"]
    reason: str = ""
    by: DecidedBy


class FinalDecision(ResultDecision):
    """The same about a pair of the finished dataset; key: 'pair id@test number'."""


class ReviewAsked(Value):
    """A review was laid out for a person; key: the review's."""

    since: str
    """When, in UTC."""


class ReviewNotice(Value):
    """A person was told that a review waits; key: the review's."""

    fault: str | None
    """Why the message did not go out."""


class BatchDecision(Value):
    """What the reviewer decided about a review as a whole; key: the review's, which for a batch is its round."""

    action: Literal["continue", "redraft", "scale", "stop"]


class Trial(Value):
    """A pair run on the subject and judged; key: pair id."""

    samples: dict[Side, tuple[Sample, ...]]
    scores: dict[Side, float | None]
    """Mean of the scored samples; None when no sample of the side could be scored."""
    unscored: int
    passed: bool


class FreshTrial(Trial):
    """A later test of an accepted pair with sample seeds not used before; key: 'pair id@test number'."""


class FirstTokenRecord(Value):
    """The first-token verdict of one pair; key: pair id."""

    result: FirstToken
    committed: dict[Side, float | None]
    """How far the judge sees the act already performed in the scenario."""
    deleted: dict[Side, float | None]
    """Mean score after the first tokens of each completion were removed."""
    entropy: dict[Side, float]
    """Entropy of the next token, in bits: low is a strong lock-in."""
    openings: dict[Side, tuple[str, ...]]
    """The likeliest first tokens."""
    surprise: dict[Side, float | None] = Field(default_factory=dict)
    """Bits of the subject's surprise at the first word that was predicted; None where it was not among its likeliest
    tokens. Sides without a prediction are absent."""


class Failure(Value):
    """Why one pair failed; key: pair id."""

    failure: str
    side: Side | None
    evidence: str


class LessonRecord(Value):
    """What was learned of a failure class at one kind of ending in one round; key: 'round/class/lock-in'."""

    failure: str
    lesson: str
    lock_in: str = ""
    """The cells it was learned in, by their lock-in type; empty for all."""


class Outcome(Value):
    """Whether a pair stands; key 'pair id' after its round, 'pair id@test' when a fresh test removed it."""

    accepted: bool
    reason: str


class RoundRecord(Value):
    """How one round went; key: round number."""

    drafted: int
    passed: int
    unscored: int
    failures: dict[str, int]
    approach: str
    accepted_total: int
    findings: tuple[str, ...] = ()
    """What the lints say of all pairs that stand: too much of one lock-in type, domain or ending."""

    @property
    def yield_(self) -> float:
        """passed / drafted."""
        return self.passed / self.drafted if self.drafted else 0.0


class FreshTest(Value):
    """A fresh test of every accepted pair; key: test number."""

    round: int
    pairs: tuple[str, ...]
    passed: tuple[str, ...]
    express: tuple[str, ...]
    """Pairs whose first tokens are the behaviour itself."""
    unscored: int
    """Pairs with at least one sample that could not be scored."""


class Question(Value):
    """One steering question, with what the assistant scores on it unsteered."""

    text: str
    kind: Literal["choose", "confirm", "given"]
    """`given` for a question that was there before the run."""
    domain: str
    baseline: float | None


class Questions(Value):
    """The steering questions; key 'questions', or 'given' for those that were there before the run."""

    prefix: str
    questions: tuple[Question, ...]
    baseline: float | None
    candidates: dict[str, float | None]
    """Mean baseline of every prefix tried."""
    instructed: dict[str, float | None] = Field(default_factory=dict)
    """The same with a plain instruction to show the trait in front: whether the prefix still lets anything move."""
    dropped: int
    """Questions left out because they trigger the trait by themselves or could not be scored."""


class LayerFigure(Value):
    """How well one layer's direction separates held-out pairs."""

    layer: int
    auroc: float
    accuracy: float
    effect_size: float


class ExtractionRecord(Value):
    """Directions of one position and method; key: 'position/method'."""

    position: str
    method: str
    file: str
    """The vector file, relative to the run."""
    pairs_fitted: int
    pairs_held_out: int
    """0 where there are too few ground truths to hold any out; there are no figures then."""
    figures: tuple[LayerFigure, ...]
    best_layer: int | None
    best_auroc_ci95: tuple[float, float] | None


class SteeringRecord(Value):
    """What steering did, as `steer.evaluate` reports it; key 'steering'."""

    report: SteeringReport


class Ending(Value):
    """How the run ended; key 'ending'."""

    passed: bool
    gate: str | None
    """The gate that failed, or None."""
    message: str


RECORDS: dict[type, str] = {
    TraitRecord: "trait",
    Calibration: "calibration",
    Draft: "draft",
    DraftFailure: "draft_failure",
    PairTerms: "pair_terms",
    LintRecord: "lint",
    PredictionRecord: "prediction",
    DefinitionDecision: "definition_decision",
    PairDecision: "pair_decision",
    ResultDecision: "result_decision",
    FinalDecision: "final_decision",
    ReviewAsked: "review_asked",
    ReviewNotice: "review_notice",
    BatchDecision: "batch_decision",
    Trial: "trial",
    FreshTrial: "fresh_trial",
    FirstTokenRecord: "first_token",
    Failure: "failure",
    LessonRecord: "lesson",
    Outcome: "outcome",
    RoundRecord: "round",
    FreshTest: "fresh_test",
    Questions: "questions",
    ExtractionRecord: "extraction",
    SteeringRecord: "steering",
    Ending: "ending",
}
"""Record types and the names under which the journal keeps them. `PairTerms`, by round: what its pairs are held to."""


def edited_key(pair: str) -> str:
    """Key of a record about a pair as its reviewer edited it."""
    return f"{pair}@edited"
