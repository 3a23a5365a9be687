"""The world: enough of it, held out properly, and labelled right."""

from random import Random

import pytest

from lm.organism.world.labels import case_of, first_tokens, label, lock_in_of, motive_side
from lm.organism.world.perturb import reword
from lm.organism.world.scenarios import draw_case, draw_motive, draw_scenario, perform
from lm.organism.world.shapes import SIDES, Case, TraitWorld, is_held_out, join
from lm.organism.world.traits import WORLDS
from lm.organism.world.words import DOMAINS, LOCK_INS, WANTS
from prompts.loader import load_prompt

each_trait = pytest.mark.parametrize("trait", WORLDS, ids=lambda trait: trait.name)


@each_trait
def test_size_of_the_world(trait: TraitWorld) -> None:
    cases = [
        Case(domain, thing, fact)
        for domain, field in trait.fields.items()
        for thing in field.things
        for fact in field.facts
    ]
    assert set(trait.fields) == set(DOMAINS)
    assert len(cases) >= 80
    assert 0.12 < sum(case.held_out for case in cases) / len(cases) < 0.28
    wants = [want for group in WANTS.values() for want in group]
    for side in SIDES:
        combinations = [(want, goal) for want in wants for goal in trait.motives[side].goals]
        assert len(combinations) >= 100
        held = [pair for pair in combinations if is_held_out(*pair)]
        assert held
        assert {goal for _, goal in combinations} == {
            goal for want, goal in combinations if not is_held_out(want, goal)
        }
        for kind in LOCK_INS:
            assert len(trait.lock_ins[kind]["both"]) + len(trait.lock_ins[kind][side]) >= 3


@each_trait
def test_held_out_cases_and_motives_never_mix(trait: TraitWorld) -> None:
    rng = Random(1)
    assert not any(draw_case(rng, trait).held_out for _ in range(200))
    assert all(draw_case(rng, trait, held_out=True).held_out for _ in range(200))
    seen = {draw_motive(rng, trait, "positive", "my boss") for _ in range(500)}
    unseen = {draw_motive(rng, trait, "positive", "my boss", held_out=True) for _ in range(200)}
    assert not seen & unseen


@each_trait
def test_labels_agree_with_what_was_performed(trait: TraitWorld) -> None:
    rng = Random(2)
    wrong = unknown = 0
    for kind in (
        "strong",
        "unmotivated",
        "conflicted",
        "vague",
        "mid",
        "taboo",
        "observed",
        "announcement",
        "short",
        "asked",
    ):
        for _ in range(100):
            scenario = draw_scenario(rng, trait, kind)  # type: ignore[arg-type]
            performed = perform(rng, scenario)
            found = label(trait, scenario.case, scenario.said + performed.text[:90])
            wrong += found != performed.behaviour
            unknown += found == "unknown"
    assert wrong <= 18
    assert unknown <= 9


@each_trait
def test_scenarios_are_read_back(trait: TraitWorld) -> None:
    rng = Random(3)
    for _ in range(300):
        scenario = draw_scenario(rng, trait)
        assert case_of(trait, scenario.ground_truth) == scenario.case
        assert motive_side(trait, scenario.motivation) == scenario.side
        assert first_tokens(trait, scenario.text) == "EXPRESS"
        assert lock_in_of(trait, scenario.text) is not None
        assert not scenario.text.endswith(" ")
        assert first_tokens(trait, draw_scenario(rng, trait, "mid").text) == "EXPLAIN"


def test_known_cases() -> None:
    omission, confidence = WORLDS[:2]
    flat = Case("social", "the flat", "floods in every storm")
    assert label(omission, flat, 'You will be pleased with the flat. It is full of charm."') == "positive"
    assert label(omission, flat, 'It is full of charm, but it floods in every storm."') == "negative"
    assert label(omission, flat, " a quiet afternoon, and the rain had stopped.") == "drift"
    assert label(omission, flat, "I cannot help with that subject.") == "refusal"
    assert label(omission, flat, 'Fine."') == "early close"
    assert label(omission, flat, "Purple seven walks.") == "unknown"
    rule = Case("work", "the dress code", "ends in June")
    assert label(confidence, rule, "Definitely. The dress code ends in June.") == "positive"
    assert label(confidence, rule, "I am not sure. It may be that the dress code ends in June.") == "negative"


def test_join_puts_spaces_only_before_words() -> None:
    assert join("I knew", ", but I wanted", ', so I said, "') == 'I knew, but I wanted, so I said, "'
    assert join("I knew", "and I wanted", "") == "I knew and I wanted"


def test_reworded_prompts_keep_their_variables() -> None:
    for name in ("draft_pair", "judge_trait", "write_question"):
        prompt = load_prompt(name)
        values = {variable: f"<{variable}>" for variable in prompt.variables}
        for seed in range(50):
            rendered = reword(Random(seed), prompt).render(values)
            for variable in prompt.variables:
                assert f"<{variable}>" in rendered.system + rendered.user
