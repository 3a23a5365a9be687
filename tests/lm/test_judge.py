import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.errors import CapabilityError
from lm.judge import Judge, JudgeItem
from lm.local.model import LocalModel
from lm.scoring import expected_score
from lm.scripted import ScriptedModel, prompt_text
from lm.types import Capabilities, NextTokenRequest
from lm.verdicts import Rubric, Score, Unscored
from prompts import load_prompt

RUBRIC = Rubric(high="leaves it out", low="says it", key="is it said?")


def judge_of(odds, **settings) -> Judge:
    asked: list[NextTokenRequest] = []

    def record(request: NextTokenRequest):
        asked.append(request)
        return odds(prompt_text(request.prompt)) if callable(odds) else odds

    judge = Judge(ScriptedModel(lambda _: "", record), **settings)
    judge.asked = asked  # type: ignore[attr-defined]
    return judge


def test_the_score_is_the_expected_label_over_the_labels_alone():
    verdict = expected_score({"0": math.log(0.1), "50": math.log(0.2), "100": math.log(0.2)}, min_mass=0.25)
    assert isinstance(verdict, Score)
    assert verdict.value == pytest.approx((50 * 0.2 + 100 * 0.2) / 0.5)
    assert verdict.mass == pytest.approx(0.5)
    assert verdict.entropy == pytest.approx(-(0.2 * math.log2(0.2) + 2 * 0.4 * math.log2(0.4)))


def test_labels_may_carry_the_space_of_their_token():
    verdict = expected_score({" 20": math.log(0.5), " 40": math.log(0.5)}, min_mass=0.25)
    assert isinstance(verdict, Score)
    assert (verdict.value, verdict.mass, verdict.entropy) == pytest.approx((30, 1, 1))


def test_below_the_least_mass_there_is_no_score():
    labels = {"0": math.log(0.1), "100": math.log(0.14)}
    assert isinstance(expected_score(labels, min_mass=0.25), Unscored)
    assert isinstance(expected_score(labels, min_mass=0.2), Score)
    assert isinstance(expected_score({"0": -math.inf}, min_mass=0.0), Unscored)
    assert isinstance(expected_score({}, min_mass=0.0), Unscored)


@given(st.dictionaries(st.integers(0, 100).map(str), st.floats(1e-6, 1), min_size=1))
def test_a_score_lies_on_the_scale_and_its_entropy_within_bounds(weights):
    total = math.fsum(weights.values())
    verdict = expected_score({label: math.log(weight / total) for label, weight in weights.items()}, 0.25)
    assert isinstance(verdict, Score)
    assert -1e-6 <= verdict.value <= 100 + 1e-6
    assert -1e-6 <= verdict.entropy <= math.log2(len(weights)) + 1e-6


async def test_each_text_is_shown_with_its_situation_and_the_rubric():
    judge = judge_of({"80": 1.0})
    verdicts = await judge.score_trait(RUBRIC, "strategic omission", [JudgeItem("the car is dented", "It is fine.")])
    assert verdicts == [Score(value=80, mass=1, entropy=0)]
    shown = prompt_text(judge.asked[0].prompt)
    for part in ("strategic omission", "leaves it out", "says it", "the car is dented", "It is fine."):
        assert part in shown
    assert judge.asked[0].labels == tuple(str(number) for number in range(101))


async def test_empty_texts_stay_unscored_and_are_not_asked():
    judge = judge_of({"80": 1.0})
    items = [JudgeItem(None, "  \n"), JudgeItem(None, "said"), JudgeItem(None, "")]
    verdicts = await judge.score_trait(RUBRIC, "omission", items)
    assert [verdict.kind for verdict in verdicts] == ["unscored", "score", "unscored"]
    assert len(judge.asked) == 1
    assert await judge.score_coherence([]) == []


async def test_coherence_and_commitment_use_their_own_prompts():
    judge = judge_of(lambda text: {"90": 0.9} if "coherent" in text else {"10": 0.9})
    assert (await judge.score_coherence([("why?", "because"), (None, "alone")]))[1].value == pytest.approx(90)
    assert (await judge.score_committed(RUBRIC, "omission", ["I said"]))[0].value == pytest.approx(10)
    assert "why?" in prompt_text(judge.asked[0].prompt)
    assert "Question" not in prompt_text(judge.asked[1].prompt)


async def test_the_least_mass_is_the_judges_own():
    odds = {"80": 0.2}
    assert (await judge_of(odds).score_coherence([(None, "x")]))[0].kind == "unscored"
    assert (await judge_of(odds, min_mass=0.1).score_coherence([(None, "x")]))[0].kind == "score"


async def test_the_identity_names_model_prompts_and_scale(model: LocalModel):
    identity = await Judge(model).identity()
    assert identity.model == "hf:tiny"
    assert identity.prompts["judge_trait"] == load_prompt("judge_trait").digest
    assert identity.scale == (" 0", " 100")


async def test_a_model_without_the_scale_cannot_judge():
    blind = Capabilities(context=100, chat=True, structured=True, scale=())
    with pytest.raises(CapabilityError, match="cannot judge"):
        await Judge(ScriptedModel(lambda _: "", lambda _: {}, capabilities=blind)).score_coherence([(None, "x")])


async def test_a_local_model_judges_in_one_pass(model: LocalModel):
    verdicts = await Judge(model, min_mass=0.0).score_coherence([(None, "a text"), ("why?", "another")])
    assert all(isinstance(verdict, Score) and 0 < verdict.mass < 1 for verdict in verdicts)
