"""The call store: each model answer and what it took, in one SQLite file.

Append-only tables beside whatever else the file holds: `calls` (requests with their answers), `attempts` (the ledger:
what was sent, and what it cost), `endpoints` (what each model said it can do). Several `Recorded` may share one store
in one process; a lock serialises its statements.
"""

import asyncio
import json
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Literal, Protocol

from lm.errors import UserError

Method = Literal["complete", "next_tokens"]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    key TEXT NOT NULL, role TEXT NOT NULL, step TEXT NOT NULL, model TEXT NOT NULL, method TEXT NOT NULL,
    request TEXT NOT NULL, answer TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, seconds REAL NOT NULL, at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_by_key ON calls (key);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY, role TEXT NOT NULL, step TEXT NOT NULL, model TEXT NOT NULL, outcome TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cached INTEGER NOT NULL, reasoning INTEGER NOT NULL,
    usd REAL, price TEXT NOT NULL, at TEXT NOT NULL, cache_written INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS endpoints (model TEXT NOT NULL, capabilities TEXT NOT NULL, at TEXT NOT NULL);
"""
_INSERT_CALL = "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# An attempt is written when it is sent, where it costs money, and again when its end is known.
_INSERT_ATTEMPT = "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WIDEN_ATTEMPTS = "ALTER TABLE attempts ADD COLUMN cache_written INTEGER NOT NULL DEFAULT 0"
_USAGE = """
SELECT role, step, model, sum(calls), sum(tokens_in), sum(tokens_out), sum(seconds), sum(attempts), sum(cached),
    sum(reasoning), CASE WHEN sum(unknown) THEN NULL ELSE sum(usd) END
