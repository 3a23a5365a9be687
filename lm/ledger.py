"""The ledger: what every attempt cost, kept beside the answers; and the budget, which no attempt may break.

The worst case of an attempt is set aside before it is sent and replaced by what it did cost. An attempt whose answer
was lost on the way, or which was in flight when the process died, stays at its worst case: it may have been charged.

Where a machine is priced by the hour, nobody knows beforehand how long a batch of calls takes: it is begun while
anything of the budget is left, and booked when it ends.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from time import perf_counter

from lm.calls import Attempt, CallStore, now
from lm.errors import BudgetReached
from lm.metering import Outcome, Use
from lm.prices import Price, PriceList


@dataclass(frozen=True)
class _Open:
    """An attempt that is under way."""

    attempt: Attempt
    price: Price | None
    worst: float


class Ledger:
    """The ledger of one store, for all roles together; `budget` is in USD."""

    def __init__(self, store: CallStore, prices: PriceList, budget: float | None = None) -> None:
        self.prices = prices
        self.budget = budget
        self._store = store
        self._ids = count(store.last_attempt() + 1)
        self._spent = store.spent()
        self._open: dict[int, _Open] = {}
        self._news: asyncio.Future[None] | None = None

    def meter(self, role: str, model: str) -> "RoleMeter":
        """The meter of one role on one model."""
        return RoleMeter(self, role, model)

    async def reserve(self, role: str, model: str, worst: Use) -> int:
        """Set the worst case aside, waiting for attempts under way where it would not fit beside theirs."""
        price = self.prices.of(model)
        usd = price.worst(worst) if price else 0.0
        await self._make_room(usd)
        attempt = Attempt(
            id=next(self._ids),
            role=role,
            step=self._store.step,
            model=model,
            outcome="open",
            usd=usd if price else None,
            price=price.source if price else "unknown",
            at=now(),
            **worst.model_dump(),
        )
        self._open[attempt.id] = _Open(attempt, price, usd)
        if usd:
            # On disk before it is sent: should the process die, the money is not forgotten.
            self._store.put(attempt)
            try:
                await self._store.saved()
            except asyncio.CancelledError:
                self.settle(attempt.id, "failed", None)  # It was never sent.
                raise
        return attempt.id

    def settle(self, ticket: int, outcome: Outcome, used: Use | None) -> None:
        """Replace the worst case by what is known; on disk with the answer itself."""
        opened = self._open.pop(ticket)
        worst, price = opened.attempt, opened.price
        if outcome == "answer" and used is not None:
            usd = price.cost(used) if price else None
            settled = Attempt(**{**vars(worst), **used.model_dump(), "outcome": outcome, "usd": usd})
        elif outcome == "failed":
            nothing = Use(tokens_in=0, tokens_out=0).model_dump()
            settled = Attempt(**{**vars(worst), **nothing, "outcome": outcome, "usd": 0.0})
        else:
            settled = Attempt(**{**vars(worst), "outcome": outcome})
        self._spent += settled.usd or 0.0
        self._store.put(settled)
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    @contextmanager
    def timing(self, role: str, model: str) -> Iterator[None]:
        """Book the wall-clock time of what is done inside, where the model's machine is priced by the hour.

        BudgetReached before it begins where nothing is left.
        """
        price = self.prices.of(model)
        if price is None or price.gpu_hour is None:
            yield
            return
        if self.budget is not None and self._spent >= self.budget:
            raise BudgetReached(
                f"the budget of {self.budget:.2f} USD is reached: {self._spent:.4f} USD are spent. Nothing is lost: "
                "`traitsmith resume RUN --budget USD` goes on."
            )
        began = perf_counter()
        try:
            yield
        finally:
            self._book_time(role, model, price, perf_counter() - began)

    def _book_time(self, role: str, model: str, price: Price, seconds: float) -> None:
        """On disk with the next answers, or when the store is closed."""
        usd = price.of_time(seconds)
        self._spent += usd
        self._store.put(
            Attempt(
                id=next(self._ids),
                role=role,
                step=self._store.step,
                model=model,
                outcome="time",
                usd=usd,
                price=f"{seconds:.2f} s at {price.gpu_hour} USD an hour: {price.source}",
                at=now(),
                **Use(tokens_in=0, tokens_out=0).model_dump(),
            )
        )

    async def _make_room(self, usd: float) -> None:
        while self.budget is not None and self._spent + sum(o.worst for o in self._open.values()) + usd > self.budget:
            if not self._open:
                raise BudgetReached(
                    f"the budget of {self.budget:.2f} USD is reached: {self._spent:.4f} USD are spent, and the next "
                    f"request may cost {usd:.4f} USD. Nothing is lost: the same command goes on with a higher "
                    "--budget, a run with `traitsmith resume RUN --budget USD`."
                )
            if self._news is None or self._news.done():
                self._news = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._news)


@dataclass(frozen=True)
class RoleMeter:
    """A meter that books under one role and model."""

    ledger: Ledger
    role: str
    model: str

    async def reserve(self, worst: Use) -> int:
        """As the ledger does."""
        return await self.ledger.reserve(self.role, self.model, worst)

    def settle(self, ticket: int, outcome: Outcome, used: Use | None = None) -> None:
        """As the ledger does."""
        self.ledger.settle(ticket, outcome, used)
