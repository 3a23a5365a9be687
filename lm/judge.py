"""The judge: scores texts against a rubric, from the probabilities of its answer tokens.

One forward pass a text and no sampling: the answer is the expected label of the scale 0-100, or *unscored*. A model
whose numbers are several tokens answers on a coarser scale; one that tells no probabilities is asked several times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lm.errors import CapabilityError
from lm.rendering import render_chat
from lm.scoring import expected_score, is_full, on_full_scale, sampled_score
from lm.types import Capabilities, Message, Model, NextTokenRequest, Request, Sampling, Value
from lm.verdicts import Backend, Rubric, Unscored, Verdict
from prompts import load_prompt

_PROMPTS = ("judge_trait", "judge_coherence", "judge_committed", "judge_scale")
SAMPLES = 5
"""Answers to a text of a judge that tells no probabilities."""
_SAMPLE_TOKENS = 8


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
    backend: Backend = "probabilities"


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
            scale=(can.scale[0], can.scale[-1]) if can.scale else ("0", "100"),
            min_mass=self.min_mass,
            backend=backend_of(can),
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
        chats = [self._chat(can, prompt, values[index]) for index in asked]
        found = await (self._read_probabilities(can, chats) if can.scale else self._sample(chats))
        verdicts: list[Verdict] = [Unscored(reason="the text is empty") for _ in values]
        for index, verdict in zip(asked, found, strict=True):
            verdicts[index] = verdict
        return verdicts

    def _chat(self, can: Capabilities, prompt: str, values: Mapping[str, object]) -> tuple[Message, ...]:
        """What the judge is shown; on a scale other than 0-100 its system text ends with how to answer."""
        room = 1 if can.scale else _SAMPLE_TOKENS
        if not can.scale or is_full(can.scale):
            return render_chat(self.model, can, prompt, values, room)
        how = load_prompt("judge_scale").render({"labels": ", ".join(can.scale)}).user
        system, *turns = render_chat(self.model, can, prompt, values, room + self.model.count_tokens(how))
        return (Message(role="system", content=f"{system.content}\n\n{how}"), *turns)

    async def _read_probabilities(self, can: Capabilities, chats: Sequence[tuple[Message, ...]]) -> list[Verdict]:
        answers = await self.model.next_tokens([NextTokenRequest(prompt=chat, labels=can.scale) for chat in chats])
        return [
            expected_score(
                answer.labels if is_full(can.scale) else on_full_scale(answer.labels, can.scale),
                self.min_mass,
                backend_of(can),
            )
            for answer in answers
        ]

    async def _sample(self, chats: Sequence[tuple[Message, ...]]) -> list[Verdict]:
        requests = [
            Request(prompt=chat, sampling=Sampling(max_tokens=_SAMPLE_TOKENS, seed=seed))
            for chat in chats
            for seed in range(SAMPLES)
        ]
        texts = [answer.text for answer in await self.model.complete(requests)]
        return [sampled_score(texts[start : start + SAMPLES], self.min_mass) for start in range(0, len(texts), SAMPLES)]

    async def _able(self) -> Capabilities:
        can = await self.model.capabilities()
        if not can_judge(can):
            raise CapabilityError(
                f"{self.model.reference!r} cannot judge: the labels 0-100 are not single tokens in its vocabulary."
            )
        return can


def can_judge(can: Capabilities) -> bool:
    """Whether scores can be had: by the probabilities of labels, or by asking again and again."""
    return bool(can.scale) or can.probabilities == "none"


def backend_of(can: Capabilities) -> Backend:
    """Where the scores of such a model come from."""
    if can.probabilities == "none":
        return "samples"
    return "probabilities" if can.probabilities == "all" else "top probabilities"


def _guide(rubric: Rubric, label: str) -> dict[str, object]:
    return {"trait": label, "high": rubric.high, "low": rubric.low, "key": rubric.key}
