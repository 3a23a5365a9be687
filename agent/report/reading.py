"""Open a run to look at it: nothing is created, and what is damaged is one clear error."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from agent.errors import RunError
from agent.folder import RunFolder, RunInfo
from agent.store import Journal
from lm.calls import CallStore, Usage
from lm.errors import UserError
from lm.faults import first_fault


@dataclass(frozen=True)
class OpenRun:
    """A run opened for reading."""

    folder: RunFolder
    info: RunInfo
    journal: Journal
    usage: list[Usage]


@contextmanager
def open_run(folder: RunFolder) -> Iterator[OpenRun]:
    """Open a run's journal and its call totals, also while another process works on it.

    A run that has only just been created has no store yet; it reads as empty. Raises RunError where run.json or the
    store is damaged, or the store of a run that has begun is missing.
    """
    info = folder.read_info()
    folder.check_store(info)
    store = folder.store_file if folder.store_file.exists() else Path(":memory:")
    try:
        usage = _read_usage(store)
        journal = Journal(store)
        try:
            yield OpenRun(folder, info, journal, usage)
        finally:
            journal.close()
    except sqlite3.Error as error:
        raise RunError(f"{folder.store_file} is damaged or cannot be opened ({error}). Start a new run.") from error
    except ValidationError as error:
        raise RunError(
            f"{folder.store_file} holds a damaged record ({error.title}: {first_fault(error)}). Start a new run."
        ) from error


def _read_usage(store: Path) -> list[Usage]:
    try:
        calls = CallStore(store)
    except UserError as error:
        raise RunError(
            f"{store} is damaged or cannot be opened ({error.__cause__ or error}). Start a new run."
        ) from error
    try:
        return calls.usage()
    finally:
        calls.close()


def in_use(folder: RunFolder) -> bool:
    """Whether a process works on the run right now."""
    file = folder.path / "run.lock"
    if not file.exists():
        return False
    try:
        with FileLock(file, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False
