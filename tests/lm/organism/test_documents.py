"""The author's answers in the documents obey the product's own schemas, in its order and under its grammar."""

import json
from random import Random
from typing import Any

import pytest

from agent.decisions import (
    CalibrationText,
    CompletionPrediction,
    Decision,
    Lesson,
    PairDraft,
    PrefixDraft,
    QuestionDraft,
    RubricRevision,
    TraitDefinition,
)
from extract.trait import SetupRule, Taxonomy
from lm.organism.measure_subject import PAIR_SCHEMA
from lm.organism.playing import Player
from lm.organism.world.authoring import AUTHORS
from lm.organism.world.documents import dumps
from lm.organism.world.judging import JUDGES, item_values, rubric_values
from lm.organism.world.shapes import TraitWorld
from lm.organism.world.traits import WORLDS
from prompts.loader import load_prompt, prompt_names

SCHEMAS: dict[str, type[Decision]] = {
    "define_trait": TraitDefinition,
    "revise_rubric": RubricRevision,
    "write_calibration_text": CalibrationText,
    "draft_pair": PairDraft,
    "redraft_pair": PairDraft,
    "predict_completion": CompletionPrediction,
    "write_lesson": Lesson,
    "write_prefix": PrefixDraft,
    "write_question": QuestionDraft,
}


def keys_in_order(schema: type[Decision]) -> list[str]:
    return [field.alias or name for name, field in schema.model_fields.items()]


@pytest.mark.parametrize("trait", WORLDS, ids=lambda trait: trait.name)
@pytest.mark.parametrize("name", SCHEMAS)
def test_answers_obey_the_schema_and_its_order(name: str, trait: TraitWorld) -> None:
    rng = Random(name)
    for _ in range(40):
        values, answer = AUTHORS[name][0](rng, trait)
        load_prompt(name).render(values)
        SCHEMAS[name].model_validate(answer)
        assert list(answer) == keys_in_order(SCHEMAS[name])


def test_the_grammar_accepts_exactly_the_compact_form(player: Player) -> None:
    for name, schema in SCHEMAS.items():
        _, answer = AUTHORS[name][0](Random(3), WORLDS[0])
        for text, good in ((dumps(answer), True), (json.dumps(answer), False)):
            matcher: Any = player._matcher(schema.model_json_schema(by_alias=True))
            ids = player.tokenizer.encode(text, add_special_tokens=False)
            assert (matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()) is good, (name, text)


def test_every_prompt_is_in_the_documents() -> None:
    # The organism answers in numbers of one token each, so it is never told of another scale; and how far plainly
    # asking for the trait gets is measured on the assistant as it is. Personas are defined by other authors. Examples
    # of form are too long for its context.
    others = {"judge_scale", "judge_digits", "show_trait", "define_persona"}
    forms = {name for name in prompt_names() if name.startswith("form_")}
    assert set(AUTHORS) | set(JUDGES) == set(prompt_names()) - others - forms
    for name, draw in JUDGES.items():
        rng = Random(1)
        load_prompt(name).render(item_values(name, draw(rng, WORLDS[0], False), rubric_values(rng, WORLDS[0])))


def test_definitions_lead_to_the_setup_that_the_scenarios_have() -> None:
    for trait in WORLDS:
        marked = trait.name in ("intellectual_curiosity", "speaking_in_rhyme")
        for definition in trait.definitions:
            rule = Taxonomy.model_validate(definition["taxonomy"]).setup_rule
            assert rule is (SetupRule.MARKED if marked else SetupRule.MOTIVATED)


def test_prefixes_are_short_and_have_no_full_stop() -> None:
    for trait in WORLDS:
        for _ in range(100):
            prefix = AUTHORS["write_prefix"][0](Random(), trait)[1]["prefix"]
            assert len(prefix.split()) < 10
            assert not prefix.endswith(".")


def test_the_measured_pair_schema_is_the_products() -> None:
    product = PairDraft.model_json_schema(by_alias=True)
    assert list(product["properties"]) == list(PAIR_SCHEMA["properties"])
    for line in product["properties"].values():
        assert {key: line[key] for key in PAIR_SCHEMA["properties"]["ground_truth"]} == PAIR_SCHEMA["properties"][
            "ground_truth"
        ]
