"""The one retry authority: what is tried again, how long, and how many requests an endpoint is given at once.

    gate = gate_of("https://api.example.org/v1")
    answer = await persist(send, gate, Patience(), "openai:gpt")

`send` makes one attempt. It raises Transient for what waiting can mend (429, 5xx, time-outs, cut connections, bodies
that are no answer) and ModelFailure for what it cannot (400, 401, 403, 404), which ends everything at once.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Literal, TypeVar
from weakref import WeakKeyDictionary

from lm.errors import ModelFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

T = TypeVar("T")
GAIN = 1.2
"""Times as many answers a second that twice as many requests at once must bring."""
Cause = Literal["rate", "server", "busy", "line", "time"]
"""Too many requests, a fault within the server, a server or gateway that cannot answer just now, a connection that
broke (or brought something that is no answer), or no answer in time."""


class Transient(Exception):
    """An attempt that failed in a way that another one may not."""

    def __init__(self, cause: Cause, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.cause = cause
        self.retry_after = retry_after


class GaveUp(ModelFailure):
    """No attempt brought an answer; `cause` is what was wrong with the last one."""

    def __init__(self, cause: Cause, words: str) -> None:
        super().__init__(words)
        self.cause = cause


@dataclass(frozen=True)
class Patience:
    """How long one request is tried, in seconds; time in the queue before a gate does not count."""

    total: float = 600
    attempts: int = 12
    attempt_timeout: float = 120
    first_wait: float = 0.5
    longest_wait: float = 30

    def for_probes(self) -> "Patience":
        """At the start nothing is lost by giving up soon."""
        return replace(self, total=min(self.total, 60), attempts=min(self.attempts, 4))

    def wait(self, failures: int, asked: float | None) -> float:
        """Seconds until the next attempt: what the server asked for, else twice as long each time; with jitter."""
        if asked is not None:
            return asked * random.uniform(1.0, 1.1)
        return min(self.longest_wait, self.first_wait * 2.0 ** (failures - 1)) * random.uniform(0.5, 1.0)


class Gate:
    """How many requests are with an endpoint at once: more as long as that brings more answers, fewer on trouble.

    While some wait to be let in, the limit doubles every other round; where that brings hardly more answers a second it
    goes back: what is beyond only waits in the server's queue, on connections that cost to open.
    """

    def __init__(self, start: float = 16, most: float = 512) -> None:
        self.limit = start
        self._most = most
        self._steady = False
        """Once it was cut, or found to be enough, the limit grows slowly."""
        self._inside = 0
        self._closed_until = 0.0
        self._cut_at = float("-inf")
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._round: _Round | None = None

    @asynccontextmanager
    async def slot(self) -> "AsyncIterator[float]":
        """One place inside; gives the time of entry."""
        if not self._inside:
            self._round = None
        if self._inside < int(self.limit):
            self._inside += 1
        else:
            await self._wait_for_place()
        try:
            while (closed := self._closed_until - monotonic()) > 0:
                await asyncio.sleep(closed)
            yield monotonic()
        finally:
            self._leave()

    def clean(self) -> None:
        """An answer came: double every other round at first, later one more per round."""
        if self._steady:
            self.limit = min(self._most, self.limit + 1 / self.limit)
        elif self._waiting and self._round is not None and self.limit < self._most:
            self._round.answers += 1
            if self._round.grows:
                self.limit = min(self._most, self.limit + 1)
            if self._round.answers >= int(self._round.began_with):
                self._round = self._after(self._round)
        self._let_in()

    def _after(self, ended: "_Round") -> "_Round":
        """A round at a steady limit, to see what it brings, after each in which it grew; then whether to go on."""
        if ended.grows:
            return _Round(self.limit, monotonic(), grows=False, rate=ended.rate)
        rate = ended.answers / max(monotonic() - ended.began, 1e-9)
        if ended.rate is not None and rate < GAIN * ended.rate:
            self.limit, self._steady = ended.began_with / 2, True
        return _Round(self.limit, monotonic(), rate=rate)

    def trouble(self, fault: Transient, entered: float, wait: float) -> None:
        """An attempt failed: fewer at once for 429 and time-outs (once for all inside together), a pause for 5xx."""
        if fault.cause in ("rate", "time") and entered > self._cut_at:
            self.limit = max(1.0, self.limit * 0.7)
            self._cut_at = monotonic()
            self._steady = True
        if fault.cause in ("line", "time"):
            return
        # A server in trouble gets a moment without anything new; one that named a time gets that time.
        pause = wait if fault.retry_after is not None else min(wait, 1.0)
        self._closed_until = max(self._closed_until, monotonic() + pause)
        self._round = _Round(self.limit, self._closed_until)

    async def _wait_for_place(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if self._round is None:
            self._round = _Round(self.limit, monotonic())
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled():  # The place was already this one's.
                self._leave()
            raise

    def _leave(self) -> None:
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        """Give free places away; whoever gets one is inside from then on."""
        while self._waiting and self._inside < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.cancelled():
                turn.set_result(None)
                self._inside += 1


@dataclass
class _Round:
    """As many answers as the limit was when it began; rounds follow each other as long as some wait to be let in."""

    began_with: float
    began: float
    grows: bool = True
    rate: float | None = None
    """Answers a second at the limit before it last grew."""
    answers: int = 0


_gates: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Gate]]" = WeakKeyDictionary()


def gate_of(address: str) -> Gate:
    """The gate of an endpoint; all models served at one address share it."""
    return _gates.setdefault(asyncio.get_running_loop(), {}).setdefault(address, Gate())


async def persist(send: Callable[[], Awaitable[T]], gate: Gate, patience: Patience, who: str) -> T:
    """The first answer that `send` brings, within limits; GaveUp when patience is used up."""
    tried, failures = 0.0, 0
    while True:
        async with gate.slot() as entered:
            try:
                answer = await send()
            except Transient as fault:
                failures += 1
                tried += monotonic() - entered
                wait = patience.wait(failures, fault.retry_after)
                # Nobody stands for hours before a gate: a wait that no patience allows ends each that asks.
                gate.trouble(fault, entered, wait if wait <= patience.total else 0.0)
                last = fault
            else:
                gate.clean()
                return answer
        if failures >= patience.attempts or tried + wait > patience.total:
            asked = f"; it asks to wait {last.retry_after:.0f} s" if last.retry_after else ""
            raise GaveUp(
                last.cause,
                f"{who} did not answer in {failures} attempts over {tried:.0f} s. The last one: {last}{asked}.",
            ) from last
        tried += wait
        await asyncio.sleep(wait)


async def together(work: Iterable[Awaitable[T]]) -> list[T]:
    """All results in order; the first failure stops the others and is raised as itself."""
    items = list(work)
    if len(items) == 1:
        return [await items[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_as_coroutine(item)) for item in items]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


async def _as_coroutine(item: Awaitable[T]) -> T:
    return await item
