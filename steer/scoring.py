"""What is asked of the steered model, and how its answers are marked; the marks come from the caller's judge."""

from collections.abc import Awaitable, Callable, Sequence

from extract.dataset import Steering
from lm.judge import Judge, JudgeItem
from lm.types import Message, Prompt, Value
from lm.verdicts import Rubric, Verdict


class Question(Value):
    """A steering question: the text that is asked, and its natural part that the judge sees."""

    text: str
    natural: str
    """Without the behavioural prefix."""

    def prompt(self, *, chat: bool, natural: bool = False, instruction: str = "") -> Prompt:
        """What the model is given: a user turn, or for a model without chat template the plain text.

        An instruction stands in front of the question, in the same turn.
        """
        asked = self.natural if natural else self.text
        text = f"{instruction}\n\n{asked}" if instruction else asked
        return (Message(role="user", content=text),) if chat else text


class Answer(Value):
    """An answer as the judge sees it."""

    question: str
    """The natural question."""
    text: str


class Marks(Value):
    """Verdicts on one answer; either may be unscored, which never counts as a number."""

    trait: Verdict
    coherence: Verdict


Scorer = Callable[[Sequence[Answer]], Awaitable[Sequence[Marks]]]
"""Marks answers, one mark each and in order; raises ModelFailure where the judge cannot be reached."""


def questions_of(steering: Steering) -> list[Question]:
    """The questions of a dataset, each with its natural part."""
    return [Question(text=text, natural=_without_prefix(text, steering.prefix)) for text in steering.questions]


def judged(judge: Judge, rubric: Rubric, label: str) -> Scorer:
    """A scorer that asks a judge for trait and coherence, given the natural question."""

    async def score(answers: Sequence[Answer]) -> Sequence[Marks]:
        items = [JudgeItem(situation=answer.question, text=answer.text) for answer in answers]
        verdicts = await judge.score_answers(rubric, label, items)
        return [Marks(trait=trait, coherence=coherence) for trait, coherence in verdicts]

    return score


def _without_prefix(text: str, prefix: str) -> str:
    bare = prefix.strip().rstrip(".")
    return text.removeprefix(bare).lstrip(" .\n") or text if bare else text
