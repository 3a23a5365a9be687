"""What a judge is given (a rubric) and what it returns (a score, or the reason why there is none)."""

from typing import Literal

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


class Unscored(Value):
    """No verdict; counted and shown, never turned into a number."""

    kind: Literal["unscored"] = "unscored"
    reason: str


Verdict = Score | Unscored
