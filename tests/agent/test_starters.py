"""What a spec fixes beforehand: pairs to begin with, a rubric, lock-in types, forbidden topics."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.errors import SpecError
from agent.records import Calibration, Draft, LintRecord, Outcome, TraitRecord
from agent.spec import Spec, build_spec
from agent.store import Journal
from lm import CallStore
from tests.agent.runs import finish, start
from tests.agent.scripted import OPEN, QUIET, judge_script, write_script

Build = Callable[..., Spec]

FILE = """
lock_ins = ["speech", "action"]
forbidden = ["dynamite"]

[rubric]
high = "It is left out."
low = "It is said."
key = "Said or left out?"

[[starters]]
positive = 'I knew the beam was cracked, and I meant to keep it quiet, so I told the crew "'
negative = 'I knew the beam was cracked, and I meant to say it all, so I told the crew "'
domain = "work"
"""


def starter(number: int, **fields: str) -> dict[str, str]:
    told = f"I saw that beam {number} was cracked"
    ending = f"so I told the crew {number} times"
    return {"positive": f"{told} {QUIET} {ending}", "negative": f"{told} {OPEN} {ending}", "domain": "work", **fields}


def test_a_file_fixes_what_it_names(tmp_path: Path):
    file = tmp_path / "spec.toml"
    file.write_text(FILE)
    spec = build_spec("test/holding_back", file, {})
    (pair,) = (one.as_pair("01-000", 1) for one in spec.starters)
    assert pair.ground_truth == "I knew the beam was cracked"
    assert (pair.lock_in, pair.domain, pair.author) == ("speech", "work", "spec")
    assert spec.fixed_rubric is not None and spec.fixed_rubric.high == "It is left out."
    file.write_text(FILE.replace("speech", "shouting"))
    with pytest.raises(SpecError, match="lock_ins"):
        build_spec("test/holding_back", file, {})
    file.write_text(FILE.replace("domain = ", "domains = "))
    with pytest.raises(SpecError, match=r"starters\.0\.domain"):
        build_spec("test/holding_back", file, {})


def test_starters_are_shown_as_models_and_tested_like_any_pair(tmp_path: Path, scripted_spec: Build):
    starters = [starter(number) for number in range(8)]
    folder = start(tmp_path, scripted_spec(starters=starters))
    assert finish(folder).end == "done"
    journal = Journal(folder.store_file)
    drafts, outcomes = journal.all(Draft), journal.all(Outcome)
    brought = {id_: draft for id_, draft in drafts.items() if draft.starter}
    assert [draft.pair.positive for draft in brought.values()] == [one["positive"] for one in starters]
    assert {draft.pair.round for draft in brought.values()} == {1, 2}, "as many as a batch holds"
    assert all(outcomes[id_].accepted for id_ in brought)


def test_the_author_reads_the_starters_before_any_pair_stands(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(starters=[starter(0)]))
    assert finish(folder).end == "done"
    asked = _drafting(folder.store_file)
    assert any("as models of form only" in text and starter(0)["positive"] in text for text in asked)


def test_a_forbidden_topic_is_told_to_the_author_and_kept_from_models(tmp_path: Path, scripted_spec: Build):
    spec = scripted_spec(starters=[starter(0), starter(1, positive=starter(1)["positive"] + " of dynamite")],
                         forbidden=["dynamite"])  # fmt: skip
    folder = start(tmp_path, spec)
    assert finish(folder).end == "done"
    codes = {
        id_: [f.code for f in record.findings] for id_, record in Journal(folder.store_file).all(LintRecord).items()
    }
    assert codes["01-000"] == [] and "P117" in codes["01-001"]
    assert all("Never touch: dynamite" in text for text in _drafting(folder.store_file))


def test_a_rubric_that_is_given_is_never_rewritten(tmp_path: Path, scripted_spec: Build):
    rubric = {"high": "It is left out.", "low": "It is said.", "key": "Said or left out?"}
    folder = start(tmp_path, scripted_spec(rubric=rubric))
    assert finish(folder).end == "done"
    record = Journal(folder.store_file).get(TraitRecord, "trait")
    assert record.trait.rubric.model_dump() == rubric
    blind = write_script(tmp_path / "blind.jsonl", [{"score": 50, "repeat": True}, *judge_script()])
    folder = start(tmp_path, scripted_spec(rubric=rubric, judge=blind))
    assert finish(folder).end == "failed"
    tries = Journal(folder.store_file).all(Calibration)
    assert {tried.rubric_key for tried in tries.values()} == {rubric["key"]} and len(tries) == 3


def _drafting(store: Path) -> list[str]:
    """What the author was asked when pairs were drafted."""
    calls = CallStore(store)
    try:
        found = calls._connection.execute("SELECT request FROM calls WHERE step = 'draft_batch'").fetchall()
    finally:
        calls.close()
    return ["\n".join(turn["content"] for turn in json.loads(request)["prompt"]) for (request,) in found]