FROM (
    SELECT role, step, model, count(*) calls, sum(tokens_in) tokens_in, sum(tokens_out) tokens_out,
        sum(seconds) seconds, 0 attempts, 0 cached, 0 reasoning, 0.0 usd, 0 unknown, min(at) began
    FROM calls GROUP BY role, step, model
    UNION ALL
    SELECT role, step, model, 0, 0, 0, 0.0, sum(outcome != 'time'),
        sum(CASE WHEN outcome = 'answer' THEN cached ELSE 0 END),
        sum(CASE WHEN outcome = 'answer' THEN reasoning ELSE 0 END), total(usd), sum(usd IS NULL), min(at)
    FROM attempts GROUP BY role, step, model
) GROUP BY role, step, model ORDER BY min(began)
"""
_PACE = 0.02
"""Seconds from one transaction to the next at least: under load the answers of that time share one sync to disk."""
_MARKS = 5_000
"""Keys of one query at most."""


@dataclass(frozen=True)
class Call:
    """One row of the store; `request` and `answer` are JSON."""

    key: str
    role: str
    step: str
    model: str
    method: Method
    request: str
    answer: str
    tokens_in: int
    tokens_out: int
    seconds: float
    """Its share of the wall-clock time."""
    at: str
    """UTC, ISO 8601."""


@dataclass(frozen=True)
class Attempt:
    """One row of the ledger; a request may take several."""

    id: int
    role: str
    step: str
    model: str
    outcome: Literal["open", "answer", "lost", "failed", "time"]
    """Under way (or the process died), answered, cut off on the way, turned down; or no attempt, but the time that a
    batch of calls had of a machine priced by the hour."""
    tokens_in: int
    tokens_out: int
    cached: int
    reasoning: int
    usd: float | None
    """What it cost; the worst case while it is open or lost; None where the price is unknown."""
    price: str
    """Where the price comes from."""
    at: str
    """UTC, ISO 8601."""
    cache_written: int = 0
    """Last, for it came last: a store from before gets this column when an attempt is first written to it."""


@dataclass(frozen=True)
class Usage:
    """What one role used in one step on one model."""

    role: str
    step: str
    model: str
    calls: int
    tokens_in: int
    tokens_out: int
    seconds: float
    attempts: int = 0
    """Requests sent to a server, failed ones among them."""
    tokens_cached: int = 0
    tokens_reasoning: int = 0
    usd: float | None = 0.0
    """None where a price is unknown; what runs on this machine costs nothing, unless its hours are priced."""

    @property
    def cached_share(self) -> float | None:
        """Share of the tokens read that a server had kept from before; None where none was asked."""
        return self.tokens_cached / self.tokens_in if self.attempts and self.tokens_in else None


def total_usd(usage: Iterable[Usage]) -> float | None:
    """What they cost together, to a millionth; None where a price is unknown."""
    total = 0.0
    for row in usage:
        if row.usd is None:
            return None
        total += row.usd
    return round(total, 6)


class Answers(Protocol):
    """Stored answers that may be served again."""

    def answers(self, keys: Sequence[str]) -> dict[str, str]:
        """The stored answer of each key that may be served, as JSON."""
        ...

    def capabilities(self, model: str) -> str | None:
        """What a model last said it can do, as JSON."""
        ...

    def close(self) -> None:
        """Let go of what it is read from."""
        ...


class CallStore:
    """The tables of an SQLite file. Raises UserError for a file that is something else."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = _connect(path)
        self._pending: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._next: asyncio.Future[None] | None = None
        self._wrote = float("-inf")
        self._is_wide = False
        self.step = ""

    @contextmanager
    def during(self, step: str) -> Iterator[None]:
        """Book the calls made inside under `step`, whoever makes them; steps of one store follow one another."""
        before, self.step = self.step, step
        try:
            yield
        finally:
            self.step = before

    def answers(self, keys: Sequence[str]) -> dict[str, str]:
        """The newest stored answer of each key that may be served, as JSON."""
        found: dict[str, str] = {}
        for start in range(0, len(keys), _MARKS):
            some = list(keys[start : start + _MARKS])
            marks = ",".join("?" * len(some))
            with self._lock:
                rows = self._connection.execute(
                    f"SELECT key, answer FROM calls WHERE key IN ({marks}) ORDER BY rowid", some
                ).fetchall()
            found |= {key: answer for key, answer in rows if may_be_served(answer)}
        return found

    def served(self) -> list[Call]:
        """Every call that may be served again, the newest of each key, in the order in which keys were first asked."""
        with self._lock:
            calls = [Call(*row) for row in self._connection.execute("SELECT * FROM calls ORDER BY rowid")]
        return list({call.key: call for call in calls if may_be_served(call.answer)}.values())

    def append(self, calls: Iterable[Call]) -> None:
        """Write all of these calls or none, now, and with them what was put before."""
        self._pending.extend((_INSERT_CALL, tuple(vars(call).values())) for call in calls)
        self._commit()

    def put(self, row: Call | Attempt) -> None:
        """Write a row with the next transaction; `saved` and `flush` say when."""
        self._pending.append((_INSERT_CALL if isinstance(row, Call) else _INSERT_ATTEMPT, tuple(vars(row).values())))

    async def saved(self) -> None:
        """Return once everything put so far is on disk: at once, or a moment after the last transaction."""
        await asyncio.shield(self.write_soon())

    def write_soon(self) -> asyncio.Future[None]:
        """Have what was put so far written in a moment, whether or not anyone waits for it."""
        loop = asyncio.get_running_loop()
        if self._next is None or self._next.get_loop() is not loop:  # A loop that was stopped may have left one behind.
            self._next = loop.create_future()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return self._next

    async def flush(self) -> None:
        """Write everything put so far now, and return when it is on disk."""
        await asyncio.to_thread(self._commit)

    async def _write(self) -> None:
        while (done := self._next) is not None:
            await asyncio.sleep(self._wrote + _PACE - monotonic())
            self._next, self._wrote = None, monotonic()
            try:
                await self.flush()
            except sqlite3.Error as error:
                done.set_exception(error)
                done.exception()  # Where nobody waits, the next write reports it.
            else:
                done.set_result(None)

    def _commit(self) -> None:
        """Write what was put in one transaction; what fails stays put."""
        with self._lock:
            rows = [self._pending.popleft() for _ in range(len(self._pending))]
            try:
                self._insert(rows)
            except BaseException:
                self._pending.extendleft(reversed(rows))
                raise

    def _insert(self, rows: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        by_statement: dict[str, list[tuple[Any, ...]]] = {}
        for statement, values in rows:
            by_statement.setdefault(statement, []).append(values)
        with self._connection:
            if _INSERT_ATTEMPT in by_statement:
                self._widen()
            for statement, many in by_statement.items():
                self._connection.executemany(statement, many)

    def _widen(self) -> None:
        """Give a store from before the columns of today, when it is written to: who only reads changes nothing."""
        if self._is_wide:
            return
        self._connection.execute("BEGIN IMMEDIATE")  # Another process may be about to do the same.
        names = {row[1] for row in self._connection.execute("PRAGMA table_info(attempts)")}
        if "cache_written" not in names:
            self._connection.execute(_WIDEN_ATTEMPTS)
        self._is_wide = True

    def keep_capabilities(self, model: str, capabilities: str) -> None:
        """Remember what a model said it can do, as JSON, where it is news."""
        if self.capabilities(model) != capabilities:
            self._pending.append(("INSERT INTO endpoints VALUES (?, ?, ?)", (model, capabilities, now())))
            self._commit()

    def capabilities(self, model: str) -> str | None:
        """What a model last said it can do, as JSON."""
        query = "SELECT capabilities FROM endpoints WHERE model = ? ORDER BY rowid DESC LIMIT 1"
        with self._lock:
            row = self._connection.execute(query, (model,)).fetchone()
        return None if row is None else str(row[0])

    def last_attempt(self) -> int:
        """The largest id in the ledger."""
        return int(self._number("SELECT max(id) FROM attempts"))

    def spent(self) -> float:
        """USD of all attempts, those that were never settled at their worst case."""
        return float(self._number("SELECT total(usd) FROM attempts"))

    def _number(self, query: str) -> float:
        with self._lock:
            return float(self._connection.execute(query).fetchone()[0] or 0)

    def usage(self) -> list[Usage]:
        """Totals by role, step and model, in the order of their first call. Tokens and wall-clock seconds."""
        with self._lock:
            return [Usage(*row) for row in self._connection.execute(_USAGE)]

    def close(self) -> None:
        """Write what is left and close the file; the store cannot be used afterwards."""
        self._commit()
        with self._lock:
            self._connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: an answer that was paid for survives a power cut too. One sync a transaction costs milliseconds.
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise UserError(f"{str(path)!r} cannot be used as a call store: {error}.") from error
    return connection


def may_be_served(answer: str) -> bool:
    """Whether a stored answer, as JSON, is one; errors and refusals are kept for the record only."""
    return json.loads(answer).get("finish") not in ("refusal", "error")


def now() -> str:
    """The time as it is written: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
