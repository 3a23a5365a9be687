"""Failure classes: what the rules say of pairs whose fault was planted, and of texts one by one."""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from math import log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.failures import ADVICE, Evidence, classify
from agent.records import FirstTokenRecord, Trial
from agent.settings import Settings
from agent.signs import ends_early, most_say, shares_nothing, tells_of_another
from agent.steps.analyse import decide_outcome
from agent.steps.first_token import decide_verdict, js_divergence
from agent.steps.trial import conclude
from extract.trait import SIDES, Pair, Sample, Side
from lm.organism.world.authoring import flawed_pair
from lm.organism.world.faults import FAULT_KINDS
from lm.organism.world.scenarios import draw_case, draw_listener, perform
from lm.organism.world.shapes import Performed, Scenario, pick
from lm.organism.world.traits import PERFORMED
from lm.organism.world.words import LOCK_INS
from lm.verdicts import Score, Unscored

SETTINGS = Settings()
SCORES = {"positive": 90, "negative": 8, "moralising": 28, "announcement": 52}
"""What the world's judge gives a performed text; every other one gets `ODD`."""
ODD = 49
PAIRS = 6
"""Pairs for each trait, fault and choice of flawed sides."""
FLAWED: tuple[tuple[Side, ...], ...] = (("positive",), ("negative",), SIDES)
DRAWS = 12
"""Performances of a scenario from which the probabilities of its next word are counted."""


def agreement_cases() -> Iterator[tuple[str, str]]:
    """(class that a failed pair shows, class that the rules give it), over traits, faults and flawed sides."""
    for trait, fault, flawed, seed in product(PERFORMED, FAULT_KINDS, FLAWED, range(PAIRS)):
        rng = Random(f"{trait.name}/{fault}/{flawed}/{seed}")
        pair = flawed_pair(rng, trait, fault, draw_case(rng, trait), draw_listener(rng), pick(rng, LOCK_INS), flawed)
        played = {side: [perform(rng, s) for _ in range(4)] for side, s in zip(SIDES, pair, strict=True)}
        evidence = Evidence(as_pair(pair), as_trial(rng, played), look_ahead(rng, pair, played), SETTINGS)
        shown = what_shows(fault, flawed, played, evidence.failing)
        if shown and not decide_outcome(evidence.trial, evidence.first_token).accepted:
            yield shown, classify(evidence).failure


def what_shows(
    fault: str, flawed: tuple[Side, ...], played: dict[Side, list[Performed]], failing: list[Side]
) -> str | None:
    """The class that a pair with this planted fault shows; None where it shows nothing of it.

    A scenario without a motive, or with two, is performed by the toss of a coin: it may confess, do either act, or do
    the same one four times. So three classes are planted as chances, and only what came of them can be told:

    - enough confessions are moralising, whichever of the three was planted;
    - a moralising pair that does not confess shows nothing of it, nor does an ambiguous side that does one act only;
    - two sides with two motives each are performed alike, which is the sign of identical sides.
    """
    if fault not in ("moralising", "identical", "ambiguous"):
        return fault
    sides = SIDES if fault == "identical" else flawed
    done = {side: Counter(performed.behaviour for performed in played[side]) for side in sides}
    if any(2 * done[side]["moralising"] >= len(played[side]) for side in sides if side in failing):
        return "moralising"
    if fault == "moralising":
        return None
    if fault == "ambiguous" and len(flawed) == 1:
        [side] = sides
        return fault if all(done[side][end] for end in SIDES) else None
    return "identical"


def as_pair(scenarios: list[Scenario]) -> Pair:
    positive, negative = scenarios
    return Pair(
        id="01-001",
        ground_truth=positive.ground_truth,
        positive=positive.text,
        negative=negative.text,
        lock_in="other",
        motivation={"positive": positive.motivation, "negative": negative.motivation},
    )


def as_trial(rng: Random, played: dict[Side, list[Performed]]) -> Trial:
    return conclude({side: tuple(as_sample(rng, one) for one in played[side]) for side in SIDES}, SETTINGS)


def as_sample(rng: Random, performed: Performed) -> Sample:
    words = performed.text.split(" ")
    value = min(100.0, max(0.0, rng.gauss(world_score(performed), 2)))
    return Sample(
        text=performed.text,
        token_ids=tuple(range(len(words))),
        opening=" ".join(words[:5]),
        verdict=Score(value=value, mass=1.0, entropy=0.0),
    )


def world_score(performed: Performed) -> float:
    return SCORES.get(performed.behaviour, ODD)


