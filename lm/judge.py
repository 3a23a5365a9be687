"""The judge: scores texts against a rubric, from the probabilities of its answer tokens.

One forward pass a text and no sampling: the answer is the expected label of the scale 0-100, or *unscored*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lm.errors import CapabilityError
from lm.rendering import render_chat
from lm.scoring import expected_score
from lm.types import Capabilities, Model, NextTokenRequest, Value
from lm.verdicts import Rubric, Unscored, Verdict
from prompts import load_prompt

_PROMPTS = ("judge_trait", "judge_coherence", "judge_committed")


@dataclass(frozen=True)
class JudgeItem:
    """A text to score, and the situation its speaker is in (None: the text alone)."""

    situation: str | None
    text: str


class JudgeIdentity(Value):
    """What a verdict depends on besides the text: two judges of the same identity give the same verdicts."""

    model: str
    prompts: dict[str, str]
    """Digest by prompt name."""
    scale: tuple[str, str]
    """Lowest and highest label."""
    min_mass: float


class Judge:
    """Scores on a model; `min_mass` is the least share of probability that must lie on the scale's labels."""

    def __init__(self, model: Model, *, min_mass: float = 0.25) -> None:
        self.model = model
        self.min_mass = min_mass

    async def identity(self) -> JudgeIdentity:
        """For records; CapabilityError when the model cannot judge."""
        can = await self._able()
        return JudgeIdentity(
            model=self.model.reference,
            prompts={name: load_prompt(name).digest for name in _PROMPTS},
            scale=(can.scale[0], can.scale[-1]),
            min_mass=self.min_mass,
        )

    async def score_trait(self, rubric: Rubric, label: str, items: Sequence[JudgeItem]) -> list[Verdict]:
        """How strongly each text shows the trait called `label`, 0-100, given its situation."""
        guide = _guide(rubric, label)
        values = [{**guide, "situation": item.situation, "text": item.text} for item in items]
        return await self._score("judge_trait", "text", values)

    async def score_coherence(self, items: Sequence[tuple[str | None, str]]) -> list[Verdict]:
        """How coherent each (question or None, text) is, 0-100."""
        values = [{"question": question, "text": text} for question, text in items]
        return await self._score("judge_coherence", "text", values)

    async def score_committed(self, rubric: Rubric, label: str, scenarios: Sequence[str]) -> list[Verdict]:
        """Whether the act has already been performed in each scenario, 0-100."""
        guide = _guide(rubric, label)
        return await self._score("judge_committed", "scenario", [{**guide, "scenario": text} for text in scenarios])

    async def _score(self, prompt: str, text_key: str, values: Sequence[Mapping[str, object]]) -> list[Verdict]:
        """One verdict per values; a blank text is not shown to the model and stays unscored."""
        can = await self._able()
        asked = [index for index, item in enumerate(values) if str(item[text_key]).strip()]
        requests = [
            NextTokenRequest(prompt=render_chat(self.model, can, prompt, values[index], 1), labels=can.scale)
            for index in asked
        ]
        verdicts: list[Verdict] = [Unscored(reason="the text is empty") for _ in values]
        for index, answer in zip(asked, await self.model.next_tokens(requests), strict=True):
            verdicts[index] = expected_score(answer.labels, self.min_mass)
        return verdicts

    async def _able(self) -> Capabilities:
        can = await self.model.capabilities()
        if not can.scale:
            raise CapabilityError(
                f"{self.model.reference!r} cannot judge: the labels 0-100 are not single tokens in its vocabulary."
            )
        return can


def _guide(rubric: Rubric, label: str) -> dict[str, object]:
    return {"trait": label, "high": rubric.high, "low": rubric.low, "key": rubric.key}
