"""What a judge is given (a rubric) and what it returns (a score, or the reason why there is none)."""

from typing import Literal

from pydantic import Field, field_serializer

from lm.types import Value


class Rubric(Value):
    """The scoring guide of a trait: what HIGH (70-100) and LOW (0-40) texts look like, and the key distinction."""

    high: str
    low: str
    key: str

    def as_text(self) -> str:
        """The text of definition.txt."""
        return f"HIGH (70-100): {self.high}\n\nLOW (0-40): {self.low}\n\nKey: {self.key}\n"


Backend = Literal["probabilities", "top probabilities", "samples"]
"""Where a score comes from: every label's probability, those among the likeliest tokens, or repeated answers."""


LEAST_SHARE = 0.001
"""Labels with a smaller share of a distribution are left out where it is written down."""


class JudgeIdentity(Value):
    """What a verdict depends on besides the text and its rubric: judges of one identity give the same verdicts."""

    model: str
    """The model's reference."""
    revision: str | None = None
    """What its endpoint says it serves, beyond the name; None where it does not say."""
    prompt: str
    """Beginning of the prompt's SHA-256; after a '+' that of the prompt for a scale other than 0-100."""
    scale: str
    """Lowest and highest label: '0-100', '0-9' or 'A-J'."""


class Score(Value):
    """A judge's verdict: the expected label under its answer distribution."""

    kind: Literal["score"] = "score"
    value: float
    """Expected label, 0-100, renormalised over the labels."""
    mass: float
    """Share of the answer's probability that lies on labels at all."""
    entropy: float
    """Entropy of the renormalised label distribution, in bits."""
    backend: Backend = "probabilities"
    distribution: dict[str, float] = Field(default_factory=dict)
    """Share of each label, renormalised over the scale; written down rounded, without labels below LEAST_SHARE."""
    judge: JudgeIdentity | None = None
    """Who judged; None in records from before judges said so."""

    @field_serializer("distribution")
    def _notable(self, shares: dict[str, float]) -> dict[str, float]:
        return {label: round(share, 4) for label, share in shares.items() if share >= LEAST_SHARE}


class Unscored(Value):
    """No verdict; counted and shown, never turned into a number."""

    kind: Literal["unscored"] = "unscored"
    reason: str


Verdict = Score | Unscored
