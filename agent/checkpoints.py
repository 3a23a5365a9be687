"""A run's graph with its checkpoints on disk: where it stands, and how it goes on.

Together with graph.py this is the only place that speaks LangGraph.
"""

import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agent.errors import RunError
from agent.state import START_STATE, RunState
from agent.workshop import Workshop

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from agent.graph import Graph

RECURSION_LIMIT = 100_000
"""Steps of one stretch of work. LangGraph's own limit guards against loops; ours is the number of rounds."""


class Watcher:
    """Told what goes on; the command line shows it. This one says nothing."""

    def begins(self, node: str) -> None:
        """A node starts."""

    def goes_on(self, doing: str) -> None:
        """A node says how far it is."""

    def ends(self, node: str, summary: str) -> None:
        """A node has finished."""


@dataclass(frozen=True)
class Standing:
    """Where a run stands."""

    state: RunState
    begun: bool
    finished: bool
    waiting: str | None
    """Id of the interrupt that waits for a reviewer."""


class CheckpointedGraph:
    """The graph of one run; every finished node is on disk before the next one starts."""

    def __init__(self, graph: "Graph", thread: str) -> None:
        self._graph = graph
        self._config: RunnableConfig = {"configurable": {"thread_id": thread}, "recursion_limit": RECURSION_LIMIT}

    async def standing(self) -> Standing:
        """Where the run stands now; RunError when its checkpoints cannot be read."""
        snapshot = await self._graph.aget_state(self._config)
        if len(snapshot.interrupts) > 1:
            raise RunError("the run's checkpoints hold several open reviews; it was changed from outside.")
        return Standing(
            state=cast(RunState, snapshot.values),
            begun=bool(snapshot.values or snapshot.next),
            finished=bool(snapshot.values) and not snapshot.next,
            waiting=snapshot.interrupts[0].id if snapshot.interrupts else None,
        )

    async def begin(self, watcher: Watcher, stop_asked: Callable[[], bool]) -> bool:
        """Run from the start until the end or a review; False when it was stopped between two nodes."""
        return await self._advance(START_STATE, watcher, stop_asked)

    async def go_on(self, watcher: Watcher, stop_asked: Callable[[], bool]) -> bool:
        """Run on from the last checkpoint."""
        return await self._advance(None, watcher, stop_asked)

    async def answer(self, interrupt: str, digest: str, watcher: Watcher, stop_asked: Callable[[], bool]) -> bool:
        """Run on from a review that was decided."""
        from langgraph.types import Command

        return await self._advance(Command(resume={interrupt: {"digest": digest}}), watcher, stop_asked)

    async def _advance(self, given: Any, watcher: Watcher, stop_asked: Callable[[], bool]) -> bool:
        from langgraph.errors import GraphDrained
        from langgraph.runtime import RunControl

        control = RunControl()
        events = self._graph.astream(given, self._config, stream_mode="tasks", durability="sync", control=control)
        try:
            async for event in events:
                _tell(watcher, event)
                if stop_asked():
                    control.request_drain("stopped by the user")
        except GraphDrained:
            return False
        return True


def _tell(watcher: Watcher, event: Any) -> None:
    if "result" not in event:
        watcher.begins(event["name"])
    elif not event["interrupts"]:
        watcher.ends(event["name"], str((event["result"] or {}).get("summary", "")))


@asynccontextmanager
async def open_graph(workshop: Workshop) -> AsyncIterator[CheckpointedGraph]:
    """Open graph.sqlite and compile the graph over it; RunError when the file is damaged."""
    # LangGraph reads this when it is first imported: only primitives may enter a checkpoint.
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    from agent.graph import build_graph

    try:
        async with AsyncSqliteSaver.from_conn_string(str(workshop.folder.graph_file)) as saver:
            await saver.setup()
            yield CheckpointedGraph(build_graph(workshop, saver), workshop.folder.path.name)
    except sqlite3.DatabaseError as error:
        raise RunError(f"{workshop.folder.graph_file} is damaged ({error}). Start a new run.") from error
