"""What every tool works with: one run's specification, folder, journal and models."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from agent.board import Board
from agent.cast import Cast, open_cast
from agent.folder import RunFolder, RunInfo
from agent.spec import Spec
from agent.store import Journal
from lm import CallStore
from lm.answer_file import open_answers
from lm.ledger import Ledger
from lm.prices import load_prices


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
    folder.check_store(info)
    terms = info.spending
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(closing(Journal(folder.store_file)))
        calls = stack.enter_context(closing(CallStore(folder.store_file)))
        # A run copied to another machine leaves another run's answers behind; it asks anew for what it lacks.
        known = terms.answers is not None and Path(terms.answers).is_file()
        older = stack.enter_context(closing(open_answers(Path(terms.answers)))) if terms.answers and known else None
        ledger = Ledger(calls, load_prices(Path(terms.prices) if terms.prices else None), terms.budget)
        cast = await stack.enter_async_context(open_cast(info.spec, calls, ledger, terms.cache, older, info.asked))
        yield Workshop(folder, info, journal, Board(journal), calls, cast, say)