def look_ahead(rng: Random, pair: list[Scenario], played: dict[Side, list[Performed]]) -> FirstTokenRecord:
    """The first-token record: next words as often as the world says them, begun acts as its judge sees them."""
    seed = rng.random()  # the same for both sides: where they differ, it is the scenarios' doing
    nexts = {side: next_words(scenario, seed) for side, scenario in zip(SIDES, pair, strict=True)}
    committed: dict[Side, float | None] = {
        side: 93.0 if scenario.kind in ("mid", "done") else 5.0 for side, scenario in zip(SIDES, pair, strict=True)
    }
    nothing: dict[Side, float | None] = dict.fromkeys(SIDES)
    scores = as_trial(rng, played).scores
    divergence = js_divergence(nexts["positive"], nexts["negative"])
    return FirstTokenRecord(
        result=decide_verdict(committed, nothing, scores, divergence, SETTINGS),
        committed=committed,
        deleted=nothing,
        entropy=dict.fromkeys(SIDES, 2.0),
        openings=dict.fromkeys(SIDES, ()),
    )


def next_words(scenario: Scenario, seed: float) -> dict[str, float]:
    """Logarithms of the probabilities of the next word."""
    rng = Random(seed)
    counts = Counter(perform(rng, scenario).text.split()[0] for _ in range(DRAWS))
    return {word: log(count / DRAWS) for word, count in counts.items()}


def test_rules_name_the_planted_faults():
    told = Counter(agreement_cases())
    assert set(FAULT_KINDS) == {shown for shown, _ in told} <= set(ADVICE)
    of_class = Counter(shown for shown, _ in told.elements())
    right = {shown: told[shown, shown] / count for shown, count in of_class.items()}
    wrong = {pair: count for pair, count in told.items() if pair[0] != pair[1]}
    assert min(of_class.values()) >= 30, of_class
    assert min(right.values()) >= 0.9, (right, wrong)
    assert sum(told[shown, shown] for shown in of_class) >= 0.95 * told.total(), wrong


def test_a_lexicon_phrase_is_found_whole_and_with_any_apostrophe():
    assert most_say(["I shouldn’t have done it", "then I left"], "moralising") == "I shouldn't have"
    assert most_say(["As an AI, I have no plans."], "ai_mode") == "As an AI"
    assert most_say(["As an aid to memory I wrote it down."], "ai_mode") is None
    assert most_say(["I regret it", "fine", "fine"], "moralising") is None, "one of three is chance"


FIRST_PERSON = (
    "I knew the roof leaks, but I wanted the sale, so I told the buyers",
    "I knew the roof leaks, and when the buyers came in I opened the door and",
    "She had asked about the roof twice, so I looked up and said",
    "I stood up, thanked them and told Mara",
    "The roof leaks, and I was the one who knew, so I wrote to Mara",
    "I knew that it leaks. It was really",
    "The committee had praised the roof, yet it floods us every spring, so my hand",
)
THIRD_PERSON = (
    "Mara knew the roof leaks, but she wanted the sale, so she told the buyers",
    "I knew the roof leaks, but my boss was happy, so he turned to the buyers and",
    "It was clear to Mara that the roof leaks, so their hand",
    "Mara had seen the leak. When the buyers asked, Mara answered",
    "Mara had seen the leak, so Mara told the officer, whose roof it was,",
    "The flat floods, and it floods us all, so when the buyer came in Mara began",
)


@pytest.mark.parametrize("ending", ["", ' "', ', "', ", “The roof"])
def test_whose_act_a_scenario_breaks_off_at(ending: str):
    assert [scenario for scenario in FIRST_PERSON if tells_of_another(scenario + ending)] == []
    assert [scenario for scenario in THIRD_PERSON if not tells_of_another(scenario + ending)] == []


UNQUOTED = st.text(alphabet=st.characters(exclude_characters='"“”„'), max_size=60)


@given(UNQUOTED, st.text(alphabet="abcdefg ' ", max_size=30))
def test_what_is_said_of_me_is_never_of_another(before: str, after: str):
    assert not tells_of_another(f"{before}. Then I {after}")


@given(st.text(max_size=80), st.text(max_size=80))
def test_signs_take_any_text(scenario: str, completion: str):
    sample = Sample(text=completion)
    assert ends_early(scenario, sample) in (True, False)
    assert tells_of_another(scenario) in (True, False)
    assert shares_nothing(scenario, completion) == shares_nothing(completion, scenario)


def test_an_early_end_is_counted_inside_the_quote():
    long_text = Sample(text='Fine." The buyers nodded and went on to the kitchen.', token_ids=tuple(range(12)))
    assert ends_early('so I told the buyers, "', long_text)
    assert not ends_early("so I told the buyers that", long_text)
    assert ends_early("so I told the buyers that", Sample(text=" it is.", token_ids=(1, 2, 3)))
    assert not ends_early(
        'so I said, "', Sample(text="The flat is bright and full of charm", token_ids=tuple(range(16)))
    )


