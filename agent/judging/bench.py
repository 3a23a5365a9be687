"""A judge outside of a run: opened, checked, and every answer on disk as it arrives."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.cast import check_price, check_role
from agent.spending import Spending
from lm import CallStore, Judge, Recorded, open_model, parse_reference
from lm.calls import total_usd
from lm.errors import ModelFailure, UserError
from lm.ledger import Ledger
from lm.prices import load_prices
from lm.recorded import CHUNK
from lm.verdicts import JudgeIdentity

_ALL = 1_000_000
"""Whoever answers by file is shown everything at once."""


@dataclass(frozen=True)
class JudgeBench:
    """A judge whose answers are recorded; texts go to it in parts, so that one can see how far it is."""

    judge: Judge
    identity: JudgeIdentity
    calls: CallStore
    part: int

    def cost(self) -> dict[str, Any]:
        """What was asked and spent, over all times the command was run."""
        rows = self.calls.usage()
        return {"calls": sum(row.calls for row in rows), "usd": total_usd(rows)}


@contextmanager
def opened_store(file: Path) -> Iterator[CallStore]:
    """A call store; where what is asked for turns out to be unusable before anything was, nothing new is left behind.

    Whatever was answered or sent stays: it may have been paid for, and the same command takes it again.
    Raises UserError where nothing can be written.
    """
    is_new, folder_is_new = not file.exists(), not file.parent.exists()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to {file.parent}: {error.strerror}. Name another place with --out.") from error
    try:
        with closing(CallStore(file)) as calls:
            yield calls
    except ModelFailure as failure:
        if _holds_anything(file):
            failure.add_note("Nothing that was answered is lost: the same command goes on.")
        raise
    except UserError:
        if is_new and not _holds_anything(file):
            file.unlink(missing_ok=True)
        if folder_is_new and not any(file.parent.iterdir()):
            file.parent.rmdir()
        raise


def _holds_anything(file: Path) -> bool:
    """Whether a closed store has a call or an attempt; a file that is no store has none of ours."""
    try:
        with closing(CallStore(file)) as calls:
            return bool(calls.usage())
    except UserError:
        return False


@asynccontextmanager
async def open_bench(reference: str, trait: str, calls: CallStore, terms: Spending) -> AsyncIterator[JudgeBench]:
    """The judge behind a reference, closed at the end.

    Raises SpecError where it cannot judge, does not know the trait, or has no price.
    """
    ledger = Ledger(calls, load_prices(Path(terms.prices) if terms.prices else None), terms.budget)
    check_price("judge", reference, ledger)
    part = _ALL if parse_reference(reference).provider == "inbox" else CHUNK
    opened = open_model(reference)
    try:
        model = Recorded(opened, calls, role="judge", chunk=part, mode=terms.cache, ledger=ledger)
        with calls.during("probe"):
            await check_role("judge", trait, model, others=("judge",))
        judge = Judge(model)
        yield JudgeBench(judge=judge, identity=await judge.identity(), calls=calls, part=part)
    finally:
        await opened.close()
