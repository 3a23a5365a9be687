"""The method on one page: which tool follows which. Wiring only; the work is in agent/tools/ and agent/steps/.

    define → definition review → draft | define (changed)
    draft → lint → predict → batch review → test → first_token → analyse → results review → cut → decide
    decide → draft (the next round) | fresh_test
    fresh_test → draft (too many fail) | questions → final review → write | draft (pairs were removed)
    write → extract → steer → conclude | conclude (no weights to read)

Each review is three nodes: prepare_* lays it out, review_* waits, record_* takes the decisions over. A gate that fails
leads from any node to conclude. docs/graph.md is drawn from this.
"""

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any, Literal, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt

from agent.errors import GateFailed, RunError
from agent.records import Ending
from agent.review.schema import ReviewId
from agent.review.terms import KINDS, Kind
from agent.state import RunState
from agent.tools.register import TOOLS
from agent.workshop import Workshop

Graph = CompiledStateGraph[RunState, None, RunState, RunState]


class Node(Protocol):
    """A node: from the state to what changes in it."""

    def __call__(self, state: RunState) -> Awaitable[dict[str, Any]]:
        """Do one step."""
        ...


NODES: dict[str, str] = {
    "define": "define",
    "prepare_definition": "prepare_definition_review",
    "record_definition": "record_definition_review",
    "draft": "draft_batch",
    "lint": "lint_batch",
    "predict": "predict_batch",
    "prepare_batch": "prepare_batch_review",
    "record_batch": "record_batch_review",
    "test": "test_batch",
    "first_token": "test_batch_first_tokens",
    "analyse": "analyse_batch",
    "prepare_results": "prepare_results_review",
    "record_results": "record_results_review",
    "cut": "cut_batch",
    "decide": "decide",
    "fresh_test": "fresh_test",
    "questions": "write_steering_questions",
    "prepare_final": "prepare_final_review",
    "record_final": "record_final_review",
    "write": "write_dataset",
    "extract": "extract_dataset",
    "steer": "steer_dataset",
    "conclude": "conclude_run",
}
"""Node names with the tool each one calls."""

COUNTERS: dict[Kind, Literal["definition", "round", "test"]] = {
    "definition": "definition",
    "batch": "round",
    "results": "round",
    "final": "test",
}
"""What each review is counted by."""

REVIEW_NODES: dict[Kind, str] = {kind: f"review_{kind}" for kind in KINDS}
"""The nodes that call no tool: they only wait."""

LINES: tuple[tuple[str, ...], ...] = (
    ("define", "prepare_definition", "review_definition", "record_definition"),
    ("draft", "lint", "predict", "prepare_batch", "review_batch", "record_batch", "test", "first_token", "analyse"),
    ("analyse", "prepare_results", "review_results", "record_results", "cut", "decide"),
    ("questions", "prepare_final", "review_final", "record_final"),
    ("extract", "steer", "conclude"),
)
"""Nodes that simply follow each other."""

FORKS: dict[str, tuple[str, ...]] = {
    "record_definition": ("define", "draft"),
    "decide": ("draft", "fresh_test"),
    "fresh_test": ("draft", "questions"),
    "record_final": ("draft", "write"),
    "write": ("extract", "conclude"),
}
"""Nodes whose answer (`step`) names the next one."""


def build_graph(workshop: Workshop | None, checkpointer: BaseCheckpointSaver[str] | None) -> Graph:
    """The run's graph over its open workshop; without one it can be drawn and its checkpoints read, no more."""
    graph: StateGraph[RunState, None, RunState, RunState] = StateGraph(RunState)
    for name, tool in NODES.items():
        graph.add_node(name, _call(workshop, tool))
    for kind, name in REVIEW_NODES.items():
        graph.add_node(name, _wait(kind))
    graph.add_edge(START, "define")
    for line in LINES:
        for name, following in pairwise(line):
            graph.add_conditional_edges(name, _follow(following), [following, "conclude"])
    for name, targets in FORKS.items():
        graph.add_conditional_edges(name, _choose, list({*targets, "conclude"}))
    graph.add_edge("conclude", END)
    return graph.compile(checkpointer=checkpointer)


def _wait(kind: Kind) -> Node:
    """A node that waits for its reviewer: one interrupt and nothing else, as it runs again when the run is resumed."""
    counter = COUNTERS[kind]

    async def review(state: RunState) -> dict[str, Any]:
        interrupt({"review": ReviewId(kind=kind, number=state[counter]).key, "digest": state["digest"]})
        return {}

    return review


def _call(workshop: Workshop | None, name: str) -> Node:
    """A node that calls one tool; a failed gate is written down and ends the run."""
    tool = TOOLS[name]

    async def node(state: RunState) -> dict[str, Any]:
        if workshop is None:
            raise RunError(f"the node {name!r} needs a run: name its folder in `configurable.run`.")
        given = {field: value for field, value in state.items() if field in tool.takes.model_fields}
        try:
            done = await tool.run(workshop, given)
        except GateFailed as failure:
            ending = Ending(passed=False, gate=failure.gate, message=str(failure))
            workshop.journal.append({"ending": ending})
            return {"failed": failure.gate, "summary": str(failure)}
        kept: dict[str, Any] = done.model_dump()
        return kept

    return node


def _follow(following: str) -> Callable[[RunState], str]:
    return lambda state: "conclude" if state.get("failed") else following


def _choose(state: RunState) -> str:
    return "conclude" if state.get("failed") else state["step"]
