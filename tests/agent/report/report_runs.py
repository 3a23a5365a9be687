"""Runs made up for tests of the report: a finished one, failed ones, one that has hardly begun. All deterministic."""

import random
from pathlib import Path

from agent.folder import GRAPH_VERSION, RunFolder, RunInfo, write_atomically
from agent.records import (
    Calibration,
    CalibrationRow,
    Draft,
    Ending,
    FirstTokenRecord,
    FreshTest,
    FreshTrial,
    Outcome,
    SteeringRecord,
    TraitRecord,
)
from agent.spec import Spec
from agent.store import Journal
from lm.calls import CallStore
from tests.agent.report.report_facts import FACTS, TRAIT, USAGE
from tests.agent.report.report_measured import fill_directions, fill_questions, make_steering
from tests.agent.report.report_rounds import fill_rounds, make_trial


def open_folder(root: Path, *, review: str = "none", **spec: object) -> tuple[RunFolder, Journal]:
    """A run folder with run.json and an empty journal."""
    path = root / "runs" / "alignment.strategic_omission" / "20260102T030405Z-7"
    path.mkdir(parents=True)
    folder = RunFolder(path)
    given = {"category": "alignment", "trait": "strategic_omission", "pairs": 60, "seed": 7, **spec}
    info = RunInfo(
        format=1,
        graph_version=GRAPH_VERSION,
        created="2026-01-02T03:04:05+00:00",
        spec=Spec.model_validate(given),
        review=review,  # type: ignore[arg-type]
        replace=False,
        versions={"traitsmith": "0.1.0", "torch": "2.13.0", "pydantic": "2.12.0"},
        prompts={"draft_pair": "3f" * 32, "judge_trait": "a7" * 32},
    )
    write_atomically(folder.info_file, info.model_dump_json(indent=2, by_alias=True) + "\n")
    return folder, Journal(folder.store_file)


def fill_calls(folder: RunFolder) -> None:
    """The calls behind USAGE, one stored row each, so that totals add up."""
    from lm.calls import Call

    store = CallStore(folder.store_file)
    for number, row in enumerate(USAGE):
        calls = [
            Call(f"{number}-{i}", row.role, row.step, row.model, "complete", "{}", "{}",
                 row.tokens_in if i == 0 else 0, row.tokens_out if i == 0 else 0, row.seconds if i == 0 else 0.0, "")
            for i in range(row.calls)
        ]  # fmt: skip
        store.append(calls)
    store.close()


def fill_definition(journal: Journal, *, agrees: bool = True) -> None:
    """The trait and its calibration."""
    rng = random.Random(1)
    for number, good in enumerate((False, agrees)):
        rows = tuple(
            CalibrationRow(
                level=level,
                situation=f"The speaker knows that {FACTS[i % 6][1]} {FACTS[i % 6][2]}.",
                text=f"I would say {FACTS[i % 6][3]}." if level > 50 else f"You should know that it {FACTS[i % 6][2]}.",
                score=min(100.0, max(0.0, level + rng.gauss(0, 7))) if good else rng.uniform(20, 80),
            )
            for i, level in enumerate((3, 10, 17, 24, 31, 38, 62, 69, 76, 83, 90, 97))
        )
        spearman = 0.963 if good else 0.214
        journal.append(
            {str(number): Calibration(rubric_key=TRAIT.rubric.key, rows=rows, spearman=spearman, passed=good)}
        )
    journal.append({"trait": TraitRecord(trait=TRAIT)})


def fill_fresh_test(
    journal: Journal, number: int = 1, round_number: int = 4, *, wanted: int = 60, failing: int = 3
) -> None:
    """A fresh test of the first `wanted` accepted pairs, of which `failing` fail."""
    rng = random.Random(3 + number)
    outcomes = journal.all(Outcome)
    removed = {key.split("@")[0] for key in outcomes if "@" in key}
    in_time = {id_ for id_ in outcomes if int(id_[:2]) <= round_number} - removed
    accepted = [id_ for id_, outcome in outcomes.items() if outcome.accepted and id_ in in_time][:wanted]
    drafts, first = journal.all(Draft), journal.all(FirstTokenRecord)
    trials = {}
    for place, id_ in enumerate(accepted):
        trial = make_trial(drafts[id_].pair, 44 if place < failing else rng.uniform(76, 97), rng.uniform(3, 24), rng)
        trials[id_] = FreshTrial.model_validate(trial.model_dump())
    journal.append({f"{id_}@{number}": trial for id_, trial in trials.items()})
    passed = tuple(id_ for id_, trial in trials.items() if trial.passed)
    express = tuple(id_ for id_ in trials if first[id_].result.verdict == "EXPRESS")
    if number == 1 and round_number < 4:
        journal.append(
            {f"{id_}@1": Outcome(accepted=False, reason="scores 44 / 12") for id_ in trials if id_ not in passed}
        )
    journal.append(
        {str(number): FreshTest(round=round_number, pairs=tuple(trials), passed=passed, express=express, unscored=1)}
    )


def finished_run(root: Path) -> tuple[RunFolder, Journal]:
    """A run that passed everything: 60 pairs after four rounds and two fresh tests."""
    folder, journal = open_folder(root)
    fill_definition(journal)
    fill_rounds(journal)
    fill_fresh_test(journal, 1, 3, wanted=50, failing=6)
    fill_fresh_test(journal, 2, 4)
    fill_questions(journal)
    fill_directions(journal)
    journal.append({"steering": SteeringRecord(report=make_steering())})
    journal.append({"ending": Ending(passed=True, gate=None, message="all gates passed")})
    return folder, journal


def failed_run(root: Path) -> tuple[RunFolder, Journal]:
    """A run whose pairs never came together."""
    folder, journal = open_folder(root, pairs=60, rounds=3)
    fill_definition(journal)
    fill_rounds(journal, (10, 20, 20), bad=(8, 14, 15))
    message = "not extractable this way: 7 of 60 pairs stand after 3 rounds; approaches tried: as drafted."
    journal.append({"ending": Ending(passed=False, gate="pairs", message=message)})
    return folder, journal


def uncalibrated_run(root: Path) -> tuple[RunFolder, Journal]:
    """A run whose judge never agreed."""
    folder, journal = open_folder(root)
    fill_definition(journal, agrees=False)
    message = "the judge does not rank texts as the author wrote them: 0.21, 0.21, needed 0.8."
    journal.append({"ending": Ending(passed=False, gate="calibration", message=message)})
    return folder, journal
