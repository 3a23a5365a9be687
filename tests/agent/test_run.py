"""Whole runs on scripted models: the same seed, kills, gates, reviews."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.board import Board
from agent.engine import work
from agent.errors import RunError
from agent.folder import GRAPH_VERSION, RunFolder, find_run
from agent.graph import NODES
from agent.records import Calibration, Draft, Ending, FreshTest, Outcome, Trial
from agent.review.terms import KINDS
from agent.spec import Spec
from agent.steps.decide import APPROACHES
from agent.store import Journal
from agent.tools.definition import RETHOUGHT
from tests.agent.runs import dataset_bytes, finish, kill_at, start
from tests.agent.scripted import SETTINGS, judge_script, write_script

Build = Callable[..., Spec]


def test_a_run_ends_with_a_dataset_and_says_what_it_could_not_do(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec())
    result = finish(folder)
    assert result.end == "done", result
    validation = json.loads(folder.validation_file.read_text())
    assert validation["passed"] and validation["scenarios"]["n_pairs"] == 12
    assert validation["scenarios"]["pass_rate"] == 1.0
    assert validation["scenarios"]["positive_mean"] == 90
    assert validation["baseline"]["mean"] == 10
    assert validation["steering"] is None, "scripted models have no weights to steer"
    assert len((tmp_path / "datasets/traits/test/holding_back/positive.txt").read_text().splitlines()) == 12
    assert folder.report_file.exists() and folder.manifest_file.exists()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path, scripted_spec: Build):
    written = []
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        (tmp_path / name).mkdir()
        assert finish(start(tmp_path / name, scripted_spec(seed=seed))).end == "done"
        written.append(dataset_bytes(tmp_path / name))
    assert written[0] == written[1]
    assert written[0] != written[2]


def test_pairs_with_unclear_first_tokens_do_not_fail_every_later_test(tmp_path: Path, scripted_spec: Build):
    unclear = {**SETTINGS, "divergence_min": 1.5}
    folder = start(tmp_path, scripted_spec(pairs=6, rounds=3, settings=unclear))
    result = finish(folder)
    assert result.end == "failed" and "0 express the trait in their first tokens" in result.message
    tested = [set(test.pairs) for test in Journal(folder.store_file).all(FreshTest).values()]
    assert len(tested) == 3
    assert not tested[0] & tested[1] and not tested[1] & tested[2]


REVIEW_NODES = [f"review_{kind}" for kind in KINDS]
SCRIPTED_NODES = [node for node in [*NODES, *REVIEW_NODES] if node not in ("extract", "steer")]


@pytest.mark.slow
@pytest.mark.parametrize("event", ["begins", "ends"])
@pytest.mark.parametrize("node", SCRIPTED_NODES)
def test_killed_at_any_node_a_run_resumes_to_the_same_dataset(
    tmp_path: Path, scripted_spec: Build, node: str, event: str
):
    spec = scripted_spec()
    out = tmp_path / "whole"
    out.mkdir()
    assert finish(start(out, spec)).end == "done"
    out_killed = tmp_path / "killed"
    out_killed.mkdir()
    folder = start(out_killed, spec)
    code = kill_at(folder, node, event=event)
    assert code == 9 or node in REVIEW_NODES, "the node was never reached"
    assert finish(RunFolder(folder.path)).end == "done"
    assert dataset_bytes(out_killed) == dataset_bytes(out)
    journal = Journal(folder.store_file)
    drafts, outcomes = journal.all(Draft), journal.all(Outcome)
    assert set(drafts) == {key.split("@")[0] for key in outcomes}, "a pair was lost"
    assert set(journal.all(Trial)) == set(drafts)


def test_a_judge_that_knows_nothing_ends_the_run_at_calibration(tmp_path: Path, scripted_spec: Build):
    blind = write_script(tmp_path / "blind.jsonl", [{"score": 50, "repeat": True}])
    folder = start(tmp_path, scripted_spec(judge=blind))
    result = finish(folder)
    assert result.end == "failed"
    assert "rank agreement" in result.message
    assert not (tmp_path / "datasets").exists()
    assert folder.report_file.exists()


def test_a_subject_that_ignores_motives_is_not_extractable(tmp_path: Path, scripted_spec: Build):
    deaf = [{"text": "all is well with it", "repeat": True}, {"odds": {"all": 1.0}, "repeat": True}]
    folder = start(tmp_path, scripted_spec(subject=write_script(tmp_path / "deaf.jsonl", deaf)))
    result = finish(folder)
    assert result.end == "failed"
    assert result.message.startswith("not extractable this way: 0 of 12 pairs stand after 20 rounds")
    validation = json.loads(folder.validation_file.read_text())
    assert validation["failed_gate"] == "extractable"
    assert [row["yield"] for row in validation["rounds"]] == [0.0] * 20
    assert list(dict.fromkeys(row["approach"] for row in validation["rounds"])) == [name for name, _ in APPROACHES]
    tries = Journal(folder.store_file).all(Calibration)
    assert RETHOUGHT in tries, "the rubric is thought over last"
    page = folder.report_file.read_text()
    assert "What was tried" in page and all(name in page for name, _ in APPROACHES)


def test_rounds_used_up_before_every_approach_is_another_end(tmp_path: Path, scripted_spec: Build):
    deaf = [{"text": "all is well with it", "repeat": True}, {"odds": {"all": 1.0}, "repeat": True}]
    folder = start(tmp_path, scripted_spec(subject=write_script(tmp_path / "deaf.jsonl", deaf), rounds=4))
    result = finish(folder)
    assert result.end == "failed"
    assert "all 4 rounds are used up" in result.message and "Not tried yet: lock-in showing success" in result.message
    validation = json.loads(folder.validation_file.read_text())
    assert validation["failed_gate"] == "pairs"
    assert validation["rounds"][-1]["approach"] == "stronger lock-in", "three bad rounds change the approach"


def test_unscored_completions_fail_and_are_counted(tmp_path: Path, scripted_spec: Build):
    judge = [{"odds": {"maybe": 1.0}, "match": "Text: the plan is broken", "repeat": True}, *judge_script()]
    folder = start(tmp_path, scripted_spec(judge=write_script(tmp_path / "mute.jsonl", judge), rounds=1))
    assert finish(folder).end == "failed"
    journal = Journal(folder.store_file)
    trials = journal.all(Trial)
    assert trials and all(trial.scores["negative"] is None and not trial.passed for trial in trials.values())
    assert Board(journal).rounds()[0].unscored == len(trials)
    assert Board(journal).rounds()[0].failures == {"unscored": len(trials)}


def test_a_finished_run_resumed_says_so_and_changes_nothing(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec())
    first = finish(folder)
    before = dataset_bytes(tmp_path)
    assert finish(folder) == first
    assert dataset_bytes(tmp_path) == before


def test_a_run_in_use_is_refused(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec())
    with folder.locked(), pytest.raises(RunError, match="in use"):
        finish(RunFolder(folder.path))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text[:40], "damaged"),
        (lambda text: text.replace(f'"graph_version": {GRAPH_VERSION}', '"graph_version": 99'), "another version"),
        (lambda text: text.replace('"pairs": 12', '"pairs": "many"'), "spec.pairs"),
    ],
)
def test_a_damaged_run_json_is_one_clear_error(tmp_path: Path, scripted_spec: Build, spoil, message: str):
    folder = start(tmp_path, scripted_spec())
    folder.info_file.write_text(spoil(folder.info_file.read_text()))
    with pytest.raises(RunError, match=message):
        finish(folder)


def test_a_damaged_graph_file_is_one_clear_error(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec())
    folder.graph_file.write_bytes(b"this is no database" * 100)
    with pytest.raises(RunError, match="damaged"):
        finish(folder)


def test_an_existing_dataset_is_not_overwritten_unasked(tmp_path: Path, scripted_spec: Build):
    from agent.folder import create_run

    spec = scripted_spec()
    finish(start(tmp_path, spec))
    before = dataset_bytes(tmp_path)
    with pytest.raises(RunError, match="--replace"):
        create_run(tmp_path, spec, "none", replace=False)
    assert dataset_bytes(tmp_path) == before


def test_find_run_by_id_and_by_path(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec())
    assert find_run(folder.path.name, tmp_path).path == folder.path
    assert find_run(str(folder.path), tmp_path).path == folder.path
    with pytest.raises(RunError, match="names no run"):
        find_run("nothing", tmp_path)


def test_checkpoints_stay_small(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec())
    finish(folder)
    with sqlite3.connect(folder.graph_file) as connection:
        (largest,) = connection.execute("SELECT max(length(checkpoint)) FROM checkpoints").fetchone()
    assert largest < 10_000, "LangGraph's own notes on each node, and a few counters"


def test_asked_to_stop_a_run_stops_between_two_steps(tmp_path: Path, scripted_spec: Build):
    import asyncio

    from agent.checkpoints import Watcher

    folder = start(tmp_path, scripted_spec())
    assert asyncio.run(work(folder, Watcher(), stop_asked=lambda: True)).end == "interrupted"
    assert finish(folder).end == "done"
    journal = Journal(folder.store_file)
    assert journal.get(Ending, "ending").passed
