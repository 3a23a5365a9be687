import math

import pytest

from lm.errors import ModelFailure, ModelReferenceError
from lm.open import open_model
from lm.scripted import ScriptedAnswer, ScriptedModel
from lm.types import Message, NextTokenRequest, Request, Sampling


def request(prompt: str) -> Request:
    return Request(prompt=prompt, sampling=Sampling(max_tokens=9))


async def texts(model, *prompts: str) -> list[str]:
    return [completion.text for completion in await model.complete([request(prompt) for prompt in prompts])]


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text(
        '{"text": "brakes", "match": "car"}\n'
        "\n"
        '{"text": "first"}\n'
        '{"score": 80, "match": "honest"}\n'
        '{"odds": {"10": 0.5, "20": 0.25}, "repeat": true}\n'
        '{"text": "cut", "finish": "length"}\n'
        '{"text": "again", "repeat": true}\n'
    )
    return path


async def test_answers_are_matched_by_words_and_order(script):
    model = open_model(f"scripted:{script}")
    assert await texts(model, "a house", "a car", "a boat", "a plane", "a train") == [
        "first",
        "brakes",
        "cut",
        "again",
        "again",
    ]


async def test_scores_and_odds_answer_for_probabilities(script):
    model = open_model(f"scripted:{script}")
    asked = [
        NextTokenRequest(prompt=(Message(role="user", content="be honest"),), labels=("80", "10")),
        NextTokenRequest(prompt="else", labels=("80", " 10"), top=1),
    ]
    certain, spread = await model.next_tokens(asked)
    assert certain.labels == {"80": 0.0, "10": -math.inf}
    assert spread.labels == {"80": -math.inf, " 10": pytest.approx(math.log(0.5))}
    assert spread.top == {"10": pytest.approx(math.log(0.5))}


async def test_a_script_without_an_answer_left_says_for_which_prompt():
    model = ScriptedModel.from_answers([ScriptedAnswer(text="one"), ScriptedAnswer(score=3)], "scripted:x")
    assert await texts(model, "a") == ["one"]
    with pytest.raises(ModelFailure, match=r"scripted:x has no text left .*1 answers .*the second prompt"):
        await texts(model, "the second prompt")


def test_a_json_array_is_a_script_too(tmp_path):
    (tmp_path / "a.json").write_text('[{"text": "x"}]')
    assert open_model(f"scripted:{tmp_path}/a.json").reference.endswith("a.json")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"text": "x"}\n{"txt": "x"}', "line 2"),
        ('{"text": "x", "score": 1}', "exactly one of"),
        ("nonsense", "line 1"),
        ('[{"score": 101}]', "less than or equal to 100"),
    ],
)
def test_a_bad_script_is_one_clear_error(tmp_path, content, says):
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    with pytest.raises(ModelReferenceError, match="cannot be used") as caught:
        open_model(f"scripted:{path}")
    assert says in str(caught.value)


def test_a_missing_script_is_one_clear_error(tmp_path):
    with pytest.raises(ModelReferenceError, match="cannot be read"):
        open_model(f"scripted:{tmp_path}/none.jsonl")
