"""The form of an answer in words and by example, held against the author's own schemas."""

import json
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent import decisions
from lm.forms import describe_form, example_of_form
from lm.scripted import pieces_of
from lm.shapes import faults_in

ANSWERS = decisions.Decision.__subclasses__()
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)


def named_in(schema):
    """All field names of a schema, those of its parts too."""
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_example_has_the_form_and_every_field_is_described(answer):
    schema = answer.model_json_schema()
    example = example_of_form(schema)
    assert list(faults_in(example, schema)) == []
    assert answer.model_validate_json(json.dumps(example))
    words = describe_form(schema)
    assert named_in(schema) == {line.split('"')[1] for line in words.splitlines()}


def test_limits_choices_and_hints_are_said():
    words = describe_form(decisions.TraitDefinition.model_json_schema())
    assert '- "is": a text on a single line, 1 to 600 characters' in words
    assert '  - "temporal" (a lasting state, or a single moment of decision): one of "hum", "chirp"' in words
    assert '- "neighbours": a list, 0 to 4 items, each a text' in words


@given(data=st.data(), answer=st.sampled_from(ANSWERS), value=LEAVES | st.lists(LEAVES, max_size=6))
def test_what_has_no_faults_can_be_read(data, answer, value):
    """Whoever answers by file hears of every fault there; none comes up later."""
    schema = answer.model_json_schema()
    changed = deepcopy(example_of_form(schema))
    place = changed
    while isinstance(place[name := data.draw(st.sampled_from(sorted(place)))], dict) and data.draw(st.booleans()):
        place = place[name]
    place[name] = value
    text = json.dumps(changed)
    try:
        answer.model_validate_json(text)
    except ValidationError:
        assert list(faults_in(json.loads(text), schema))


@given(st.text())
def test_words_join_to_the_text(text):
    assert "".join(pieces_of(text)) == text
