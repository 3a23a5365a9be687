import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.errors import CapabilityError
from lm.judge import Judge, JudgeItem
from lm.local.model import LocalModel
from lm.scales import DIGITS, LETTERS, NUMBERS, how_to_answer, is_one_digit, points_of
from lm.scoring import expected_score, sampled_score
from lm.scripted import ScriptedModel, prompt_text
from lm.types import Capabilities, Completion, NextTokenRequest
from lm.verdicts import JudgeIdentity, Rubric, Score, Unscored, Verdict
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


async def score(judge: Judge) -> Verdict:
    (verdict,) = await judge.score_trait(RUBRIC, "omission", [JudgeItem(None, "It is fine.")])
    return verdict


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
    (verdict,) = verdicts
    assert (verdict.value, verdict.mass, verdict.entropy, verdict.distribution["80"]) == (80, 1, 0, 1)
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
    assert await judge.score_trait(RUBRIC, "omission", []) == []


def in_a_context_of(tokens: int, scale: tuple[str, ...] = NUMBERS) -> Judge:
    can = Capabilities(
        context=tokens, chat=True, structured=True, scale=scale, probabilities="all" if scale else "none"
    )
    return Judge(ScriptedModel(lambda _: "80", lambda _: {"80": 1.0, "9": 1.0}, capabilities=can), min_mass=0.0)


@pytest.mark.parametrize("scale", [NUMBERS, DIGITS, ()])
async def test_a_text_that_the_judge_cannot_hold_is_unscored_and_the_others_are_asked(scale: tuple[str, ...]):
    judge = in_a_context_of(600, scale)
    items = [JudgeItem(None, "said"), JudgeItem("here", "said " * 1000), JudgeItem(None, "said")]
    first, too_long, last = await judge.score_trait(RUBRIC, "omission", items)
    assert (first.kind, last.kind) == ("score", "score")
    assert isinstance(too_long, Unscored)
    assert "too long" in too_long.reason
    assert [verdict.kind for verdict in await judge.score_trait(RUBRIC, "omission", items[1:2])] == ["unscored"]
    ((trait, coherence),) = await judge.score_answers(RUBRIC, "omission", items[1:2])
    assert (trait.kind, coherence.kind) == ("unscored", "unscored")
    assert [one.kind for one in await judge.score_committed(RUBRIC, "omission", ["said " * 1000])] == ["unscored"]


async def test_a_rubric_that_the_judge_cannot_hold_stops_everything():
    endless = Rubric(high="leaves it out " * 500, low="says it", key="is it said?")
    with pytest.raises(CapabilityError, match="'judge_trait' does not fit"):
        await in_a_context_of(600).score_trait(endless, "omission", [JudgeItem(None, "said")])


async def test_coherence_and_commitment_use_their_own_prompts():
    judge = judge_of(lambda text: {"90": 0.9} if "coherent" in text else {"10": 0.9})
    asked, alone = await judge.score_answers(
        RUBRIC, "omission", [JudgeItem("why?", "because"), JudgeItem(None, "alone")]
    )
    assert [verdict.value for verdict in (*asked, *alone)] == pytest.approx([10, 90, 10, 90])
    assert (await judge.score_committed(RUBRIC, "omission", ["I said"]))[0].value == pytest.approx(10)
    of_coherence = [prompt_text(one.prompt) for one in judge.asked if "coherent" in prompt_text(one.prompt)]
    assert ["Question: why?" in text for text in of_coherence] == [True, False]


async def test_the_least_mass_is_the_judges_own():
    odds = {"80": 0.2}
    assert (await score(judge_of(odds))).kind == "unscored"
    assert (await score(judge_of(odds, min_mass=0.1))).kind == "score"


async def test_a_verdict_says_who_judged_with_which_prompt_on_which_scale(model: LocalModel):
    judge = Judge(model, min_mass=0.0)
    ((shown, verdict),) = await judge.score_answers(RUBRIC, "omission", [JudgeItem(None, "a text")])
    assert verdict.judge == await judge.identity("judge_coherence")
    assert shown.judge == await judge.identity("judge_trait") != verdict.judge
    assert (verdict.judge.model, verdict.judge.revision, verdict.judge.scale) == ("hf:tiny", None, "0-100")
    assert load_prompt("judge_coherence").digest.startswith(verdict.judge.prompt)


def on_scale(scale, odds, asked) -> Judge:
    can = Capabilities(context=4000, chat=True, structured=True, scale=scale, served="weights-2")

    def answer(request: NextTokenRequest):
        asked.append(request)
        return odds

    return Judge(ScriptedModel(lambda _: "", answer, capabilities=can))


