"""LangGraph used well: forks, what a checkpoint may hold, versions, and its own tools."""

import asyncio
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from agent.checkpoints import open_graph
from agent.drawing import draw_page
from agent.errors import RunError
from agent.folder import GRAPH_VERSION, RunFolder, list_runs
from agent.fork import fork_run, state_before
from agent.graph import NODES, build_graph
from agent.records import Draft, Ending, Trial
from agent.review.terms import ReviewTerms
from agent.spec import Spec
from agent.store import Journal
from tests.agent.commands import Commands
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


def test_a_run_without_its_store_is_nothing_to_go_on_from(tmp_path: Path, scripted_spec: Build, command: Commands):
    source = start(tmp_path, scripted_spec(pairs=3))
    finish(source)
    for file in source.path.glob("store.sqlite*"):
        file.unlink()
    for words in (("create", "--from", str(source.path), "--at", "1"), ("resume", str(source.path))):
        done = command(*words)
        assert done.code == 2, done.err
        assert "store.sqlite is missing" in done.err
    assert not source.store_file.exists()
    assert [folder.path for folder in list_runs(tmp_path)] == [source.path]


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


def load_as_langgraph_does(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """What langgraph.json names, loaded from its file under a name of its own, as LangGraph's server loads it."""
    config = json.loads((ROOT / "langgraph.json").read_text())
    path, _, name = config["graphs"]["traitsmith"].partition(":")
    module_name = path.replace("/", "__").replace(".py", "").lstrip(".")
    spec = importlib.util.spec_from_file_location(module_name, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module_name, module)
    spec.loader.exec_module(module)
    factory: Callable[..., Any] = getattr(module, name)
    assert len(inspect.signature(factory).parameters) == 1, "the server passes its configuration, and nothing else"
    return factory


def test_langgraphs_own_tools_can_open_the_graph(tmp_path: Path, scripted_spec: Build, monkeypatch):
    factory = load_as_langgraph_does(monkeypatch)

    async def open_and_define(folder: RunFolder) -> dict[str, Any]:
        async with factory({}) as drawn:
            assert "review_batch" in drawn.get_graph().nodes
            assert drawn.get_input_jsonschema()["properties"], "Studio draws its form from this"
            with pytest.raises(RunError, match="needs a run"):
                await drawn.ainvoke({"round": 1, "definition": 1})
        async with factory({"configurable": {"run": str(folder.path)}}) as graph:
            from langgraph.checkpoint.memory import InMemorySaver

            graph.checkpointer = InMemorySaver()
            thread = {"configurable": {"thread_id": "studio"}}
            start_state = {"round": 1, "approach": "as drafted", "test": 1, "definition": 1}
            done: dict[str, Any] = await graph.ainvoke(start_state, thread)
            return done

    done = asyncio.run(open_and_define(start(tmp_path, scripted_spec(pairs=3))))
    assert done["__interrupt__"][0].value["review"] == "definition-1"
