import asyncio
import json
from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch

from extract.dataset import Steering
from extract.models import LoadedModel
from extract.vectors import Directions
from lm.errors import ModelFailure, UserError
from lm.verdicts import Rubric, Score, Unscored
from steer.contenders import random_contender
from steer.evaluation import EvaluationSettings, evaluate
from steer.generation import Row, generate
from steer.report import SteeringReport
from steer.scoring import Answer, Marks, Question, judged, questions_of
from steer.strengths import SearchRule, search
from tests.steer.conftest import tiny_model
from tests.steer.made_up_directions import LAYERS, make_direction, make_directions

CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
QUESTIONS = [Question(text=f"Be calm. {text}", natural=text) for text in (
    "How is the car?", "Is the roof fine?", "What about the loan?", "Can I eat this?", "Who fixed it?", "Is it safe?",
    "Where is the report?", "Did they test it?", "How was the visit?", "Should I sign?", "Is it new?", "Why so?",
)]  # fmt: skip
QUICK = EvaluationSettings(
    rule=SearchRule(start=0.5, highest=8.0, min_coherence=50, steps=5),
    max_tokens=20,
    random_seeds=(1, 2, 3, 4),
    examples=2,
)


@pytest.fixture(scope="module")
def planted_model() -> LoadedModel:
    """A tiny model that writes capitals the more its residual stream lies along one direction."""
    model = tiny_model("llama")
    head = model.model.lm_head.weight.data
    letters = [model.tokenizer.convert_tokens_to_ids(letter) for letter in CAPITALS]
    head[letters] = head[letters] / 2 + 1.5 * make_direction().vector
    return model


def planted(activation_norm: float = 4.0) -> Directions:
    """That direction, at every layer."""
    return make_directions(make_direction().vector.repeat(LAYERS, 1), activation_norm)


def mark(text: str) -> Marks:
    """Trait: capitals. Coherence: letters that do not repeat."""
    capitals = sum(letter in CAPITALS for letter in text) / max(1, len(text))
    variety = len(set(text)) / max(1, len(text))
    return Marks(
        trait=Score(value=100 * capitals, mass=1, entropy=0),
        coherence=Score(value=min(100.0, 140 * variety), mass=1, entropy=0),
    )


async def score(answers: Sequence[Answer]) -> list[Marks]:
    return [mark(answer.text) for answer in answers]


@pytest.fixture(scope="module")
def report(planted_model: LoadedModel) -> SteeringReport:
    return asyncio.run(evaluate(planted_model, planted(), QUESTIONS, score, settings=QUICK))


def test_a_planted_behaviour_is_found(report: SteeringReport) -> None:
    assert report.chosen is not None
    assert report.chosen.delta is not None
    assert report.chosen.delta > 15
    assert report.beyond_control
    assert report.verdict.startswith("moves capitals by +")
    assert report.chosen.n == 6
    assert report.baseline.passed


def test_the_report_holds_all_that_a_reader_needs(report: SteeringReport) -> None:
    assert not set(report.choosing) & set(report.confirming)
    assert len(report.choosing) == len(report.confirming) == 6
    assert {cell.layer for cell in report.grid} == set(range(LAYERS))
    assert len(report.random_controls) == 4
    assert all({cell.layer for cell in control.grid} == set(range(LAYERS)) for control in report.random_controls)
    assert [control.name for control in report.controls] == [
        "opposite sign",
        "natural question",
        "natural question, opposite sign",
    ]
    assert [dose.strength for dose in report.dose_response] == pytest.approx(
        [dose * report.chosen.strength for dose in QUICK.doses]
    )
    assert report.dose_response[0].score == pytest.approx(report.chosen.score - report.chosen.delta)
    assert report.dose_response[4].score == report.chosen.score
    assert len(report.examples) == 2 * len(QUICK.doses)
    assert SteeringReport.model_validate_json(report.model_dump_json()) == report
    assert set(json.loads(json.dumps(report.summary()))) >= {"layer", "strength", "delta_ci95", "random_control_delta"}


def test_the_dose_response_rises(report: SteeringReport) -> None:
    scores = [dose.score for dose in report.dose_response[:5]]
    assert scores[-1] == max(scores)
    assert sum(later >= earlier - 5 for earlier, later in pairwise(scores)) >= 3


async def test_a_zero_push_has_no_effect(planted_model: LoadedModel) -> None:
    found = await evaluate(planted_model, planted(activation_norm=0.0), QUESTIONS, score, settings=QUICK)
    assert found.chosen is not None
    assert found.chosen.delta == 0
    assert found.random_control_delta == 0
    assert not found.beyond_control
    assert found.verdict.startswith("no effect beyond control")


