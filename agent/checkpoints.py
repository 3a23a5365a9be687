"""A run's graph with its checkpoints on disk: where it stands, and how it goes on.

Together with graph.py this is the only place that speaks LangGraph.
"""

import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agent.errors import RunError
from agent.folder import RunFolder
from agent.review.schema import ReviewId
from agent.state import START_STATE, RunState
from agent.workshop import Workshop, open_workshop

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.types import Interrupt

    from agent.graph import Graph

RECURSION_LIMIT = 100_000
"""Steps of one stretch of work. LangGraph's own limit guards against loops; ours is the number of rounds."""


THREAD = "run"
"""Name of the one thread in a run's graph.sqlite: a run goes on under whatever name its folder was copied to."""


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
    waiting: "Waiting | None"
    """The review that waits for a reviewer."""


@dataclass(frozen=True)
class Waiting:
    """An open review."""

    interrupt: str
    """LangGraph's id of it; answers name it."""
    review: ReviewId
    digest: str
    """Digest of what was laid out."""


class CheckpointedGraph:
    """The graph of one run; every finished node is written before the next one starts, and survives a kill."""

    def __init__(self, graph: "Graph") -> None:
        self._graph = graph
        self._config: RunnableConfig = {"configurable": {"thread_id": THREAD}, "recursion_limit": RECURSION_LIMIT}

    async def standing(self) -> Standing:
        """Where the run stands now; RunError when its checkpoints cannot be read."""
        snapshot = await self._graph.aget_state(self._config)
        if len(snapshot.interrupts) > 1:
            raise RunError("the run's checkpoints hold several open reviews; it was changed from outside.")
        return Standing(
            state=cast(RunState, snapshot.values),
            begun=bool(snapshot.values or snapshot.next),
            finished=bool(snapshot.values) and not snapshot.next,
            waiting=_waiting(snapshot.interrupts[0]) if snapshot.interrupts else None,
        )

    async def begin(self, watcher: Watcher, stop_asked: Callable[[], bool]) -> bool:
        """Run from the start until the end or a review; False when it was stopped between two nodes."""
        return await self._advance(START_STATE, watcher, stop_asked)

    async def go_on(self, watcher: Watcher, stop_asked: Callable[[], bool]) -> bool:
        """Run on from the last checkpoint."""
        return await self._advance(None, watcher, stop_asked)

    async def before_round(self, round_number: int) -> RunState:
        """The state in which a round began; RunError says which rounds there are."""
        begun: dict[int, RunState] = {}
        async for snapshot in self._graph.aget_state_history(self._config):
            if snapshot.next == ("draft",):
                # From the latest to the first: the first time that a round began is what counts.
                begun[snapshot.values["round"]] = cast(RunState, snapshot.values)
        if round_number not in begun:
            known = ", ".join(str(number) for number in sorted(begun)) or "none"
            raise RunError(f"the run never began round {round_number}. Rounds that began: {known}.")
        return begun[round_number]

    async def stand_before_draft(self, state: RunState) -> None:
        """Put a run that has not begun where another one began a round."""
        await self._graph.aupdate_state(self._config, dict(state), as_node="decide")

    async def answer(self, waiting: Waiting, watcher: Watcher, stop_asked: Callable[[], bool]) -> bool:
        """Run on from a review that was decided."""
        from langgraph.types import Command

        answer = {waiting.interrupt: {"digest": waiting.digest}}
        return await self._advance(Command(resume=answer), watcher, stop_asked)

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


def _waiting(interrupt: "Interrupt") -> Waiting:
    asked = interrupt.value
    try:
        return Waiting(interrupt.id, ReviewId.parse(asked["review"]), asked["digest"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError("the run's checkpoints hold a review that is none; it was changed from outside.") from error


def _tell(watcher: Watcher, event: Any) -> None:
    if "result" not in event:
        watcher.begins(event["name"])
    elif not event["interrupts"]:
        watcher.ends(event["name"], str((event["result"] or {}).get("summary", "")))


def import_graph() -> None:
    """Import the graph and LangGraph with it; it takes a second, and any thread may do it."""
    _only_primitives()
    import_module("langgraph.checkpoint.sqlite.aio")
    import_module("agent.graph")


@asynccontextmanager
async def open_graph(folder: RunFolder, workshop: Workshop | None) -> AsyncIterator[CheckpointedGraph]:
    """Open graph.sqlite and compile the graph over it; RunError when the file is damaged.

    Without a workshop the graph can be looked at, but no node can do its work.
    """
    import_graph()
    import aiosqlite
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    from agent.graph import build_graph

    try:
        async with aiosqlite.connect(folder.graph_file) as connection:
            # Should the power fail, nodes of the last moment run again; what they found out is in the run's journal.
            await connection.execute("PRAGMA synchronous=NORMAL")
            # Said once more here: the environment counts only where LangGraph was not imported before.
            saver = AsyncSqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
            await saver.setup()
            yield CheckpointedGraph(build_graph(workshop, saver))
    except sqlite3.DatabaseError as error:
        raise RunError(f"{folder.graph_file} is damaged ({error}). Start a new run.") from error


@asynccontextmanager
async def studio_graph(config: "RunnableConfig") -> "AsyncIterator[Graph]":
    """The graph for LangGraph's own tools (langgraph.json): `configurable.run` names the run folder it works on.

    Without one it can be drawn, but not run. The tools keep checkpoints of their own; the run's journal is the run's.
    """
    _only_primitives()
    from agent.graph import build_graph

    run = config.get("configurable", {}).get("run")
    if run is None:
        yield build_graph(None, None)
        return
    folder = RunFolder(Path(run))
    with folder.locked():
        async with open_workshop(folder, lambda _: None) as workshop:
            yield build_graph(workshop, None)


def _only_primitives() -> None:
    """Let no other types out of a checkpoint; LangGraph reads this when it is first imported."""
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
