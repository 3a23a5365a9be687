import math
from collections.abc import Sequence

import pytest
import torch

from extract.models import LoadedModel
from lm.verdicts import Score, Unscored
from steer.intervention import steered
from steer.operators import ALL, GENERATED, Push, When
from steer.scoring import Answer, Marks, Question
from steer.side_effects import Aside, perplexity, repetition, side_effects
from steer.trials import Trial
from tests.steer.made_up_directions import make_direction

TEXTS = ["Is it safe?", "The car is fine, he said", "x"]


def by_hand(model: LoadedModel, texts: list[str]) -> float:
    """Token by token, text by text."""
    losses = []
    for text in texts:
        ids = model.encode(text)
        with torch.no_grad():
            chances = model.model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(dim=-1)
        losses += [-float(chances[place, token]) for place, token in enumerate(ids[1:])]
    return math.exp(sum(losses) / len(losses))


def test_perplexity(family: LoadedModel) -> None:
    assert perplexity(family, TEXTS) == pytest.approx(by_hand(family, TEXTS), rel=1e-4)
    assert perplexity(family, TEXTS, token_budget=8) == pytest.approx(by_hand(family, TEXTS), rel=1e-4)
    assert perplexity(family, []) is None


@pytest.mark.parametrize("push", [
    Push(make_direction(), norms=1.5, tokens=GENERATED),
    Push(make_direction(), norms=1.5, when=When(make_direction(), absolute=-99.0, hold=True)),
])  # fmt: skip
def test_pushes_touch_every_token_of_a_given_text(llama: LoadedModel, push: Push) -> None:
    with steered(llama, Push(make_direction(), norms=1.5, tokens=ALL)):
        expected = by_hand(llama, TEXTS)
    assert perplexity(llama, TEXTS, [push]) == pytest.approx(expected, rel=1e-4)
    assert expected != pytest.approx(by_hand(llama, TEXTS), rel=1e-2)


@pytest.mark.parametrize(
    ("answers", "share"),
    [
        ([], 0),
        (["a b"], 0),
        (["a b c a b c a b c"], 4 / 7),
        (["A b c", "a B c a b c"], 1 / 8),
        (["so so so so"], 1 / 2),
    ],
)
def test_repetition(answers: list[str], share: float) -> None:
    assert repetition(answers) == pytest.approx(share)


def trial(*answers: str) -> Trial:
    questions = tuple(Question(text=f"Be calm. {n}?", natural=f"{n}?") for n, _ in enumerate(answers))
    unmarked = Marks(trait=Unscored(reason="not asked"), coherence=Unscored(reason="not asked"))
    return Trial(questions=questions, answers=answers, marks=(unmarked,) * len(answers), min_scored=0.5)


async def test_all_at_once(llama: LoadedModel) -> None:
    """Another trait's scorer is given the very same answers, in one go."""

    async def count_words(answers: Sequence[Answer]) -> list[Marks]:
        assert [answer.question for answer in answers] == ["0?", "1?", "2?"] * 2
        counts = [Score(value=len(answer.text.split()), mass=1, entropy=0) for answer in answers]
        return [Marks(trait=count if count.value < 7 else Unscored(reason="long"), coherence=count) for count in counts]

    before, after = trial("a b c a b c", "x", "I cannot say"), trial("I cannot", "x y", "z " * 8)
    aside = Aside(TEXTS, lambda text: "cannot" in text, {"length": count_words})
    found = await side_effects(llama, [Push(make_direction(), norms=0.0)], before, after, aside)
    assert found.perplexity_after == found.perplexity_before
    assert (found.repetition_before, found.n_texts) == (1 / 4 / 3, 3)
    assert found.refusals_before == found.refusals_after == 1 / 3
    [other] = found.other_scores
    assert (other.trait, other.before, other.after, other.delta, other.n) == ("length", 10 / 3, 2, -1.5, 2)


async def test_what_was_not_asked_for_is_missing(llama: LoadedModel) -> None:
    found = await side_effects(llama, [], trial("a"), trial("b"), Aside())
    assert (found.perplexity_before, found.refusals_before, found.other_scores) == (None, None, ())
