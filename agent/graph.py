"""The method on one page: which tool follows which. Wiring only; the work is in agent/tools/ and agent/steps/.

    define → draft → lint → predict → prepare → review → record → test → first_token → analyse → cut → decide
    decide → draft (the next round) | fresh_test
    fresh_test → draft (too many fail) | questions → write
    write → extract → steer → conclude | conclude (no weights to read)

A gate that fails leads from any node to conclude.
"""

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt

from agent.errors import GateFailed
from agent.records import Ending
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
    "draft": "draft_batch",
    "lint": "lint_batch",
    "predict": "predict_batch",
    "prepare": "prepare_batch_review",
    "record": "record_batch_review",
    "test": "test_batch",
    "first_token": "test_batch_first_tokens",
    "analyse": "analyse_batch",
    "cut": "cut_batch",
    "decide": "decide",
    "fresh_test": "fresh_test",
    "questions": "write_steering_questions",
    "write": "write_dataset",
    "extract": "extract_dataset",
    "steer": "steer_dataset",
    "conclude": "conclude_run",
}
"""Node names with the tool each one calls. The review node calls none: it only waits."""

LINES: tuple[tuple[str, ...], ...] = (
    ("define", "draft", "lint", "predict", "prepare", "review", "record", "test", "first_token", "analyse", "cut"),
    ("cut", "decide"),
    ("questions", "write"),
    ("extract", "steer", "conclude"),
)
"""Nodes that simply follow each other."""

FORKS: dict[str, tuple[str, ...]] = {
    "decide": ("draft", "fresh_test"),
    "fresh_test": ("draft", "questions"),
    "write": ("extract", "conclude"),
}
"""Nodes whose answer (`step`) names the next one."""


def build_graph(workshop: Workshop, checkpointer: BaseCheckpointSaver[str] | None) -> Graph:
    """The run's graph over its open workshop."""
    graph: StateGraph[RunState, None, RunState, RunState] = StateGraph(RunState)
    for name, tool in NODES.items():
        graph.add_node(name, _call(workshop, tool))
    graph.add_node("review", _review)
    graph.add_edge(START, "define")
    for line in LINES:
        for name, following in pairwise(line):
            graph.add_conditional_edges(name, _follow(following), [following, "conclude"])
    for name, targets in FORKS.items():
        graph.add_conditional_edges(name, _choose, list({*targets, "conclude"}))
    graph.add_edge("conclude", END)
    return graph.compile(checkpointer=checkpointer)


async def _review(state: RunState) -> dict[str, Any]:
    # One interrupt and nothing else: this node runs again from its first line when the run is resumed.
    interrupt({"round": state["round"], "digest": state["digest"]})
    return {}


def _call(workshop: Workshop, name: str) -> Node:
    """A node that calls one tool; a failed gate is written down and ends the run."""
    tool = TOOLS[name]

    async def node(state: RunState) -> dict[str, Any]:
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
