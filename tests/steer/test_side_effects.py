import math

import pytest
import torch

from extract.models import LoadedModel
from steer.intervention import steered
from steer.operators import ALL, GENERATED, Push, When
from steer.side_effects import perplexity, repetition, side_effects
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


def test_both_at_once(llama: LoadedModel) -> None:
    found = side_effects(llama, [Push(make_direction(), norms=0.0)], TEXTS, ["a b c a b c"], ["a b c"])
    assert found.perplexity_after == found.perplexity_before
    assert (found.repetition_before, found.repetition_after, found.n_texts) == (1 / 4, 0, 3)
