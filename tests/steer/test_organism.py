"""On the embedded model: every trait that it performs is moved, and nothing is claimed where nothing is. Minutes."""

import asyncio
from dataclasses import replace
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
from lm.organism.world.shapes import TraitWorld
from lm.organism.world.traits import PERFORMED
from lm.verdicts import Rubric
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


FALLS_SHORT = (
    "measured with the shipped weights: see the entry on the organism's own directions in benchmarks/RESULTS.md"
)


@pytest.mark.xfail(reason=FALLS_SHORT)
def test_the_trait_is_moved(report: SteeringReport) -> None:
    assert report.baseline.passed
    assert report.beyond_control, report.verdict
    assert report.coherent, report.verdict
    assert report.chosen.delta >= 25, report.verdict
    assert report.random_control_delta < report.chosen.delta / 2, report.verdict
    lowered = next(one for one in report.controls if one.name == "natural question, opposite sign")
    assert lowered.delta < 0


@pytest.mark.xfail(reason=FALLS_SHORT)
def test_scenarios_without_a_motive_flip_both_ways(
    world: TraitWorld, model: LoadedModel, directions: Directions, report: SteeringReport
) -> None:
    rng = Random(7)
    drawn = [draw_scenario(rng, world, "unmotivated", held_out=True) for _ in range(60)]
    direction, strength = directions[report.chosen.layer], report.chosen.strength
    for size, side in ((strength, "positive"), (-strength, "negative")):
        push = Push(direction, norms=size, tokens=ALL)
        done = generate(model, [Row(scenario.text, (push,)) for scenario in drawn], max_tokens=24)
        labels = [label(world, one.case, one.said + row.text) for one, row in zip(drawn, done, strict=True)]
        assert labels.count(side) >= 0.9 * len(labels), (side, labels.count(side))


@pytest.mark.parametrize("kind", ["zero", "random"])
async def test_nothing_is_claimed_of_directions_that_are_nothing(model: LoadedModel, kind: str) -> None:
    """Whole evaluations with pushes of length zero, and with directions that were drawn and not extracted."""
    world, claims, judge = KNOWN[0], [], Judge(open_model("organism"))
    real, count = directions_of(world, model), len(QUICK.random_seeds)
    for seed in range(SEARCHES):
        drawn = torch.randn(real.direction.shape, generator=torch.Generator().manual_seed(900 + seed))
        given = (
            replace(real, activation_norm=torch.zeros_like(real.activation_norm))
            if kind == "zero"
            else replace(real, direction=torch.nn.functional.normalize(drawn, dim=1))
        )
        settings = QUICK.model_copy(update={"random_seeds": tuple(range(10 * seed, 10 * seed + count))})
        found = await evaluate(model, given, questions_of(world, seed), scorer(judge, world), settings=settings)
        claims.append(found.beyond_control)
    assert sum(claims) <= 3
