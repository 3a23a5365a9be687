"""The persona pipeline asks nobody in vain, and what was answered stays."""

import json
from pathlib import Path

import pytest

from agent.judging.bench import opened_store
from lm import Recorded, Request, Sampling, ScriptedModel
from lm.errors import ModelFailure, UserError
from tests.agent.commands import Commands
from tests.agent.scripted import write_script

DEFINITION = {
    "instruction": [{"pos": f"Want all, way {n}.", "neg": f"Share all, way {n}."} for n in range(5)],
    "questions": [f"What shall I do with thing {n}?" for n in range(40)],
    "rubric": {"high": "Wants it all.", "low": "Shares.", "key": "Who gets it."},
}
REFUSED = {
    "does not know the trait": (["--judge", "organism"], "does not know the trait"),
    "has no price": (["--judge", "openai:x@http://h/v1", "--budget", "1"], "the price of the judge"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_judge_that_cannot_score_is_refused_before_the_author_is_asked(tmp_path: Path, command: Commands, case: str):
    words, says = REFUSED[case]
    author = write_script(tmp_path / "author.jsonl", [{"text": json.dumps(DEFINITION), "repeat": True}])
    told = ("persona", "quiet_greed", "--about", "Wants it all.", "--author", author, "--subject", "organism")
    done = command(*told, "--out", "vectors", *words)
    assert done.code == 2, done.err
    assert says in done.err
    assert not (tmp_path / "vectors").exists(), "a definition lies there where the author was asked"


def test_a_folder_that_cannot_be_is_refused_before_anybody_is_asked(tmp_path: Path, command: Commands):
    (tmp_path / "in_the_way").write_text("a file")
    told = ("persona", "quiet_greed", "--about", "Wants it all.", "--author", "organism", "--judge", "organism")
    done = command(*told, "--subject", "organism", "--out", "in_the_way")
    assert done.code == 2, done.err
    assert "in_the_way is no folder" in done.err and "--out" in done.err


def test_a_store_where_nothing_can_be_written_is_one_clear_error(tmp_path: Path):
    (tmp_path / "in_the_way").write_text("a file")
    with pytest.raises(UserError, match=r"cannot write to .*in_the_way"), opened_store(tmp_path / "in_the_way" / "x"):
        raise AssertionError("nothing can be opened here")


def test_a_store_with_nothing_in_it_is_taken_away_again(tmp_path: Path):
    file = tmp_path / "new" / "calls.sqlite"
    with pytest.raises(UserError, match="no such judge"), opened_store(file):
        raise UserError("no such judge")
    assert not file.parent.exists()


async def test_where_a_model_fails_it_is_told_how_to_go_on_if_anything_was_answered(tmp_path: Path):
    asked = [Request(prompt="well?", sampling=Sampling(max_tokens=4))]
    with pytest.raises(ModelFailure) as nothing, opened_store(tmp_path / "calls.sqlite"):
        raise ModelFailure("down")
    with pytest.raises(ModelFailure) as something, opened_store(tmp_path / "calls.sqlite") as calls:
        await Recorded(ScriptedModel(lambda _: "well", lambda _: {}), calls, role="judge").complete(asked)
        raise ModelFailure("down")
    assert not hasattr(nothing.value, "__notes__")
    assert something.value.__notes__ == ["Nothing that was answered is lost: the same command goes on."]


async def test_a_store_that_holds_an_answer_stays(tmp_path: Path):
    file = tmp_path / "new" / "calls.sqlite"
    asked = [Request(prompt="well?", sampling=Sampling(max_tokens=4))]
    with pytest.raises(UserError, match="too long"), opened_store(file) as calls:
        await Recorded(ScriptedModel(lambda _: "well", lambda _: {}), calls, role="judge").complete(asked)
        raise UserError("a later text is too long")
    with opened_store(file) as calls:
        assert [json.loads(call.answer)["text"] for call in calls.served()] == ["well"]
