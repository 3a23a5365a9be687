"""LangGraph used well: forks, what a checkpoint may hold, versions, and its own tools."""

import asyncio
import importlib
import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from agent.checkpoints import open_graph, studio_graph
from agent.drawing import draw_page
from agent.errors import RunError
from agent.folder import GRAPH_VERSION, RunFolder
from agent.fork import fork_run, state_before
from agent.graph import NODES, build_graph
from agent.records import Draft, Ending, Trial
from agent.review.terms import ReviewTerms
from agent.spec import Spec
from agent.store import Journal
from tests.agent.reviews import answer, finish_with
from tests.agent.runs import ROOT, dataset_bytes, finish, start

Build = Callable[..., Spec]

WIRING = {2: "e599b7c611e1"}
"""Graph versions with a digest of their nodes' names: a node renamed or removed needs another version."""


def fork(source: RunFolder, at: int, out: Path, **changes: object) -> RunFolder:
    spec = source.read_info().spec.model_copy(update=changes)
    folder = start(out, spec)
    asyncio.run(fork_run(source, asyncio.run(state_before(source, at)), folder))
    return folder


def test_a_fork_goes_on_where_the_other_run_began_a_round(tmp_path: Path, scripted_spec: Build):
    source = start(tmp_path / "one", scripted_spec(pairs=12))
    assert finish(source).end == "done"
    folder = fork(source, 2, tmp_path / "two")
    before = Journal(folder.store_file)
    assert {draft.pair.round for draft in before.all(Draft).values()} == {1}
    assert before.find(Ending, "ending") is None
    assert finish(folder).end == "done"
    one, two = (dataset_bytes(tmp_path / name) for name in ("one", "two"))
    for files in (one, two):
        del files["traits/test/holding_back/card.json"]  # the card tells what the run itself spent
    assert one == two, "the same way leads to the same place"
    journal = Journal(folder.store_file)
    old = Journal(source.store_file).all(Trial)
    assert all(journal.all(Trial)[id_] == old[id_] for id_ in before.all(Draft))


def test_a_fork_may_want_something_else(tmp_path: Path, scripted_spec: Build):
    source = start(tmp_path / "one", scripted_spec(pairs=6))
    assert finish(source).end == "done"
    folder = fork(source, 1, tmp_path / "two", pairs=9, seed=5)
    assert finish(folder).end == "done"
    assert json.loads(folder.validation_file.read_text())["scenarios"]["n_pairs"] == 9
    assert json.loads(source.validation_file.read_text())["scenarios"]["n_pairs"] == 6, "the other run is left alone"


def test_a_round_that_never_began_is_one_clear_error(tmp_path: Path, scripted_spec: Build):
    source = start(tmp_path, scripted_spec(pairs=6))
    with pytest.raises(RunError, match="has not begun"):
        asyncio.run(state_before(source, 1))
    finish(source)
    with pytest.raises(RunError, match=r"never began round 9\. Rounds that began: 1"):
        asyncio.run(state_before(source, 9))


def test_a_run_goes_on_from_a_copy_under_another_name(tmp_path: Path, scripted_spec: Build):
    terms = ReviewTerms(at=("batch", "final"))
    folder = start(tmp_path / "here", scripted_spec(pairs=3), review="file", terms=terms)
    assert finish(folder).end == "waiting"
    there = tmp_path / "there" / "runs" / "test.holding_back" / "copied"
    shutil.copytree(folder.path, there)
    result, asked = finish_with(RunFolder(there))
    assert result.end == "done" and asked == ["1", "final-1"]
    assert finish(folder).end == "waiting", "the original waits still"
    answer(folder)
    assert finish_with(folder)[0].end == "done"
    assert dataset_bytes(tmp_path / "here") == dataset_bytes(tmp_path / "there")


def test_only_primitives_come_out_of_a_checkpoint(tmp_path: Path, scripted_spec: Build):
    from pydantic import BaseModel

    class Odd(BaseModel):
        value: int = 1

    folder = start(tmp_path, scripted_spec())

    async def put_and_read() -> Any:
        async with open_graph(folder, None) as graph:
            await graph.stand_before_draft({"round": 1, "step": "draft", "summary": Odd()})  # type: ignore[typeddict-item]
            return (await graph.standing()).state["summary"]

    assert not isinstance(asyncio.run(put_and_read()), Odd)


def test_nodes_are_renamed_only_with_another_version():
    names = sorted(build_graph(None, None).get_graph().nodes)
    digest = sha256("\n".join(names).encode()).hexdigest()[:12]
    assert WIRING.get(GRAPH_VERSION) == digest, f"raise GRAPH_VERSION and record {digest}"


def test_a_step_that_is_no_longer_there_is_one_clear_error(tmp_path: Path, scripted_spec: Build, monkeypatch):
    from agent import graph

    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch",)))
    assert finish(folder).end == "waiting"
    lines = tuple(tuple(name.replace("review_", "ask_") for name in line) for line in graph.LINES)
    monkeypatch.setattr(graph, "LINES", lines)
    monkeypatch.setattr(graph, "REVIEW_NODES", {kind: f"ask_{kind}" for kind in graph.KINDS})
    with pytest.raises(RunError, match="stands at a step that this version does not have"):
        finish(folder)


def test_the_drawing_in_the_documentation_is_the_graph():
    told = "run `python -m agent.drawing > docs/graph.md`"
    assert (ROOT / "docs/graph.md").read_text() == draw_page(), told
    assert all(f"`{node}`" in draw_page() for node in NODES)


def test_langgraphs_own_tools_can_open_the_graph(tmp_path: Path, scripted_spec: Build):
    config = json.loads((ROOT / "langgraph.json").read_text())
    place, _, name = config["graphs"]["traitsmith"].partition(":")
    module = importlib.import_module(place.removeprefix("./").removesuffix(".py").replace("/", "."))
    assert getattr(module, name) is studio_graph

    async def open_and_define(folder: RunFolder) -> dict[str, Any]:
        async with studio_graph({}) as drawn:
            assert "review_batch" in drawn.get_graph().nodes
            with pytest.raises(RunError, match="needs a run"):
                await drawn.ainvoke({"round": 1, "definition": 1})
        async with studio_graph({"configurable": {"run": str(folder.path)}}) as graph:
            from langgraph.checkpoint.memory import InMemorySaver

            graph.checkpointer = InMemorySaver()
            thread = {"configurable": {"thread_id": "studio"}}
            start_state = {"round": 1, "approach": "as drafted", "test": 1, "definition": 1}
            done: dict[str, Any] = await graph.ainvoke(start_state, thread)  # type: ignore[arg-type]
            return done

    done = asyncio.run(open_and_define(start(tmp_path, scripted_spec(pairs=3))))
    assert done["__interrupt__"][0].value["review"] == "definition-1"
