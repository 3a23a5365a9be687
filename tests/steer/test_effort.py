"""The number of answers that an evaluation has marked, said beforehand and counted."""

from collections.abc import Callable, Sequence

import pytest

from extract.models import LoadedModel
from lm.verdicts import Score
from steer.effort import answers_needed
from steer.evaluation import EvaluationSettings, evaluate
from steer.scoring import Answer, Marks, Question
from steer.strengths import SearchRule
from tests.steer.made_up_directions import LAYERS, make_direction, make_directions

QUESTIONS = [Question(text=f"Be calm. Is part {n} fine?", natural=f"Is part {n} fine?") for n in range(5)]


async def count(model: LoadedModel, settings: EvaluationSettings, coherence: Callable[[str], float]) -> int:
    """Answers marked in one evaluation."""
    marked = 0

    async def score(answers: Sequence[Answer]) -> list[Marks]:
        nonlocal marked
        marked += len(answers)
        trait = Score(value=50, mass=1, entropy=0)
        return [
            Marks(trait=trait, coherence=Score(value=coherence(answer.text), mass=1, entropy=0)) for answer in answers
        ]

    directions = make_directions(make_direction().vector.repeat(LAYERS, 1), 1.0)
    await evaluate(model, directions, QUESTIONS, score, settings=settings)
    return marked


@pytest.mark.parametrize(("highest", "samples"), [(0.7, 1), (1.0, 3), (2.0, 1)])
async def test_it_lies_between_what_is_said(llama: LoadedModel, highest: float, samples: int):
    rule = SearchRule(highest=highest)
    settings = EvaluationSettings(rule=rule, max_tokens=2, random_seeds=(1, 2), samples=samples)
    fewest, most = answers_needed(LAYERS, len(QUESTIONS), settings)
    assert await count(llama, settings, lambda text: 100.0) == fewest
    for coherence in (lambda text: 0.0, lambda text: 100.0 * (len(text) % 2)):
        assert await count(llama, settings, coherence) <= most
