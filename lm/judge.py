"""The judge: scores texts against a rubric, from the probabilities of its answer tokens.

One forward pass a text and no sampling: the answer is the expected label of the scale 0-100, or *unscored*. A model
whose numbers are several tokens answers on a coarser scale; one that tells no probabilities is asked several times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lm.errors import CapabilityError, ContextTooSmall
from lm.rendering import check_room, render_chat
from lm.scales import NUMBERS, how_to_answer, name_of, points_of, prompt_of
from lm.scoring import expected_score, sampled_score
from lm.types import Capabilities, Message, Model, NextTokenRequest, Request, Sampling
from lm.verdicts import Backend, JudgeIdentity, Rubric, Unscored, Verdict
from prompts import load_prompt

SAMPLES = 5
"""Answers to a text of a judge that tells no probabilities."""
_SAMPLE_TOKENS = 8
_DIGEST = 12
"""Characters of a prompt's digest in a judge's identity."""


@dataclass(frozen=True)
class JudgeItem:
    """A text to score, and the situation its speaker is in (None: the text alone)."""

    situation: str | None
    text: str


@dataclass(frozen=True)
class _Question:
    """One text as one of the judge's prompts asks about it."""

    prompt: str
    text: str
    own: Mapping[str, str | None]
    """What the prompt shows of the text and its situation."""
    guide: Mapping[str, str]
    """What it shows for every text of a rubric."""

    @property
    def values(self) -> dict[str, object]:
        """All that the prompt shows."""
        return {**self.guide, **self.own}


class Judge:
    """Scores on a model; `min_mass` is the least share of probability that must lie on the scale's labels."""

    def __init__(self, model: Model, *, min_mass: float = 0.25) -> None:
        self.model = model
        self.min_mass = min_mass

    async def identity(self, prompt: str = "judge_trait") -> JudgeIdentity:
        """Who judges when this prompt is used; CapabilityError when the model cannot judge."""
        return self._identity(await self._able(), prompt)

    async def score_trait(self, rubric: Rubric, label: str, items: Sequence[JudgeItem]) -> list[Verdict]:
        """How strongly each text shows the trait called `label`, 0-100, given its situation."""
        return await self._score([_about_trait(rubric, label, item) for item in items])

    async def score_answers(
        self, rubric: Rubric, label: str, items: Sequence[JudgeItem]
    ) -> list[tuple[Verdict, Verdict]]:
        """Trait and coherence of each text, all asked at once; a text's situation is the question it answers."""
        traits = [_about_trait(rubric, label, item) for item in items]
        verdicts = await self._score([*traits, *(_about_coherence(item.situation, item.text) for item in items)])
        return list(zip(verdicts[: len(items)], verdicts[len(items) :], strict=True))

    async def score_committed(self, rubric: Rubric, label: str, scenarios: Sequence[str]) -> list[Verdict]:
        """Whether the act has already been performed in each scenario, 0-100."""
        guide = _guide(rubric, label)
        return await self._score([_Question("judge_committed", text, {"scenario": text}, guide) for text in scenarios])

    async def _score(self, questions: Sequence[_Question]) -> list[Verdict]:
        """One verdict per question; a text that cannot be shown to the model stays unscored."""
        can = await self._able()
        how = how_to_answer(can.scale or NUMBERS)
        shown = [self._shown(can, question, how) for question in questions]
        who = {name: self._identity(can, name) for name in {question.prompt for question in questions}}
        chats = [chat for chat in shown if not isinstance(chat, Unscored)]
        judges = [
            who[question.prompt]
            for question, chat in zip(questions, shown, strict=True)
            if not isinstance(chat, Unscored)
        ]
        found = iter(await (self._read_probabilities(can, chats, judges) if can.scale else self._sample(chats, judges)))
        return [chat if isinstance(chat, Unscored) else next(found) for chat in shown]

    def _shown(self, can: Capabilities, question: _Question, how: str) -> tuple[Message, ...] | Unscored:
        """What the judge is shown, or why nothing; on a scale other than 0-100 its system text ends with `how`.

        ContextTooSmall where the model cannot hold the rubric, whatever the text.
        """
        if not question.text.strip():
            return Unscored(reason="the text is empty")
        room = (1 if can.scale else _SAMPLE_TOKENS) + (self.model.count_tokens(how) if how else 0)
        try:
            chat = render_chat(self.model, can, question.prompt, question.values, room)
        except ContextTooSmall as error:
            check_room(self.model, can, question.prompt, question.values, question.own, room)
            return Unscored(reason=f"the text is too long for the judge: {error}")
        if not how:
            return chat
        system, *turns = chat
        return (Message(role="system", content=f"{system.content}\n\n{how}"), *turns)

    async def _read_probabilities(
        self, can: Capabilities, chats: Sequence[tuple[Message, ...]], judges: Sequence[JudgeIdentity]
    ) -> list[Verdict]:
        points, backend = points_of(can.scale), backend_of(can)
        answers = await self.model.next_tokens([NextTokenRequest(prompt=chat, labels=can.scale) for chat in chats])
        return [
            expected_score(answer.labels, self.min_mass, backend, points=points, judge=judge)
            for answer, judge in zip(answers, judges, strict=True)
        ]

    async def _sample(self, chats: Sequence[tuple[Message, ...]], judges: Sequence[JudgeIdentity]) -> list[Verdict]:
        requests = [
            Request(prompt=chat, sampling=Sampling(max_tokens=_SAMPLE_TOKENS, seed=seed))
            for chat in chats
            for seed in range(SAMPLES)
        ]
        texts = [one.answer for one in await self.model.complete(requests)]
        return [
            sampled_score(texts[place * SAMPLES : (place + 1) * SAMPLES], self.min_mass, judge)
            for place, judge in enumerate(judges)
        ]

    def _identity(self, can: Capabilities, prompt: str) -> JudgeIdentity:
        scale = can.scale or NUMBERS
        names = [name for name in (prompt, prompt_of(scale)) if name]
        return JudgeIdentity(
            model=self.model.reference,
            revision=can.served or None,
            prompt="+".join(load_prompt(name).digest[:_DIGEST] for name in names),
            scale=name_of(scale),
        )

    async def _able(self) -> Capabilities:
        can = await self.model.capabilities()
        if not can_judge(can):
            raise CapabilityError(
                f"{self.model.reference!r} cannot judge: neither the numbers 0-100, nor digits, nor letters are single "
                "tokens in its vocabulary. Name another judge."
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


def _about_trait(rubric: Rubric, label: str, item: JudgeItem) -> _Question:
    own = {"situation": item.situation, "text": item.text}
    return _Question("judge_trait", item.text, own, _guide(rubric, label))


def _about_coherence(question: str | None, text: str) -> _Question:
    return _Question("judge_coherence", text, {"question": question, "text": text}, {})


def _guide(rubric: Rubric, label: str) -> dict[str, str]:
    return {"trait": label, "high": rubric.high, "low": rubric.low, "key": rubric.key}
