"""A run that waits: a week later, in another process, at another place it goes on to the same dataset."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.errors import RunError
from agent.folder import RunFolder
from agent.records import Ending, PairDecision
from agent.review.terms import ReviewTerms, read_duration
from agent.spec import Spec
from agent.store import Journal
from tests.agent.commands import spec_file, traitsmith
from tests.agent.reviews import answer, finish_with, waiting
from tests.agent.runs import dataset_bytes, finish, kill_at, start

Build = Callable[..., Spec]
WEEK = timedelta(days=7)


def let_pass(folder: RunFolder, time: timedelta) -> None:
    """Make a run look as it would after so long a pause: what it says of time, and its files' dates."""
    since = (datetime.now(UTC) - time).isoformat(timespec="seconds")
    with sqlite3.connect(folder.store_file) as store:
        store.execute("UPDATE records SET value = ? WHERE kind = 'review_asked'", (json.dumps({"since": since}),))
    store.close()
    then = (datetime.now(UTC) - time).timestamp()
    for file in folder.path.rglob("*"):
        os.utime(file, (then, then))


def test_after_a_week_on_another_machine_a_run_goes_on_to_the_same_dataset(tmp_path: Path, scripted_spec: Build):
    for name in ("here", "there", "straight"):
        (tmp_path / name).mkdir()
    spec = spec_file(tmp_path / "here", pairs=3)
    asked = traitsmith("create", "test/holding_back", "--spec", str(spec), "--review", "file",
                       "--review-at", "batch,final", "--json", cwd=tmp_path / "here")  # fmt: skip
    assert asked.returncode == 3, asked.stderr
    here = Path(json.loads(asked.stdout)["run"])
    let_pass(RunFolder(here), WEEK)
    there = tmp_path / "there" / "runs" / here.parent.name / here.name
    shutil.copytree(here, there)
    shutil.rmtree(here)
    for end in (3, 0):
        answered = traitsmith("review", here.name, "--apply", "--rest", "--json", cwd=tmp_path / "there")
        assert answered.returncode == end, answered.stderr
    assert finish(start(tmp_path / "straight", RunFolder(there).read_info().spec)).end == "done"
    assert dataset_bytes(tmp_path / "there") == dataset_bytes(tmp_path / "straight")
    assert not (tmp_path / "here" / "datasets").exists()


def test_a_run_folder_alone_in_a_place_of_its_own_goes_on_there(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path / "here", scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch",)))
    assert finish(folder).end == "waiting"
    desk = tmp_path / "desk"
    shutil.copytree(folder.path, desk / "that run")
    assert finish_with(RunFolder(desk / "that run"))[0].end == "done"
    assert finish_with(folder)[0].end == "done", "the original waits for its own answers"
    assert dataset_bytes(desk) == dataset_bytes(tmp_path / "here")


@pytest.mark.parametrize(("timeout", "end"), [("14d", "waiting"), ("6d", "failed")])
def test_a_week_counts_against_the_time_a_review_has(tmp_path: Path, scripted_spec: Build, timeout: str, end: str):
    terms = ReviewTerms(at=("batch",), timeout=read_duration(timeout), on_timeout="fail")
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=terms)
    assert finish(folder).end == "waiting"
    let_pass(folder, WEEK)
    assert finish(folder).end == end
    ending = Journal(folder.store_file).find(Ending, "ending")
    assert (ending is None) == (end == "waiting")
    if ending is not None:
        assert "nobody decided batch 1 within 6 days" in ending.message


def test_what_changed_behind_the_reviewers_back_is_refused(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch",)))
    finish(folder)
    answer(folder)
    with sqlite3.connect(folder.store_file) as store:
        store.execute("UPDATE records SET value = replace(value, 'I knew', 'We knew') WHERE kind = 'draft'")
    store.close()
    with pytest.raises(RunError, match="what batch 1 shows changed after it was laid out"):
        finish(folder)


@pytest.mark.slow
@pytest.mark.parametrize("event", ["begins", "ends"])
@pytest.mark.parametrize("kind", ["batch", "results", "final"])
def test_killed_while_decisions_are_taken_over_none_is_lost(
    tmp_path: Path, scripted_spec: Build, kind: str, event: str
):
    folders = {}
    for name in ("killed", "whole"):
        terms = ReviewTerms(at=(kind,))  # type: ignore[arg-type]
        folders[name] = start(tmp_path / name, scripted_spec(pairs=3), review="file", terms=terms)
        assert finish(folders[name]).end == "waiting"
        answer(folders[name])
    assert kill_at(folders["killed"], f"record_{kind}", event=event) == 9
    for folder in folders.values():
        assert finish_with(folder)[0].end == "done"
    assert dataset_bytes(tmp_path / "killed") == dataset_bytes(tmp_path / "whole")
    one, other = (Journal(folder.store_file).all(PairDecision) for folder in folders.values())
    assert one == other


def test_a_review_that_waits_is_named_with_its_file(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch",)))
    result = finish(folder)
    assert result.review_file == folder.batch(1) / "review.jsonl"
    assert result.review_file.exists() and waiting(folder).key == "1"