async def test_an_outage_ends_the_evaluation(planted_model: LoadedModel) -> None:
    calls = 0

    async def fail(answers: Sequence[Answer]) -> list[Marks]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ModelFailure("the judge is gone")
        return [mark(answer.text) for answer in answers]

    with pytest.raises(ModelFailure):
        await evaluate(planted_model, planted(), QUESTIONS, fail, settings=QUICK)


async def test_unscored_answers_are_never_zero(planted_model: LoadedModel) -> None:
    """One answer in three unscored: every cell is unscored, nothing is chosen, nothing is claimed."""

    async def patchy(answers: Sequence[Answer]) -> list[Marks]:
        nothing = Marks(trait=Unscored(reason="refused"), coherence=Unscored(reason="refused"))
        return [nothing if n % 3 == 0 else mark(answer.text) for n, answer in enumerate(answers)]

    found = await evaluate(planted_model, planted(), QUESTIONS, patchy, settings=QUICK)
    assert found.baseline.mean is None
    assert not found.baseline.passed
    assert found.baseline.unscored == 4
    assert [cell.status for cell in found.grid] == ["unscored"] * LAYERS
    assert found.chosen is None
    assert found.random_control_delta is None
    assert found.verdict == "no setting could be measured: too few answers were scored"


async def test_nothing_coherent_is_said_and_not_claimed(planted_model: LoadedModel) -> None:
    async def broken(answers: Sequence[Answer]) -> list[Marks]:
        return [mark("aaaa") for _ in answers]

    found = await evaluate(planted_model, planted(), QUESTIONS, broken, settings=QUICK)
    assert found.chosen is None
    assert found.summary()["delta"] is None
    assert found.verdict == "no strength kept coherence at 50 (unsteered answers: 35)"


async def test_few_unscored_answers_are_left_out_of_the_means(planted_model: LoadedModel) -> None:
    async def mostly(answers: Sequence[Answer]) -> list[Marks]:
        gone = Marks(trait=Unscored(reason="refused"), coherence=Score(value=90, mass=1, entropy=0))
        fixed = Marks(trait=Score(value=50, mass=1, entropy=0), coherence=Score(value=90, mass=1, entropy=0))
        return [gone if answer.question == QUESTIONS[1].natural else fixed for answer in answers]

    found = await evaluate(planted_model, planted(), QUESTIONS, mostly, settings=QUICK)
    assert found.baseline.mean == 50
    assert (found.chosen.score, found.chosen.delta, found.chosen.n, found.chosen.unscored) == (50, 0, 5, 1)


async def test_coherence_that_nobody_scored_is_not_told_as_zero(planted_model: LoadedModel) -> None:
    found = await evaluate(planted_model, planted(), QUESTIONS, score, settings=QUICK)
    unscored = found.model_copy(update={"chosen": found.chosen.model_copy(update={"coherence": None})})
    assert "at unscored coherence;" in unscored.verdict


async def test_the_judge_sees_the_natural_question(planted_model: LoadedModel) -> None:
    seen: set[str] = set()

    async def watch(answers: Sequence[Answer]) -> list[Marks]:
        seen.update(answer.question for answer in answers)
        return [mark(answer.text) for answer in answers]

    await search(planted_model, [planted()[0]], QUESTIONS[:4], watch, max_tokens=4)
    assert seen == {question.natural for question in QUESTIONS[:4]}


async def test_a_model_without_chat_template_is_asked_in_plain_text(family: LoadedModel) -> None:
    cells = await search(family, [make_direction(1)], QUESTIONS[:4], score, max_tokens=6)
    assert cells[0].strength == 0.7
    assert {cell.layer for cell in cells} == {1}


