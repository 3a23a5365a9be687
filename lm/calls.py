"""The call store: each model answer is written as it arrives and never asked for twice.

    store = CallStore(run / "store.sqlite")
    author = Recorded(open_model("organism"), store, role="author")
    with store.during("draft"):
        answers = await author.complete(requests)

A request's key is the SHA-256 of the model's reference, the method, the whole request and, where a list holds the same
request more than once, a sample number. A list runs in fixed chunks: a chunk is written in one transaction when its
answers arrive, and runs again as a whole while any of its answers is missing, so that a model that batches sees the
same batches after a crash as without one. An answer that is already there is kept. Errors and refusals are
kept for the record but never served.

Several `Recorded` may share one store in one process; a lock serialises its statements. Other tables in the same file
are not touched.
"""

import hashlib
import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from lm.errors import UserError
from lm.types import Capabilities, Completion, Model, NextTokenRequest, NextTokens, Prompt, Request

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    key TEXT NOT NULL, role TEXT NOT NULL, step TEXT NOT NULL, model TEXT NOT NULL, method TEXT NOT NULL,
    request TEXT NOT NULL, answer TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, seconds REAL NOT NULL, at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_by_key ON calls (key);
"""
_INSERT = "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_USAGE = """
SELECT role, step, model, count(*), sum(tokens_in), sum(tokens_out), sum(seconds)
FROM calls GROUP BY role, step, model ORDER BY min(rowid)
"""
_CHUNK = 128
"""Requests of one chunk: what a crash can cost."""

Ask = TypeVar("Ask", Request, NextTokenRequest)
Reply = TypeVar("Reply", Completion, NextTokens)


@dataclass(frozen=True)
class Call:
    """One row of the store; `request` and `answer` are JSON."""

    key: str
    role: str
    step: str
    model: str
    method: Literal["complete", "next_tokens"]
    request: str
    answer: str
    tokens_in: int
    tokens_out: int
    seconds: float
    """Share of its chunk's wall-clock time."""
    at: str
    """UTC, ISO 8601."""


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


class CallStore:
    """The append-only table `calls` of an SQLite file. Raises UserError for a file that is something else."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = _connect(path)
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
        """The first stored answer of each key that may be served, as JSON."""
        marks = ",".join("?" * len(keys))
        with self._lock:
            rows = self._connection.execute(
                f"SELECT key, answer FROM calls WHERE key IN ({marks}) ORDER BY rowid", list(keys)
            ).fetchall()
        found: dict[str, str] = {}
        for key, answer in rows:
            if key not in found and _may_be_served(answer):
                found[key] = answer
        return found

    def append(self, calls: Iterable[Call]) -> None:
        """Write all of these calls or none."""
        rows = [tuple(vars(call).values()) for call in calls]
        with self._lock, self._connection:
            self._connection.executemany(_INSERT, rows)

    def usage(self) -> list[Usage]:
        """Totals by role, step and model, in the order of their first call. Tokens and wall-clock seconds."""
        with self._lock:
            return [Usage(*row) for row in self._connection.execute(_USAGE)]

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._connection.close()


class Recorded:
    """A model whose every answer goes through a store. It is a `Model` itself."""

    def __init__(self, model: Model, store: CallStore, *, role: str, chunk: int = _CHUNK) -> None:
        self.reference = model.reference
        self._model = model
        self._store = store
        self._role, self._chunk = role, chunk

    async def capabilities(self) -> Capabilities:
        """As the model says."""
        return await self._model.capabilities()

    def count_tokens(self, prompt: Prompt) -> int:
        """As the model says."""
        return self._model.count_tokens(prompt)

    async def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Stored answers where there are any, the model's elsewhere."""
        return await self._through_store("complete", requests, self._model.complete, Completion)

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """Stored answers where there are any, the model's elsewhere."""
        return await self._through_store("next_tokens", requests, self._model.next_tokens, NextTokens)

    async def _through_store(
        self,
        method: Literal["complete", "next_tokens"],
        requests: Sequence[Ask],
        run: Callable[[Sequence[Ask]], Awaitable[list[Reply]]],
        reply: type[Reply],
    ) -> list[Reply]:
        keys = _keys(self.reference, method, requests)
        replies: list[Reply] = []
        for start in range(0, len(requests), self._chunk):
            part, part_keys = requests[start : start + self._chunk], keys[start : start + self._chunk]
            stored = self._store.answers(part_keys)
            if len(stored) == len(part):
                replies += [reply.model_validate_json(stored[key]) for key in part_keys]
                continue
            began = time.perf_counter()
            fresh = await run(part)
            seconds = (time.perf_counter() - began) / len(part)
            self._store.append(
                self._call(key, method, request, answer, seconds)
                for key, request, answer in zip(part_keys, part, fresh, strict=True)
                if key not in stored
            )
            replies += [
                reply.model_validate_json(stored[key]) if key in stored else answer
                for key, answer in zip(part_keys, fresh, strict=True)
            ]
        return replies

    def _call(
        self,
        key: str,
        method: Literal["complete", "next_tokens"],
        request: Request | NextTokenRequest,
        answer: Completion | NextTokens,
        seconds: float,
    ) -> Call:
        return Call(
            key=key,
            role=self._role,
            step=self._store.step,
            model=self.reference,
            method=method,
            request=request.model_dump_json(),
            answer=answer.model_dump_json(),
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out if isinstance(answer, Completion) else 1,
            seconds=seconds,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: an answer that was paid for survives a power cut too. One sync a chunk costs milliseconds.
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise UserError(f"{str(path)!r} cannot be used as a call store: {error}.") from error
    return connection


def _keys(reference: str, method: str, requests: Sequence[Request | NextTokenRequest]) -> list[str]:
    """One key per request; the n-th repetition of a request within the list has sample number n."""
    seen: Counter[str] = Counter()
    keys = []
    for request in requests:
        body = json.dumps([reference, method, request.model_dump(mode="json")], sort_keys=True, separators=(",", ":"))
        keys.append(hashlib.sha256(f"{body}#{seen[body]}".encode()).hexdigest())
        seen[body] += 1
    return keys


def _may_be_served(answer: str) -> bool:
    return json.loads(answer).get("finish") not in ("refusal", "error")
