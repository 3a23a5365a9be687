"""A run that was played by hand (tests/agent/played): author and judge were a person, the trait one of our own.

Where it fails because a prompt, a schema or a record was changed on purpose: `python -m tests.agent.played.refresh`.
"""

import json
import shutil
from pathlib import Path

import pytest

from lm.answer_file import read_lines
from tests.agent.commands import traitsmith
from tests.agent.played import refresh

DATASET = refresh.PLAYED / "dataset"
NOT_OF_THE_DATASET = ("cost", "prompts")
"""What the card says of the run alone: a replay makes no calls, and prompts it did not use may differ."""


def files_of(dataset: Path) -> dict[str, bytes | dict[str, object]]:
    files: dict[str, bytes | dict[str, object]] = {file.name: file.read_bytes() for file in dataset.iterdir()}
    card = json.loads((dataset / "card.json").read_text())
    return {**files, "card.json": {name: value for name, value in card.items() if name not in NOT_OF_THE_DATASET}}


def test_it_is_replayed_to_the_same_bytes_and_ends_with_the_dataset(tmp_path: Path):
    for name in ("spec.toml", "subject.jsonl", "assistant.jsonl"):
        shutil.copy(refresh.PLAYED / name, tmp_path)
    played = ("--spec", "spec.toml", "--answers", str(refresh.PLAYED / "answers.jsonl"), "--cache", "replay")
    done = traitsmith("create", refresh.TRAIT, *played, "--review", "none", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no weights of the subject and assistant" in " ".join((done.stdout + done.stderr).split())
    assert not (tmp_path / "inbox").exists()
    dataset = tmp_path / "datasets" / "traits" / refresh.TRAIT
    assert files_of(dataset) == files_of(DATASET)
    (validation,) = (json.loads(file.read_text()) for file in tmp_path.glob("runs/*/*/validation.json"))
    assert validation["passed"]
    assert validation["steering"] is None
    assert [(r["drafted"], r["passed"]) for r in validation["rounds"]] == [(6, 4), (6, 6)]


def test_asked_by_file_the_same_answers_make_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    run, end = refresh.play(tmp_path)
    assert end.startswith("done"), end
    refresh.export(run, tmp_path / "answers.jsonl")
    assert read_lines(tmp_path / "answers.jsonl") == read_lines(refresh.PLAYED / "answers.jsonl")
    assert files_of(run.dataset(run.read_info().spec)) == files_of(DATASET)
    left = [file for file in (tmp_path / "inbox").rglob("*") if file.suffix in (".md", ".txt")]
    assert {file.name.partition(".")[2] for file in left} == {"request.md", "answer.txt"}
