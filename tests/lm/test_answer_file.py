"""Answers as a file: what goes in comes out, and serves a replay as the store itself does."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm import CallStore, ModelFailure, Recorded
from lm.answer_file import (
    AnswerFile,
    AnswerLine,
    CapabilitiesLine,
    export_answers,
    open_answers,
    read_lines,
    write_lines,
)
from lm.errors import UserError
from lm.scripted import ScriptedAnswer, ScriptedModel
from lm.types import Capabilities, NextTokenRequest, Request, Sampling

COUNTS = st.integers(-(2**53), 2**53)
LINES = st.lists(
    st.builds(
        AnswerLine,
        key=st.text(min_size=1),
        answer=st.dictionaries(st.text(), st.text() | COUNTS | st.floats(allow_nan=False, allow_infinity=False)),
        role=st.text(),
        asked=st.text(),
    )
    | st.builds(
        CapabilitiesLine,
        model=st.text(),
        capabilities=st.builds(Capabilities, context=COUNTS, scale=st.just(()), served=st.text()),
    )
)


@given(lines=LINES)
def test_lines_come_back_as_they_were_written(lines, tmp_path_factory):
    file = tmp_path_factory.mktemp("answers") / "a.jsonl"
    write_lines(file, lines)
    assert read_lines(file) == lines


async def test_an_exported_store_answers_as_the_store_does(tmp_path: Path):
    requests = [Request(prompt=prompt, sampling=Sampling(max_tokens=4)) for prompt in ("a", "b", "a", "never")]
    asked = [NextTokenRequest(prompt="c", labels=("1", "2"), top=3)]
    answers = [ScriptedAnswer(text="no", finish="refusal", match="never"), ScriptedAnswer(odds={"1": 0.25, "9": 0.5})]
    answers += [ScriptedAnswer(text=text) for text in ("x", "y", "z")]
    with closing(CallStore(tmp_path / "store.sqlite")) as store:
        model = Recorded(ScriptedModel.from_answers(answers, "scripted:x"), store, role="author")
        said, odds = await model.complete(requests), await model.next_tokens(asked)
        assert export_answers(store, tmp_path / "answers.jsonl") == 4
    older = open_answers(tmp_path / "answers.jsonl")
    assert isinstance(older, AnswerFile)
    with closing(CallStore(tmp_path / "new.sqlite")) as empty:
        silent = ScriptedModel.from_answers([], "scripted:x")
        replayed = Recorded(silent, empty, role="author", mode="replay", older=older)
        assert await replayed.complete(requests[:3]) == said[:3]
        assert await replayed.next_tokens(asked) == odds
        with pytest.raises(ModelFailure, match=r"1 of 4 answers .* were never recorded"):
            await replayed.complete(requests)


@pytest.mark.parametrize(
    ("line", "says"),
    [("so", "line 2: it is no JSON"), ('{"key": "a"}', "line 2: answer"), ("[1]", "line 2: the line"), ("3", "line 2")],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: str, says: str):
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"key": "a", "answer": {"text": "x", "finish": "stop"}}) + f"\n{line}\n")
    with pytest.raises(UserError, match=says):
        AnswerFile(file)


def test_what_is_neither_is_one_clear_error(tmp_path: Path):
    file = tmp_path / "store.sqlite"
    file.write_text("a letter, long enough to be no database" * 99)
    with pytest.raises(UserError, match="cannot be used as a call store"):
        open_answers(file)
