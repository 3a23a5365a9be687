"""What every tool works with: one run's specification, folder, journal and models."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agent.board import Board
from agent.cast import Cast, open_cast
from agent.folder import RunFolder, RunInfo
from agent.spec import Spec
from agent.store import Journal
from lm import CallStore


@dataclass(frozen=True)
class Workshop:
    """One open run."""

    folder: RunFolder
    info: RunInfo
    journal: Journal
    board: Board
    calls: CallStore
    cast: Cast
    say: Callable[[str], None]
    """Tells whoever watches how far a long step is."""

    @property
    def spec(self) -> Spec:
        """What the run was asked for."""
        return self.info.spec


@asynccontextmanager
async def open_workshop(folder: RunFolder, say: Callable[[str], None]) -> AsyncIterator[Workshop]:
    """Open a run's journal, call store and models; everything is closed again at the end."""
    info = folder.read_info()
    journal = Journal(folder.store_file)
    calls = CallStore(folder.store_file)
    try:
        cast = await open_cast(info.spec, calls)
        yield Workshop(folder, info, journal, Board(journal), calls, cast, say)
    finally:
        calls.close()
        journal.close()
