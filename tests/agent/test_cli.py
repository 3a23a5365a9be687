"""The command line as a user meets it: exit codes, one clear line per mistake, nothing left behind."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from lm.errors import UserError
from tests.agent.commands import TRAITSMITH, environment, spec_file, traitsmith
from tests.agent.runs import ROOT

TRAIT = "alignment/strategic_omission"


def write(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)


BAD_INPUT = {
    "no slash": (["create", "omission"], "CATEGORY/TRAIT"),
    "parent folder": (["create", "../omission"], "'..'"),
    "upper case": (["create", "alignment/Omission"], "'Omission'"),
    "unknown trait": (["create", "alignment/nonesuch"], TRAIT),
    "malformed reference": (["create", TRAIT, "--author", "gpt"], "'gpt'"),
    "unknown provider": (["create", TRAIT, "--judge", "opnai:x"], "opnai"),
    "missing checkpoint": (["create", TRAIT, "--subject", "hf:./no-such-folder"], "no-such-folder"),
    "no pairs": (["create", TRAIT, "--pairs", "0"], "pairs"),
    "bad review": (["create", TRAIT, "--review", "maybe"], "maybe"),
    "unknown review": (["create", TRAIT, "--review", "file", "--review-at", "batch,cut"], "'cut'"),
    "no such policy": (["create", TRAIT, "--approve", "none.toml"], "none.toml"),
    "policy with a typo": (["create", TRAIT, "--approve", "policy.toml"], "batch.predictd"),
    "policy without rules": (["create", TRAIT, "--approve", "empty.toml"], "names no rule"),
    "timeout without an end": (["create", TRAIT, "--review", "file", "--timeout", "7d"], "belong together"),
    "timeout of nothing": (
        ["create", TRAIT, "--review", "file", "--timeout", "soon", "--on-timeout", "fail"],
        "'soon'",
    ),
    "timeout of nothing, without an end": (["create", TRAIT, "--review", "file", "--timeout", "foo"], "'foo'"),
    "prices of a folder": (["create", TRAIT, "--prices", "a-folder"], "'a-folder' is a folder. Name a file."),
    "answers of a folder": (["create", TRAIT, "--answers", "a-folder"], "is a folder. Name a run, with its store"),
    "truth for a number": (
        ["create", TRAIT, "--spec", "truth.toml"],
        "pairs: Input should be a valid integer, got True",
    ),
    "truth for a setting": (["create", TRAIT, "--spec", "deep.toml"], "settings.positive_min: Input should be a valid"),
    "unknown end": (["create", TRAIT, "--review", "file", "--timeout", "1d", "--on-timeout", "shrug"], "shrug"),
    "policy without anybody": (["create", TRAIT, "--review", "none", "--review-at", "batch"], "asks nobody"),
    "no such notifier": (["create", TRAIT, "--notify", "no-such-program-here"], "no-such-program-here"),
    "missing spec": (["create", TRAIT, "--spec", "none.toml"], "none.toml"),
    "typo in the spec": (["create", TRAIT, "--spec", "typo.toml"], "paires"),
    "spec of another trait": (["create", TRAIT, "--spec", "other.toml"], "Make them agree"),
    "spec that is no TOML": (["create", TRAIT, "--spec", "broken.toml"], "not TOML"),
    "typo in the settings": (["create", TRAIT, "--spec", "settings.toml"], "smaples"),
    "answers that are none": (["create", TRAIT, "--answers", "notes.jsonl"], "notes.jsonl, line 2"),
    "unknown run": (["resume", "nonesuch"], "nonesuch"),
    "report of an unknown run": (["report", "nonesuch"], "nonesuch"),
    "status of an unknown run": (["status", "nonesuch"], "nonesuch"),
    "vet without a dataset": (["vet", TRAIT], "there is no dataset at"),
    "one file of candidates": (["vet", TRAIT, "--positive", "typo.toml"], "--negative"),
    "candidates of two lengths": (
        ["vet", TRAIT, "--positive", "typo.toml", "--negative", "settings.toml"],
        "counts must be equal",
    ),
    "unwritable folder": (["create", TRAIT, "--out", "a-file"], "--out"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_clear_error_and_nothing_is_written(tmp_path: Path, case: str):
    write(tmp_path / "typo.toml", "paires = 50\n")
    write(tmp_path / "other.toml", 'trait = "deception"\n')
    write(tmp_path / "broken.toml", "pairs = = 3\n")
    write(tmp_path / "settings.toml", "[settings]\nsmaples = 3\n")
    write(tmp_path / "notes.jsonl", '{"key": "a", "answer": {}}\nremember the milk\n')
    write(tmp_path / "policy.toml", "[batch]\npredictd = 0.9\n")
    write(tmp_path / "empty.toml", "[batch]\n")
    write(tmp_path / "truth.toml", "pairs = true\n")
    write(tmp_path / "deep.toml", "[settings]\npositive_min = true\n")
    write(tmp_path / "a-file", "in the way")
    (tmp_path / "a-folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    arguments, hint = BAD_INPUT[case]
    done = (
        traitsmith(*arguments, "--out", str(tmp_path), cwd=tmp_path)
        if "--out" not in arguments
        else traitsmith(*arguments, cwd=tmp_path)
    )
    assert done.returncode == 2, done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 6, done.stderr
    left = [path for path in sorted(tmp_path.rglob("*")) if path not in before and path.name != "runs"]
    assert [path for path in left if path.is_file()] == []


def test_create_review_resume_report_status(tmp_path: Path):
    spec = spec_file(tmp_path, pairs=3)
    waiting = traitsmith("create", "test/holding_back", "--spec", str(spec), "--json", cwd=tmp_path)
    assert waiting.returncode == 3, waiting.stderr
    run = json.loads(waiting.stdout)["run"]
    asked = Path(json.loads(waiting.stdout)["review_file"])
    assert asked == Path(run) / "reviews/definition-1.jsonl" and asked.with_suffix(".md").exists()
    no_terminal = traitsmith("review", run, cwd=tmp_path)
    assert no_terminal.returncode == 2 and "review.jsonl" in no_terminal.stderr
    for name in ("reviews/definition-1", "batches/001/review", "batches/001/results", "reviews/final-1"):
        file = Path(run) / f"{name}.jsonl"
        decided = 1 if name == "batches/001/results" else -1  # the rest as the rules propose
        file.write_text(file.read_text().replace('"decision": null', '"decision": "approve"', decided))
        rest = ["--rest"] if name == "batches/001/results" else []
        done = traitsmith("review", run, "--apply", *rest, "--json", cwd=tmp_path)
        assert done.returncode == (0 if name == "reviews/final-1" else 3), done.stderr
    assert json.loads(done.stdout)["validation"]["passed"]
    status = traitsmith("status", run, "--json", cwd=tmp_path)
    assert status.returncode == 0, status.stderr
    json.loads(status.stdout)
    listed = traitsmith("status", cwd=tmp_path)
    assert listed.returncode == 0 and "holding_back" in listed.stdout
    (Path(run) / "report.html").unlink()
    assert traitsmith("report", run, cwd=tmp_path).returncode == 0
    assert (Path(run) / "report.html").stat().st_size > 1000


def test_a_failed_gate_exits_with_5(tmp_path: Path):
    from tests.agent.scripted import write_script

    blind = write_script(tmp_path / "blind.jsonl", [{"score": 50, "repeat": True}])
    spec = spec_file(tmp_path, judge=blind)
    done = traitsmith("create", "test/holding_back", "--spec", str(spec), "--review", "none", cwd=tmp_path)
    assert done.returncode == 5, done.stderr
    assert "rank agreement" in done.stdout


def test_ctrl_c_stops_between_two_steps_and_resume_goes_on(tmp_path: Path):
    spec = spec_file(tmp_path, pairs=40)
    options = ["create", "test/holding_back", "--spec", str(spec), "--review", "none", "--json"]
    process = subprocess.Popen(
        [*TRAITSMITH, *options],
        cwd=tmp_path,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("run "), "the run has begun"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    interrupted = json.loads(output)
    assert interrupted["end"] == "interrupted"
    done = traitsmith("resume", interrupted["run"], "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["validation"]["scenarios"]["n_pairs"] == 40


def test_a_wrong_word_in_a_list_is_the_one_fault_named(tmp_path: Path):
    from agent.spec import build_spec as read_spec

    write(tmp_path / "spec.toml", 'lock_ins = ["foo"]\n')
    with pytest.raises(UserError, match=r"lock_ins\.0: Input should be 'speech'.*got 'foo'") as wrong:
        read_spec(TRAIT, tmp_path / "spec.toml", {})
    assert len(str(wrong.value).splitlines()) == 1
    write(tmp_path / "spec.toml", "lock_ins = []\n")
    with pytest.raises(UserError, match="lock_ins: Tuple should have at least 1 item"):
        read_spec(TRAIT, tmp_path / "spec.toml", {})


def test_the_specs_in_the_documentation_are_valid(tmp_path: Path):
    from agent.spec import build_spec as read_spec

    text = (ROOT / "docs/commands.md").read_text()
    blocks = [block.split("```")[0] for block in text.split("```toml\n")[1:]]
    assert blocks
    for block in blocks:
        (tmp_path / "spec.toml").write_text(block)
        read_spec("alignment/strategic_omission", tmp_path / "spec.toml", {})
