"""`traitsmith rejudge`: a run's completions before another judge."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.folder import RunFolder
from agent.records import Draft
from agent.spec import Spec
from agent.store import Journal
from tests.agent.commands import Commands
from tests.agent.runs import dataset_bytes, finish, start
from tests.agent.scripted import judge_script, write_script


@pytest.fixture
def finished(tmp_path: Path, scripted_spec: Callable[..., Spec]) -> RunFolder:
    folder = start(tmp_path, scripted_spec(pairs=3))
    assert finish(folder).end == "done"
    return folder


def first_truth(folder: RunFolder) -> tuple[str, str]:
    """A pair and its ground truth."""
    journal = Journal(folder.store_file)
    id_, draft = next(iter(journal.all(Draft).items()))
    journal.close()
    return id_, draft.pair.ground_truth


def test_another_judge_flips_what_it_sees_otherwise_and_the_run_stays_as_it_is(
    tmp_path: Path, finished: RunFolder, command: Commands
):
    id_, truth = first_truth(finished)
    stricter = [{"score": 50, "match": f"Situation: {truth}", "repeat": True}, *judge_script()]
    other = write_script(tmp_path / "other.jsonl", stricter)
    data, journal = dataset_bytes(tmp_path), finished.report_file.read_bytes()
    done = command("rejudge", str(finished.path), "--judge", other, "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    found = answer["agreement"]
    assert {flip["pair"] for flip in found["flips"]} == {id_}
    assert all(flip["passed_before"] and not flip["passed_after"] for flip in found["flips"])
    assert all(set(flip["after"].values()) == {50} for flip in found["flips"])
    assert found["samples"] == found["pairs"] * 2 * 2
    assert (found["unscored_before"], found["unscored_after"]) == (0, 0)
    assert 0 < found["kappa_samples"]["value"] < 1
    assert found["passed_before"] == {"count": 3, "total": 3}
    assert found["last_test"] == "fresh 1"
    rows = [json.loads(line) for line in Path(answer["records"]).read_text().splitlines()]
    assert len(rows) == found["samples"]
    assert {row["before"]["kind"] for row in rows} == {row["after"]["kind"] for row in rows} == {"score"}
    assert all(row["after"]["judge"]["model"] == other for row in rows)
    assert all((row["after"]["value"] == 50) == (row["pair"] == id_) for row in rows)
    assert dataset_bytes(tmp_path) == data
    assert finished.report_file.read_bytes() == journal
    shown = command("rejudge", finished.path.name, "--judge", other, "--cache", "replay")
    assert shown.code == 0, shown.err
    assert id_ in shown.out and "passed, fails now" in shown.out


def test_the_same_judge_agrees_with_itself(finished: RunFolder, command: Commands):
    judge = finished.read_info().spec.judge
    done = command("rejudge", str(finished.path), "--judge", judge, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)["agreement"]
    assert (found["flips"], found["mean_difference"]) == ([], 0)
    assert found["spearman"]["value"] == found["kappa_samples"]["value"] == pytest.approx(1)


def test_unscored_stays_unscored_and_never_passes(tmp_path: Path, finished: RunFolder, command: Commands):
    blind = write_script(tmp_path / "blind.jsonl", [{"odds": {"I": 1.0}, "repeat": True}])
    done = command("rejudge", str(finished.path), "--judge", blind, "--json")
    assert done.code == 5
    found = json.loads(done.out)["agreement"]
    assert found["unscored_after"] == found["samples"]
    assert found["passed_after"]["count"] == 0
    assert found["spearman"]["value"] is None


def test_what_cannot_be_rejudged_is_one_clear_error(
    tmp_path: Path, scripted_spec: Callable[..., Spec], command: Commands
):
    folder = start(tmp_path, scripted_spec())
    unfinished = command("rejudge", str(folder.path), "--judge", folder.read_info().spec.judge)
    assert unfinished.code == 2 and "has not ended" in unfinished.err
    assert command("rejudge", "nonesuch", "--judge", "organism").code == 2
    assert not (folder.path / "rejudged").exists()
