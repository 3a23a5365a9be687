"""`traitsmith report` and `traitsmith status`: no model, clear errors, runs in any state."""

import json
import re
import sqlite3
import subprocess
import sys

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from agent.cli.main import app
from agent.errors import RunError
from agent.records import BatchDecision, ReviewAsked
from agent.review.files import write_review
from agent.review.schema import BatchLine, PairLine, Review
from tests.agent.report.report_rounds import fill_rounds
from tests.agent.report.report_runs import failed_run, fill_calls, fill_definition, finished_run, open_folder


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def status(folder) -> dict:
    return json.loads(run("status", folder.path, "--json"))


def test_report_builds_the_page_by_path_and_by_id(tmp_path):
    folder, journal = finished_run(tmp_path)
    journal.close()
    fill_calls(folder)
    answer = json.loads(run("report", folder.path, "--json"))
    assert answer["report"] == str(folder.report_file)
    first = folder.report_file.read_bytes()
    folder.report_file.unlink()
    assert "report" in run("report", folder.path.name[:10], "--out", tmp_path)
    assert folder.report_file.read_bytes() == first


def test_a_run_that_was_only_created_has_a_report_and_no_store(tmp_path):
    folder, journal = open_folder(tmp_path)
    journal.close()
    for file in folder.path.glob("store.sqlite*"):
        file.unlink()
    run("report", folder.path)
    assert "The trait is being defined" in folder.report_file.read_text(encoding="utf-8")
    assert status(folder)["state"] == "stopped"
    assert not folder.store_file.exists(), "looking at a run changes nothing"


def test_status_of_a_finished_and_of_a_failed_run(tmp_path):
    folder, journal = finished_run(tmp_path / "one")
    journal.close()
    fill_calls(folder)
    told = status(folder)
    assert (told["state"], told["round"], len(told["rounds"])) == ("passed", 4, 4)
    assert set(told["stages"].values()) == {"done"} and sum(row["calls"] for row in told["cost"]) == 6431
    assert "traitsmith resume" in told["advice"], "without its manifest a run is not whole"
    folder.manifest_file.write_text("{}")
    assert status(folder)["advice"] == ""
    shown = run("status", folder.path)
    assert "Passed both gates" in shown and "82%" in shown and "steer dataset" in shown
    folder, journal = failed_run(tmp_path / "two")
    journal.close()
    assert status(folder)["state"] == "failed"
    assert "not extractable this way" in run("status", folder.path).lower()


def test_status_of_a_waiting_run_says_what_to_do(tmp_path):
    folder, journal = open_folder(tmp_path, review="file")
    fill_definition(journal)
    fill_rounds(journal, (10,), bad=(0,), conclude=False)
    journal._connection.execute("DELETE FROM records WHERE kind = 'batch_decision'")
    lines = tuple(PairLine(pair=f"01-00{i}", digest="0", positive="a", negative="b") for i in range(3))
    write_review(folder, Review(lines=lines, batch=BatchLine(batch="1")))
    journal.append({"1": ReviewAsked(since="2026-01-01T00:00:00+00:00")})
    told = status(folder)
    assert told["state"] == "waiting" and told["where"] == "Waits for the review of batch 1"
    assert "3 of 3 lines have no decision" in told["advice"] and f"traitsmith review {folder.path}" in told["advice"]
    review = folder.batch(1) / "review.jsonl"
    review.write_text("{not json\n")
    assert "cannot be read" in status(folder)["advice"]
    journal.append({"1": BatchDecision(action="continue")})
    assert status(folder)["state"] == "stopped"


def test_status_tells_a_running_run_from_a_stopped_one(tmp_path):
    folder, journal = open_folder(tmp_path)
    journal.close()
    with FileLock(folder.path / "run.lock"):
        assert status(folder)["state"] == "running"
    assert status(folder)["state"] == "stopped"


def test_status_lists_all_runs_and_a_damaged_one_hides_none(tmp_path):
    assert "no runs" in run("status", "--out", tmp_path)
    folder, journal = finished_run(tmp_path)
    journal.close()
    broken = folder.path.with_name("20260102T030405Z-8")
    broken.mkdir()
    (broken / "run.json").write_text("{")
    listed = json.loads(run("status", "--out", tmp_path, "--json"))["runs"]
    assert [row["state"] for row in listed] == ["passed", "damaged"]
    shown = run("status", "--out", tmp_path)
    assert "damaged" in shown
    assert re.search(r"pairs +wanted +calls", shown) and re.search(r"68 +60 +", shown), "more than were wanted"


def test_a_place_that_is_not_there_has_no_runs_to_list(tmp_path):
    with pytest.raises(RunError, match=r"--out '.*nope': there is no such folder"):
        run("status", "--out", tmp_path / "nope")


@pytest.mark.parametrize("command", ["report", "status", "resume"])
def test_a_run_that_was_copied_without_its_store_is_named_and_left_as_it_is(tmp_path, command):
    folder, journal = finished_run(tmp_path)
    journal.close()
    folder.manifest_file.write_text("{}")
    for file in folder.path.glob("store.sqlite*"):
        file.unlink()
    with pytest.raises(RunError, match=r"store\.sqlite is missing.*Copy the whole folder"):
        run(command, folder.path)
    assert not folder.store_file.exists()


@pytest.mark.parametrize("command", ["report", "status"])
def test_damaged_runs_are_one_clear_error(tmp_path, command):
    folder, journal = failed_run(tmp_path)
    journal._connection.execute("UPDATE records SET value = '{}' WHERE kind = 'trial' AND key = '01-000'")
    journal._connection.execute("UPDATE records SET value = '{\"drafted\": -' WHERE kind = 'round' AND key = '2'")
    journal.close()
    with pytest.raises(RunError, match="damaged record"):
        run(command, folder.path)
    for file in folder.path.glob("store.sqlite*"):
        file.unlink()
    folder.store_file.write_bytes(b"this is no database, and it is long enough to look like one" * 40)
    with pytest.raises(RunError, match=r"store\.sqlite is damaged"):
        run(command, folder.path)
    folder.info_file.write_text('{"format": 1}')
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        run(command, folder.path)
    folder.info_file.unlink()
    with pytest.raises(RunError, match="is no run"):
        run(command, folder.path)


def test_a_damaged_validation_file_is_named(tmp_path):
    folder, journal = finished_run(tmp_path)
    journal.close()
    folder.validation_file.write_text("{")
    with pytest.raises(RunError, match=r"validation\.json is damaged"):
        run("status", folder.path)


def test_both_work_while_another_process_writes(tmp_path):
    folder, journal = finished_run(tmp_path)
    fill_calls(folder)
    writer = sqlite3.connect(folder.store_file, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        run("report", folder.path)
        assert status(folder)["state"] == "passed"
    finally:
        writer.execute("ROLLBACK")
        writer.close()
        journal.close()


def test_neither_command_loads_torch(tmp_path):
    folder, journal = finished_run(tmp_path)
    journal.close()
    code = (
        "import sys; from agent.cli.main import app\n"
        f"for words in (['report', {str(folder.path)!r}], ['status', {str(folder.path)!r}]):\n"
        "    try: app(words)\n"
        "    except SystemExit as end: assert not end.code, end.code\n"
        "loaded = {'torch', 'transformers', 'langgraph'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
