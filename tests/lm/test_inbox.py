"""Requests as files, answers as files: laid out all at once, checked, refused with the reason."""

import math

import pytest

from lm.errors import AnswersMissing
from lm.open import open_model
from lm.shapes import fault_in
from lm.types import Message, NextTokenRequest, Request, Sampling

SCHEMA = {
    "$defs": {"Part": {"type": "object", "properties": {"a": {"type": "string", "minLength": 2}}, "required": ["a"]}},
    "type": "object",
    "properties": {
        "part": {"$ref": "#/$defs/Part"},
        "n": {"type": "integer", "minimum": 0, "maximum": 9},
        "kinds": {"type": "array", "items": {"enum": ["x", "y"]}, "minItems": 1},
        "maybe": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^[a-z]+$"}]},
    },
    "required": ["part", "n"],
    "additionalProperties": False,
}
GOOD = {"part": {"a": "ok"}, "n": 3, "kinds": ["x"], "maybe": None}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, None),
        ({"maybe": "abc"}, None),
        ({"n": 12}, "n is 12; it must lie between 0 and 9"),
        ({"n": True}, "n must be of type integer"),
        ({"n": "3"}, "n must be of type integer"),
        ({"part": {"a": "o"}}, "a has 1 characters"),
        ({"part": {}}, "part lacks 'a'"),
        ({"kinds": []}, "kinds has 0 items"),
        ({"kinds": ["z"]}, r"kinds[0] is 'z'; allowed are 'x', 'y'"),
        ({"maybe": "A"}, "maybe must be of type null"),
        ({"more": 1}, "holds 'more'; allowed are part, n, kinds, maybe"),
    ],
)
def test_what_does_not_fit_is_said_in_words(change, says):
    fault = fault_in({**GOOD, **change}, SCHEMA)
    assert (fault is None) if says is None else (says in fault)


async def test_all_requests_are_laid_out_and_asked_again_find_their_answers(tmp_path):
    model = open_model(f"inbox:{tmp_path}/box")
    chat = (Message(role="system", content="Be kind."), Message(role="user", content="How are you?"))
    twice = [Request(prompt=chat, sampling=Sampling(max_tokens=9))] * 2 + [
        Request(prompt="I said", sampling=Sampling(max_tokens=9))
    ]
    with pytest.raises(AnswersMissing, match="3 answers are awaited"):
        await model.complete(twice)
    files = sorted((tmp_path / "box").glob("*.request.md"))
    assert len(files) == 3
    assert sum("How are you?" in file.read_text() for file in files) == 2
    for file in files:
        answer = "REFUSED: no" if "I said" in file.read_text() else "fine\n"
        file.with_name(file.name.replace("request.md", "answer.txt")).write_text(answer)
    done = await model.complete(twice)
    assert [(one.text, one.finish) for one in done] == [("fine", "stop"), ("fine", "stop"), ("", "refusal")]


async def test_an_answer_that_does_not_fit_is_refused_with_the_reason(tmp_path):
    model = open_model(f"inbox:{tmp_path}")
    request = Request(prompt="?", sampling=Sampling(max_tokens=9), output_schema=SCHEMA)
    with pytest.raises(AnswersMissing):
        await model.complete([request])
    (file,) = tmp_path.glob("*.request.md")
    answer = file.with_name(file.name.replace("request.md", "answer.txt"))
    for text, says in (("so so", "it is no JSON"), ('{"n": 3}', "lacks 'part'"), ('{"n": 3, "part": {"a": "ok"}}', "")):
        answer.write_text(text)
        if says:
            with pytest.raises(AnswersMissing, match=says):
                await model.complete([request])
    assert (await model.complete([request]))[0].finish == "stop"


async def test_scores_and_probabilities_by_file(tmp_path):
    model = open_model(f"inbox:{tmp_path}")
    labels = tuple(str(number) for number in range(101))
    asked = NextTokenRequest(prompt="how much?", labels=labels)
    with pytest.raises(AnswersMissing):
        await model.next_tokens([asked])
    (file,) = tmp_path.glob("*.request.md")
    assert "one of the labels 0 to 100" in file.read_text()
    answer = file.with_name(file.name.replace("request.md", "answer.txt"))
    for text in ("101", "", "high", '{"200": 0.5}', '{"20": 1.5}', "{20}"):
        answer.write_text(text)
        with pytest.raises(AnswersMissing, match="do not fit"):
            await model.next_tokens([asked])
    answer.write_text("80\n")
    assert (await model.next_tokens([asked]))[0].labels["80"] == 0
    answer.write_text('{"80": 0.5, "20": 0.25}')
    assert (await model.next_tokens([asked]))[0].labels["20"] == pytest.approx(math.log(0.25))