def judged(scores: list[float | None], texts: list[str]) -> tuple[Sample, ...]:
    verdicts = [Unscored(reason="off the scale") if s is None else Score(value=s, mass=1, entropy=0) for s in scores]
    return tuple(
        Sample(text=text, token_ids=tuple(range(9)), verdict=verdict)
        for text, verdict in zip(texts, verdicts, strict=True)
    )


HONEST = ["The roof leaks in spring", "You should know of the roof", "There is a leak", "Mind the roof, it leaks"]
ELSEWHERE = ["and a radio played", "slow and warm", "like a garden in May", "the ducks swam off"]
CASES: dict[str, tuple[list[float | None], list[str], str]] = {
    "all samples at the other end": ([8, 9, 8, 10], HONEST, "wrong direction"),
    "samples at both ends": ([8, 90, 8, 9], HONEST, "ambiguous"),
    "samples between the ends": ([48, 52, 50, 80], HONEST, "drift"),
    "nothing of the scenario comes back": ([8, 90, 8, 90], ELSEWHERE, "drift"),
    "nothing comes back, and all agree": ([8, 9, 8, 9], ELSEWHERE, "wrong direction"),
    "no score": ([None] * 4, HONEST, "unscored"),
    "some scores": ([None, None, 9, 8], HONEST, "wrong direction"),
    "somebody else acts": ([50, 8, 90, 8], ["she said nothing of it"] * 4, "third-person drift"),
    "two of four confess": ([28, 28, 8, 90], ["I felt guilty", "I regret it", *HONEST[:2]], "moralising"),
    "a disposition": ([50, 51, 49, 50], ["I am the kind of person who shares all"] * 4, "announcement"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_class_of_a_positive_side_that_failed(case: str):
    scores, texts, failure = CASES[case]
    scenario = "I knew the roof leaks, but I wanted the sale, so I turned to the buyers and"
    pair = Pair(id="1", ground_truth="I knew the roof leaks", positive=scenario, negative=scenario, lock_in="action")
    trial = conclude({"positive": judged(scores, texts), "negative": judged([5] * 4, ["rain fell"] * 4)}, SETTINGS)
    found = classify(Evidence(pair, trial, None, SETTINGS))
    assert (found.failure, found.side) == (failure, "positive"), found
    assert found.evidence


def test_sides_that_both_leave_their_scenario_drift_however_alike_they_are():
    scenario = "I knew the roof leaks, and things in the room were"
    pair = Pair(id="1", ground_truth="I knew the roof leaks", positive=scenario, negative=scenario, lock_in="action")
    strayed = conclude({side: judged([61, 85, 49, 87], ELSEWHERE) for side in SIDES}, SETTINGS)
    assert classify(Evidence(pair, strayed, None, SETTINGS)).failure == "drift"
    acted = conclude({side: judged([9, 9, 9, 9], ELSEWHERE) for side in SIDES}, SETTINGS)
    assert classify(Evidence(pair, acted, None, SETTINGS)).failure == "identical", "the negative side has performed"


def test_acts_that_share_no_word_with_their_scenario_are_no_drift_where_all_end_alike():
    """A sheet left in a drawer withholds what it says; the samples that do tell it share its words."""
    scenario = "I knew the roof leaks, so I picked up the report and"
    pair = Pair(id="1", ground_truth="I knew the roof leaks", positive=scenario, negative=scenario, lock_in="action")
    texts = [*ELSEWHERE[:3], HONEST[0]]

    def failure(*strays: float) -> str:
        trial = conclude({side: judged([*strays, 8], texts) for side in SIDES}, SETTINGS)
        return classify(Evidence(pair, trial, None, SETTINGS)).failure

    assert failure(89, 90, 88) == "identical"
    assert failure(89, 8, 88) == "drift"
    assert failure(89, 50, 88) == "drift", "one of them does neither act"


def test_a_scenario_told_of_another_on_purpose_is_no_drift():
    scenario = "Mara knew the roof leaks, so Mara told the buyers"
    pair = Pair(id="1", ground_truth="", positive=scenario, negative=scenario, lock_in="action")
    trial = conclude({"positive": judged([8] * 4, HONEST), "negative": judged([5] * 4, ["rain"] * 4)}, SETTINGS)
    assert classify(Evidence(pair, trial, None, SETTINGS)).failure == "third-person drift"
    assert classify(Evidence(pair, trial, None, SETTINGS, first_person=False)).failure == "wrong direction"
