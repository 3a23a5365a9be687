"""The run's journal: what was drafted, predicted, decided, tested and concluded. Append-only, in `store.sqlite`.

A record has a kind, a key and a value; it is written once. Writing it again is ignored, so a step that was cut off
and runs again neither loses nor doubles anything. The model calls live in the same file (see lm/calls.py).
"""

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel

from agent.records import RECORDS, Record

RecordT = TypeVar("RecordT", bound=BaseModel)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (kind, key)
)
"""


class Journal:
    """Typed, append-only records of one run."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(_SCHEMA)
        self._known: dict[type[BaseModel], dict[str, BaseModel]] = {}
        self._last: dict[type[BaseModel], int] = {}

    def close(self) -> None:
        """Close the file; the journal cannot be used after."""
        self._connection.close()

    def append(self, records: Mapping[str, Record]) -> None:
        """Write records by key in one transaction; those already written stay as they are."""
        rows = [(_kind(type(record)), key, record.model_dump_json(by_alias=True)) for key, record in records.items()]
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR IGNORE INTO records (kind, key, value) VALUES (?, ?, ?)", rows)

    def adopt_before(self, other: "Journal", round_number: int) -> None:
        """Take over what another run's journal held when its round began. Only for a journal that is still empty."""
        first = f"{round_number:02d}-%"
        (end,) = other._connection.execute(
            "SELECT min(seq) FROM records WHERE kind IN ('draft', 'draft_failure') AND key LIKE ?", (first,)
        ).fetchone()
        rows = other._connection.execute(
            "SELECT kind, key, value FROM records WHERE seq < ? AND kind <> 'ending' ORDER BY seq",
            (end if end is not None else 1 << 62,),
        ).fetchall()
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT INTO records (kind, key, value) VALUES (?, ?, ?)", rows)

    def find(self, record: type[RecordT], key: str) -> RecordT | None:
        """The record of this type and key, if it was written."""
        row = self._connection.execute(
            "SELECT value FROM records WHERE kind = ? AND key = ?", (_kind(record), key)
        ).fetchone()
        return None if row is None else record.model_validate_json(row[0])

    def get(self, record: type[RecordT], key: str) -> RecordT:
        """The record of this type and key; KeyError when it was never written."""
        found = self.find(record, key)
        if found is None:
            raise KeyError(f"the journal holds no {_kind(record)} {key!r}")
        return found

    def all(self, record: type[RecordT]) -> dict[str, RecordT]:
        """All records of a type by key, in the order in which they were written."""
        # Records never change, so each is parsed once; only what was written since is read.
        known = cast(dict[str, RecordT], self._known.setdefault(record, {}))
        rows: Iterable[tuple[int, str, str]] = self._connection.execute(
            "SELECT seq, key, value FROM records WHERE kind = ? AND seq > ? ORDER BY seq",
            (_kind(record), self._last.get(record, 0)),
        )
        for seq, key, value in rows:
            known[key] = record.model_validate_json(value)
            self._last[record] = seq
        return dict(known)


def _kind(record: type[BaseModel]) -> str:
    return RECORDS[record]