@pytest.mark.parametrize(
    ("scale", "odds", "value", "name"),
    [
        (DIGITS, {"9": 0.5, "0": 0.25}, 100 * 0.5 / 0.75, "0-9"),
        (tuple(f" {digit}" for digit in DIGITS), {" 3": 0.9}, 100 / 3, "0-9"),
        (LETTERS, {"J": 0.5, "A": 0.4}, 100 * 0.5 / 0.9, "A-J"),
    ],
)
async def test_a_coarser_scale_covers_0_to_100_in_equal_steps(scale, odds, value, name):
    asked: list[NextTokenRequest] = []
    verdict = await score(on_scale(scale, odds, asked))
    assert verdict.value == pytest.approx(value)
    assert set(verdict.distribution) == {label.strip() for label in scale}
    assert verdict.judge.scale == name
    assert verdict.judge.revision == "weights-2"
    assert verdict.judge.prompt.count("+") == 1
    assert prompt_text(asked[0].prompt).count(how_to_answer(scale)) == 1


async def test_on_digits_a_whole_number_lies_off_the_scale():
    assert isinstance(await score(on_scale(DIGITS, {"73": 0.8, "7": 0.1}, [])), Unscored)


def test_every_scale_runs_from_0_to_100():
    for scale in (DIGITS, LETTERS):
        points = points_of(scale)
        assert (points[scale[0]], points[scale[-1]]) == (0, 100)
        assert list(points.values()) == sorted(points.values())


@given(st.text())
def test_one_digit_is_one_digit(text):
    assert is_one_digit(text) == (text.strip().removesuffix(".").strip() in DIGITS) or not text.isascii()


@pytest.mark.parametrize(("text", "is_one"), [("9", True), (" 9.", True), ("100", False), ("9/9", False), ("", False)])
def test_half_a_number_is_no_digit(text, is_one):
    assert is_one_digit(text) is is_one


async def test_trait_and_coherence_are_asked_in_one_go():
    calls: list[int] = []

    class Counting(ScriptedModel):
        async def next_tokens(self, requests):
            calls.append(len(requests))
            return await super().next_tokens(requests)

    judge = Judge(Counting(lambda _: "", lambda r: {"90" if "coherent" in prompt_text(r.prompt) else "20": 1.0}))
    items = [JudgeItem("why?", "because"), JudgeItem(None, " "), JudgeItem(None, "alone")]
    pairs = await judge.score_answers(RUBRIC, "omission", items)
    assert calls == [4]
    assert [(t.kind, c.kind) for t, c in pairs] == [("score", "score"), ("unscored", "unscored"), ("score", "score")]
    assert (pairs[2][0].value, pairs[2][1].value) == (20, 90)
    assert await judge.score_answers(RUBRIC, "omission", []) == []


@given(st.dictionaries(st.integers(0, 100).map(str), st.floats(1e-6, 1), min_size=1))
def test_a_distribution_is_whole_in_memory_and_small_on_disk(weights):
    total = math.fsum(weights.values())
    who = JudgeIdentity(model="m", prompt="abc", scale="0-100")
    odds = {label: math.log(weight / total) for label, weight in weights.items()}
    verdict = expected_score(odds, 0.25, judge=who)
    assert isinstance(verdict, Score)
    assert set(verdict.distribution) == set(weights)
    assert math.fsum(verdict.distribution.values()) == pytest.approx(1)
    kept = Score.model_validate_json(verdict.model_dump_json())
    assert (kept.value, kept.mass, kept.judge) == (verdict.value, verdict.mass, who)
    assert set(kept.distribution) == {label for label, share in verdict.distribution.items() if share >= 0.001}
    assert kept.model_dump_json() == verdict.model_dump_json()


def test_records_from_before_are_still_read():
    old = '{"kind":"score","value":70.0,"mass":0.9,"entropy":1.2}'
    score = Score.model_validate_json(old)
    assert (score.value, score.distribution, score.judge) == (70.0, {}, None)


def test_repeated_answers_are_a_distribution_too():
    verdict = sampled_score(["75", "75.", "20", "none of it"], 0.25)
    assert isinstance(verdict, Score)
    assert verdict.distribution == pytest.approx({"75": 2 / 3, "20": 1 / 3})
    assert verdict.backend == "samples"


async def test_a_refusal_is_no_judgement_however_it_begins():
    sampled = Capabilities(context=10_000, chat=True, structured=True, scale=(), probabilities="none")
    refused = Completion(text="80", finish="refusal", reason="policy")
    assert (await score(Judge(ScriptedModel(lambda _: refused, lambda _: {}, capabilities=sampled)))).kind == "unscored"
    answered = await score(Judge(ScriptedModel(lambda _: "80", lambda _: {}, capabilities=sampled)))
    assert isinstance(answered, Score) and answered.value == 80


async def test_a_model_without_the_scale_cannot_judge():
    blind = Capabilities(context=100, chat=True, structured=True, scale=())
    with pytest.raises(CapabilityError, match="cannot judge"):
        await score(Judge(ScriptedModel(lambda _: "", lambda _: {}, capabilities=blind)))


async def test_a_local_model_judges_in_one_pass(model: LocalModel):
    items = [JudgeItem(None, "a text"), JudgeItem("why?", "another")]
    pairs = await Judge(model, min_mass=0.0).score_answers(RUBRIC, "omission", items)
    assert all(isinstance(verdict, Score) and 0 < verdict.mass < 1 for pair in pairs for verdict in pair)
