"""Where a run stands once a gate has ended it."""

import ast
from pathlib import Path

import pytest

from agent.records import Ending
from agent.report.reading import open_run
from agent.report.standing import GATE_WORDS, STAGE_OF_GATE, read_standing
from tests.agent.report.report_measured import fill_directions
from tests.agent.report.report_runs import open_folder
from tests.agent.runs import ROOT


def gates_raised() -> set[object]:
    """The gates that the source names where it raises GateFailed."""
    calls = (
        node
        for file in (ROOT / "agent").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "GateFailed"
    )
    gates = [call.args[0] for call in calls]
    assert all(isinstance(gate, ast.Constant) for gate in gates), "a gate is named where it is raised"
    return {gate.value for gate in gates if isinstance(gate, ast.Constant)}


def test_every_gate_that_is_raised_has_its_stage_and_words_and_no_other():
    assert set(STAGE_OF_GATE) == set(GATE_WORDS) == gates_raised()


@pytest.mark.parametrize(("extracted", "stage"), [(False, "directions"), (True, "steering")])
def test_weights_that_are_not_the_served_ones_fail_the_stage_that_needs_them(
    tmp_path: Path, extracted: bool, stage: str
):
    folder, journal = open_folder(tmp_path)
    if extracted:
        fill_directions(journal)
    journal.append({"ending": Ending(passed=False, gate="weights", message="they continue 1 of 8 texts alike.")})
    with open_run(folder) as run:
        standing = read_standing(run.folder, run.info, run.journal)
    assert [one.name for one in standing.stages if one.state == "failed"] == [stage]
    assert standing.headline == "Failed: the weights are not those that are served"
