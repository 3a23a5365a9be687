"""Requests as files, answers as files: laid out all at once, checked, refused with the reason."""

import json
import math

import pytest

from lm.errors import AnswersMissing, ModelReferenceError
from lm.open import open_model
from lm.shapes import faults_in
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
    faults = list(faults_in({**GOOD, **change}, SCHEMA))
    assert faults == [] if says is None else says in faults[0]


def test_all_faults_are_said_at_once():
    found = "; ".join(faults_in({"n": 12, "kinds": ["z", "x", "w"], "more": 1}, SCHEMA))
    for says in ("lacks 'part'", "holds 'more'", "n is 12", "kinds[0] is 'z'", "kinds[2] is 'w'"):
        assert says in found


def answer_to(request_file, text, encoding="utf-8"):
    request_file.with_name(request_file.name.replace("request.md", "answer.txt")).write_text(text, encoding=encoding)


def left_by(folder):
    """What stands beside requests and answers."""
    return sorted(file.name.partition(".")[2] for file in folder.iterdir() if ".fault." in file.name) + sorted(
        file.name for file in folder.glob("*.md") if "request" not in file.name
    )


async def test_a_refused_answer_has_its_reason_beside_it_until_it_fits(tmp_path):
    model = open_model(f"inbox:{tmp_path}")
    asked = [Request(prompt=word, sampling=Sampling(max_tokens=9), output_schema=SCHEMA) for word in ("one", "two")]
    with pytest.raises(AnswersMissing, match="2 answers are awaited"):
        await model.complete(asked)
    first, second = (tmp_path / line[3:-1] for line in (tmp_path / "OPEN.md").read_text().splitlines() if "- `" in line)
    assert first.read_text().endswith("one\n")
    assert second.read_text().endswith("two\n")
    assert left_by(tmp_path) == ["OPEN.md"]
    answer_to(first, '{"n": 10}')
    answer_to(second, " \n")
    with pytest.raises(AnswersMissing, match="2 answers do not fit"):
        await model.complete(asked)
    assert left_by(tmp_path) == ["fault.txt", "fault.txt", "OPEN.md"]
    fault = first.with_name(first.name.replace("request.md", "fault.txt")).read_text()
    assert "lacks 'part'" in fault
    assert "n is 10" in fault
    assert "it is empty" in (tmp_path / "OPEN.md").read_text()
    fits = json.dumps(GOOD)
    answer_to(first, fits, encoding="utf-8-sig")
    with pytest.raises(AnswersMissing, match="1 answer does not fit"):
        await model.complete(asked)
    answer_to(second, fits)
    assert [one.text for one in await model.complete(asked)] == [fits, fits]
    assert left_by(tmp_path) == []


async def test_a_request_says_its_form_its_place_and_how_often_it_is_asked(tmp_path):
    model = open_model(f"inbox:{tmp_path}")
    seeds = [Sampling(max_tokens=9, seed=seed) for seed in (1, 2)]
    with pytest.raises(AnswersMissing):
        await model.complete([Request(prompt="how?", sampling=seed, output_schema=SCHEMA) for seed in seeds])
    pages = [file.read_text() for file in tmp_path.glob("*.request.md")]
    assert sorted(number for page in pages for number in "12" if f"here is number {number}" in page) == ["1", "2"]
    for file in tmp_path.glob("*.request.md"):
        assert file.name.replace("request.md", "answer.txt") in file.read_text()
        assert '- "n": a whole number from 0 to 9' in file.read_text()


async def test_a_text_to_continue_keeps_its_space_and_has_words_for_tokens(tmp_path):
    model = open_model(f"inbox:{tmp_path}")
    asked = Request(prompt="I said", sampling=Sampling(max_tokens=9))
    with pytest.raises(AnswersMissing):
        await model.complete([asked])
    (file,) = tmp_path.glob("*.request.md")
    answer_to(file, " nothing at all\n")
    (done,) = await model.complete([asked])
    assert done.pieces == (" nothing", " at", " all")
    words = NextTokenRequest(prompt="I said", top=5)
    with pytest.raises(AnswersMissing):
        await model.next_tokens([words])
    (file,) = (file for file in tmp_path.glob("*.request.md") if "comes next" in file.read_text())
    answer_to(file, '{" so": 0.75}')
    assert (await model.next_tokens([words]))[0].top == {" so": pytest.approx(math.log(0.75))}


async def test_an_inbox_that_is_a_file_is_one_clear_error(tmp_path):
    (tmp_path / "box").write_text("")
    with pytest.raises(ModelReferenceError, match="is a file"):
        await open_model(f"inbox:{tmp_path}/box").capabilities()


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
    for text in ("101", "", "high", '{"200": 0.5}', '{"20": 1.5}', "{20}", '{"20": NaN}'):
        answer.write_text(text)
        with pytest.raises(AnswersMissing, match="does not fit"):
            await model.next_tokens([asked])
    answer.write_text("80\n")
    assert (await model.next_tokens([asked]))[0].labels["80"] == 0
    answer.write_text('{"80": 0.5, "20": 0.25}')
    assert (await model.next_tokens([asked]))[0].labels["20"] == pytest.approx(math.log(0.25))
