"""On the embedded model: every trait that it performs is moved, and nothing is claimed where nothing is. Minutes."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from random import Random

import pytest
import torch

from extract import Directions, Pair, extract_directions, load_model
from extract.models import LoadedModel
from lm import Judge, open_model
from lm.local.checkpoint import organism_folder, read_traits
from lm.organism.world.chat import draw_instruction, draw_question
from lm.organism.world.labels import label
from lm.organism.world.scenarios import draw_case, draw_listener, draw_scenario
from lm.organism.world.shapes import Scenario, TraitWorld
from lm.organism.world.traits import PERFORMED
from lm.verdicts import Rubric
from steer.chance import upper_bound
from steer.evaluation import EvaluationSettings, evaluate
from steer.generation import Row, generate
from steer.operators import ALL, Push
from steer.report import SteeringReport
from steer.scoring import Question, Scorer, judged
from steer.strengths import SearchRule

pytestmark = pytest.mark.slow

KNOWN = [world for world in PERFORMED if world.path in (read_traits(organism_folder()) or ())]
SETTINGS = EvaluationSettings(rule=SearchRule(tokens=ALL))
SEARCHES = 20
QUICK = SETTINGS.model_copy(update={"layers": (1, 2), "max_tokens": 24, "doses": (0.0,)})


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    torch.set_num_threads(1)
    return load_model("organism")


@pytest.fixture(scope="module", params=KNOWN, ids=lambda world: world.name)
def world(request: pytest.FixtureRequest) -> TraitWorld:
    """Every trait that the weights perform, one after another."""
    return request.param


@pytest.fixture(scope="module")
def directions(world: TraitWorld, model: LoadedModel) -> Directions:
    return directions_of(world, model)


@pytest.fixture(scope="module")
def report(world: TraitWorld, model: LoadedModel, directions: Directions) -> SteeringReport:
    """The evaluation of a trait, done once."""
    score = scorer(Judge(open_model("organism")), world)
    return asyncio.run(evaluate(model, directions, questions_of(world, 5), score, settings=SETTINGS))


def scorer(judge: Judge, world: TraitWorld) -> Scorer:
    return judged(judge, Rubric(**world.definitions[0]["rubric"]), world.label)


def directions_of(world: TraitWorld, model: LoadedModel) -> Directions:
    """Mean differences of 60 pairs that the world itself drew."""
    rng = Random(11)
    pairs = []
    for number in range(60):
        case, listener = draw_case(rng, world), draw_listener(rng)
        positive, negative = (
            draw_scenario(rng, world, side=side, case=case, listener=listener) for side in ("positive", "negative")
        )
        truth = f"{case.thing}: {case.fact}"
        pairs.append(
            Pair(id=str(number), ground_truth=truth, positive=positive.text, negative=negative.text, lock_in="other")
        )
    [found] = extract_directions(model, pairs, methods=("mean_difference",), trait=world.path)
    return found


def questions_of(world: TraitWorld, seed: int) -> list[Question]:
    """Twenty questions on held-out cases, each behind an instruction that pulls to the LOW end."""
    rng, found = Random(seed), {}
    while len(found) < 20:
        natural = draw_question(rng, world, draw_case(rng, world, held_out=True), draw_listener(rng))
        found[natural] = Question(text=f"{draw_instruction(rng, world, 'negative')}. {natural}", natural=natural)
    return list(found.values())


def test_the_trait_is_moved_and_random_directions_do_less_than_half(report: SteeringReport) -> None:
    assert report.baseline.passed
    assert report.coherent, report.verdict
    assert report.chosen.delta >= 50, report.verdict
    assert report.beyond_control, report.verdict
    assert report.random_control_delta < report.chosen.delta / 2, report.verdict


def test_the_opposite_sign_lowers_where_nothing_pulls_to_the_low_end(report: SteeringReport) -> None:
    lowered = next(one for one in report.controls if one.name == "natural question, opposite sign")
    assert lowered.delta <= -25, lowered


def test_scenarios_without_a_motive_flip_both_ways(
    world: TraitWorld, model: LoadedModel, directions: Directions
) -> None:
    """Layer and strength are chosen on other scenarios: what answers take breaks off what a scenario began."""
    rng = Random(7)
    drawn = [draw_scenario(rng, world, "unmotivated", held_out=True) for _ in range(300)]
    choosing, confirming = drawn[:180], drawn[180:]

    def flipped(scenarios: Sequence[Scenario], layer: int, norms: float) -> float:
        """Share that goes the pushed way, of the direction in which fewer do."""
        shares = []
        for side, sign in (("positive", 1), ("negative", -1)):
            push = Push(directions[layer], norms=sign * norms, tokens=ALL)
            done = generate(model, [Row(scenario.text, (push,)) for scenario in scenarios], max_tokens=24)
            labels = [label(world, one.case, one.said + row.text) for one, row in zip(scenarios, done, strict=True)]
            shares.append(labels.count(side) / len(labels))
        return min(shares)

    settings = product((0, 1, 2), (0.5, 0.8, 1.1))
    best = max(settings, key=lambda setting: flipped(choosing, *setting))
    share = flipped(confirming, *best)
    assert share >= 0.85, f"{share} with {best}; 0.9 is wanted, less one and a half standard errors of 120"


async def test_nothing_is_claimed_of_pushes_of_length_zero(model: LoadedModel) -> None:
    found = [await evaluate_quickly(model, seed, length=0.0) for seed in range(SEARCHES)]
    assert sum(one.beyond_control for one in found) <= 3


async def test_random_directions_seldom_exceed_the_bound_of_others(model: LoadedModel) -> None:
    """Said are 5 %; the effects are skewed here, and five random directions cannot show how far (docs/steer.md)."""
    beyond = []
    for seed in range(SEARCHES // 2):
        found = await evaluate_quickly(model, seed, length=1.0)
        effects = [one.outcome.delta for one in found.random_controls if one.outcome and one.outcome.delta is not None]
        assert len(effects) == len(QUICK.random_seeds)
        beyond += [effect > upper_bound(effects[:n] + effects[n + 1 :]) for n, effect in enumerate(effects)]
    assert sum(beyond) <= 0.16 * len(beyond)


async def evaluate_quickly(model: LoadedModel, seed: int, length: float) -> SteeringReport:
    """A whole evaluation on questions and random directions of its own, all pushes of `length` times their own."""
    world = KNOWN[0]
    real = directions_of(world, model)
    given = replace(real, activation_norm=length * real.activation_norm)
    count = len(QUICK.random_seeds)
    settings = QUICK.model_copy(update={"random_seeds": tuple(range(10 * seed, 10 * seed + count))})
    score = scorer(Judge(open_model("organism")), world)
    return await evaluate(model, given, questions_of(world, seed), score, settings=settings)