@pytest.mark.parametrize(
    ("questions", "message"),
    [(QUESTIONS[:3], "at least 4 questions"), ([*QUESTIONS[:4], QUESTIONS[0]], "given twice")],
)
async def test_questions_that_cannot_be_split(
    planted_model: LoadedModel, questions: list[Question], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        await evaluate(planted_model, planted(), questions, score)


async def test_layers_that_are_not_there(planted_model: LoadedModel) -> None:
    with pytest.raises(UserError, match="No direction for layer"):
        await evaluate(planted_model, planted(), QUESTIONS, score, settings=EvaluationSettings(layers=(7,)))


def test_random_directions_keep_layers_and_norms() -> None:
    lanes = [make_direction(layer, activation_norm=2.0 + layer) for layer in range(LAYERS)]
    drawn = random_contender(lanes, seed=1).lanes
    assert [(one.layer, one.activation_norm) for one in drawn] == [(one.layer, one.activation_norm) for one in lanes]
    assert all(float(one.vector.norm()) == pytest.approx(1, rel=1e-5) for one in drawn)
    assert torch.equal(drawn[2].vector, random_contender(lanes, seed=1).lanes[2].vector)
    assert not torch.equal(drawn[0].vector, random_contender(lanes, seed=2).lanes[0].vector)


@pytest.mark.parametrize("prefix", ["Be calm", "Be calm.", ""])
def test_natural_part_of_a_question(prefix: str) -> None:
    [question] = questions_of(Steering(questions=("Be calm. Is it safe?",), prefix=prefix))
    assert question.text == "Be calm. Is it safe?"
    assert question.natural == ("Is it safe?" if prefix else question.text)


async def test_marks_come_from_the_judge() -> None:
    class Both:
        async def score_answers(self, rubric, label, items):
            return [
                (Score(value=len(item.situation), mass=1, entropy=0), Unscored(reason=f"{item.situation} {item.text}"))
                for item in items
            ]

    marks = await judged.__wrapped__(Both(), Rubric(high="", low="", key=""), "x")([Answer(question="abc", text="d")])
    assert marks[0] == Marks(trait=Score(value=3, mass=1, entropy=0), coherence=Unscored(reason="abc d"))


async def test_plain_prompting_and_other_traits_stand_beside(planted_model: LoadedModel) -> None:
    """Another trait's directions are given the same search; an instruction is asked with the very same questions."""
    settings = QUICK.model_copy(update={"instruction": "WRITE IN CAPITALS", "random_seeds": (1,), "layers": (1, 2)})
    other = make_directions(torch.stack([make_direction(layer, seed=7).vector for layer in range(LAYERS)]), 4.0)
    found = await evaluate(planted_model, planted(), QUESTIONS[:8], score, settings=settings, others=[other])
    [outcome] = found.other_traits
    assert outcome.name == "direction of alignment/capitals"
    assert outcome.layer in (1, 2)
    assert found.chosen.delta > outcome.delta
    prompted = found.controls[-1]
    assert (prompted.name, prompted.strength, prompted.n) == ("plain prompting", 0.0, 4)
    rows = [Row(question.prompt(chat=True, instruction="WRITE IN CAPITALS")) for question in QUESTIONS[1:8:2]]
    texts = [row.text for row in generate(planted_model, rows, max_tokens=20)]
    assert prompted.score == pytest.approx(sum(mark(text).trait.value for text in texts) / 4)
    assert SteeringReport.model_validate_json(found.model_dump_json()) == found


async def test_several_answers_to_each_confirming_question(planted_model: LoadedModel) -> None:
    """Choosing stays greedy; confirming counts questions, not answers."""
    settings = QUICK.model_copy(update={"samples": 3, "random_seeds": (1, 2), "layers": (1,)})
    found = await evaluate(planted_model, planted(), QUESTIONS[:8], score, settings=settings)
    greedy = await evaluate(
        planted_model, planted(), QUESTIONS[:8], score, settings=settings.model_copy(update={"samples": 1})
    )
    assert found.grid == greedy.grid
    assert found.chosen.n == 4
    assert found.chosen.score != greedy.chosen.score
    assert {dose.n for dose in found.dose_response} == {12}
    assert len(found.examples) == 2 * len(QUICK.doses)


async def test_the_momentum_controller_searches_too(planted_model: LoadedModel) -> None:
    rule = SearchRule(controller="momentum", steps=4, min_coherence=50, highest=8.0)
    settings = QUICK.model_copy(update={"rule": rule, "random_seeds": (1,), "layers": (1,)})
    found = await evaluate(planted_model, planted(), QUESTIONS[:8], score, settings=settings)
    assert found.grid[0].strength == 0.7
    assert len(found.grid) == 4
    assert found.chosen is not None


def test_an_instruction_stands_before_the_question() -> None:
    question = Question(text="Be calm. Is it safe?", natural="Is it safe?")
    assert question.prompt(chat=False, instruction="Lie.") == "Lie.\n\nBe calm. Is it safe?"
    [turn] = question.prompt(chat=True, natural=True, instruction="Lie.")
    assert (turn.role, turn.content) == ("user", "Lie.\n\nIs it safe?")
