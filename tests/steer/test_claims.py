"""How often something is claimed where nothing is, and how often intervals hold the truth: simulated with known truth.

The whole evaluation runs (search, choice, confirmation, random directions, verdict); only texts and marks are made up.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from extract.intervals import mean_interval
from extract.models import LoadedModel
from extract.vectors import Directions
from lm.types import Completion
from lm.verdicts import Score
from steer.chance import upper_bound
from steer.evaluation import EvaluationSettings, evaluate
from steer.generation import Row
from steer.report import SteeringReport
from steer.scoring import Answer, Marks, Question
from steer.strengths import SearchRule
from steer.wire import digest
from tests.steer.made_up_directions import LAYERS, make_directions

QUESTIONS = [Question(text=f"Be calm. {n}?", natural=f"{n}?") for n in range(20)]
SETTINGS = EvaluationSettings(rule=SearchRule(steps=2), doses=(0.0, 0.5))
NOISE = 12.0
"""Standard deviation of one answer's score round what the setting is worth to its question."""


class World:
    """Answers name what was done; the marks are drawn: question + what the push does + noise."""

    def __init__(self, seed: int, spread: float, effect: float = 0.0) -> None:
        self.seed, self.spread, self.effect = seed, spread, effect

    async def write(self, rows: Sequence[Row], max_tokens: int) -> list[Completion]:
        return [Completion(text=f"{self.push(row)} {digest(row.pushes)[:12]}", finish="stop") for row in rows]

    async def score(self, answers: Sequence[Answer]) -> list[Marks]:
        return [self.mark(answer) for answer in answers]

    def push(self, row: Row) -> float:
        """What the row's push is worth: its own draw for each direction, in proportion to the strength."""
        if not row.pushes:
            return 0.0
        [push] = row.pushes
        true = float(torch.equal(push.direction.vector, torch.eye(32)[push.layer]))
        drawn = self.draw(push.direction.vector.numpy().tobytes())
        return (self.spread * drawn + true * self.effect) * push.strength

    def mark(self, answer: Answer) -> Marks:
        worth = float(answer.text.split()[0])
        score = 30 + 8 * self.draw(answer.question) + worth + NOISE * self.draw(answer.question + answer.text)
        return Marks(trait=Score(value=score, mass=1, entropy=0), coherence=Score(value=90, mass=1, entropy=0))

    def draw(self, name: str | bytes) -> float:
        """A normal number that belongs to the name in this world."""
        told = name if isinstance(name, bytes) else name.encode()
        raw = hashlib.sha256(self.seed.to_bytes(4) + told).digest()
        first, second = (int.from_bytes(raw[start : start + 8]) / 2**64 for start in (0, 8))
        return float(np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * np.pi * second))


def axes() -> Directions:
    """One axis for each layer: the trait's directions."""
    return make_directions(torch.eye(32)[:LAYERS], 1.0)


async def search_in(world: World, model: LoadedModel, settings: EvaluationSettings = SETTINGS) -> SteeringReport:
    return await evaluate(model, axes(), QUESTIONS, world.score, settings=settings, writer=world)


async def share_claimed(model: LoadedModel, spread: float, searches: int, effect: float = 0.0) -> float:
    """Share of evaluations in worlds of their own that claim an effect; each draws random directions of its own."""
    claimed = 0
    for seed in range(searches):
        count = len(SETTINGS.random_seeds)
        settings = SETTINGS.model_copy(update={"random_seeds": tuple(range(10 * seed, 10 * seed + count))})
        claimed += (await search_in(World(seed, spread, effect), model, settings)).beyond_control
    return claimed / searches


async def test_a_strong_effect_is_claimed_and_the_choice_flatters_itself(llama: LoadedModel) -> None:
    """The naive figure is the best of many tries on the questions that chose it; confirmed, it is smaller."""
    assert await share_claimed(llama, 10.0, 10, effect=60.0) == 1
    flattery = []
    for seed in range(12):
        found = await search_in(World(seed, 0.0), llama)
        assert found.chosen is not None
        assert found.chosen_on is not None
        flattery.append(found.chosen_on.score - found.chosen.score)
    assert np.mean(flattery) > NOISE / np.sqrt(10) / 2


async def test_one_random_direction_is_no_null(llama: LoadedModel) -> None:
    found = await search_in(World(0, 0.0, 60.0), llama, SETTINGS.model_copy(update={"random_seeds": (1,)}))
    assert found.chosen.delta > 30
    assert found.control_bound is None
    assert not found.beyond_control
    assert "only one random direction measured" in found.verdict


@pytest.mark.slow
async def test_directions_that_do_no_more_than_random_ones_are_claimed_as_often_as_said(llama: LoadedModel) -> None:
    """Pushes move scores, the trait's as random ones do: 5 % is what the rule says it errs."""
    assert 0.03 <= await share_claimed(llama, 20.0, 1000) <= 0.07


@pytest.mark.slow
async def test_where_no_push_does_anything_claims_are_rarer_still(llama: LoadedModel) -> None:
    """Both conditions are then true by chance at once."""
    assert await share_claimed(llama, 0.0, 1000) <= 0.03


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize("shape", ["normal", "clipped", "skewed"])
def test_intervals_cover_the_truth(n: int, shape: str) -> None:
    """Of the mean of paired differences, 95 % intervals in 2,000 simulations."""
    generator = np.random.default_rng(n)
    drawn = {
        "normal": generator.normal(30, 25, (2000, n)),
        "clipped": np.clip(generator.normal(30, 25, (2000, n)), -100, 100),
        "skewed": 60 * generator.beta(2, 3, (2000, n)),
    }[shape]
    truth = {"normal": 30.0, "clipped": 30.0, "skewed": 24.0}[shape]
    covered = 0
    for seed, values in enumerate(drawn.tolist()):
        low, high = mean_interval(values, seed=seed, resamples=1000)
        covered += low <= truth <= high
    assert 0.93 <= covered / 2000 <= 0.97


def test_the_bound_of_chance() -> None:
    """mean 2, standard deviation 1, t(0.95, 2) = 2.920."""
    assert upper_bound([1.0, 2.0, 3.0]) == pytest.approx(2 + 2.91999 * (4 / 3) ** 0.5, rel=1e-4)
    assert upper_bound([0.0] * 5) == 0
    assert upper_bound([7.0]) is None
    generator = np.random.default_rng(0)
    drawn = generator.normal(3, 5, (4000, 6))
    beyond = [row[5] > upper_bound(row[:5].tolist()) for row in drawn]
    assert 0.04 <= np.mean(beyond) <= 0.06


def test_nineteen_random_directions_need_no_distribution() -> None:
    """Skewed effects, as random directions have them where most do little: few of them mislead, nineteen do not."""
    assert upper_bound([float(n) for n in range(19)]) == 18
    assert upper_bound([float(n) for n in range(39)]) == 37
    drawn = np.exp(np.random.default_rng(1).normal(size=(4000, 20)))

    def share(count: int) -> float:
        return float(np.mean([row[19] > upper_bound(row[:count].tolist()) for row in drawn]))

    assert 0.04 <= share(19) <= 0.06
    assert share(5) > 0.08
