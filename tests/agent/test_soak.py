"""Ten kills at each node, in one run: `make soak`. The dataset that comes out is that of a run nobody disturbed."""

from pathlib import Path

import pytest

from agent.folder import RunFolder
from agent.graph import NODES
from agent.records import Draft, Outcome, Trial
from agent.spec import Spec
from agent.store import Journal
from tests.agent.runs import dataset_bytes, finish, kill_at, start

pytestmark = pytest.mark.soak

KILLS = 10
SCRIPTED_NODES = [node for node in NODES if node not in ("extract", "steer")]
"""Scripted models have no weights."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Spec, dict[str, bytes]]:
    from tests.agent.scripted import build_spec

    out = tmp_path_factory.mktemp("undisturbed")
    spec = build_spec(out)
    assert finish(start(out, spec)).end == "done"
    return spec, dataset_bytes(out)


@pytest.mark.parametrize("node", SCRIPTED_NODES)
def test_killed_ten_times_at_a_node_a_run_resumes_to_the_same_dataset(
    tmp_path: Path, undisturbed: tuple[Spec, dict[str, bytes]], node: str
):
    spec, whole = undisturbed
    folder = start(tmp_path, spec)
    codes = [kill_at(folder, node, event="begins") for _ in range(KILLS)]
    assert codes == [9] * KILLS, "the node was reached each time"
    assert finish(RunFolder(folder.path)).end == "done"
    assert dataset_bytes(tmp_path) == whole
    journal = Journal(folder.store_file)
    assert set(journal.all(Trial)) == set(journal.all(Draft)) == {key.split("@")[0] for key in journal.all(Outcome)}


def test_killed_at_every_node_in_turn_a_run_resumes_to_the_same_dataset(
    tmp_path: Path, undisturbed: tuple[Spec, dict[str, bytes]]
):
    spec, whole = undisturbed
    folder = start(tmp_path, spec)
    for node in SCRIPTED_NODES:
        kill_at(folder, node, event="ends")
    assert finish(RunFolder(folder.path)).end == "done"
    assert dataset_bytes(tmp_path) == whole
