"""A folder of small files as one value: read whole, replaced whole."""

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lm.errors import UserError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def write_folder(path: Path, files: Mapping[str, bytes], *, replace: bool) -> None:
    """Put `files` at `path` as one step: a reader sees the old folder or the new one, a crash leaves one of them.

    What else lies in a folder that is replaced, such as a person's notes, lies in the new one as well. Raises UserError
    where the folder exists and `replace` is false, or where it cannot be written.
    """
    if path.exists() and not replace:
        raise _in_the_way(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}.new-", dir=path.parent))
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}. Choose a folder that can be written.") from error
    try:
        fresh.chmod(0o755)
        for name, data in files.items():
            _write_durably(fresh / name, data)
        _carry_over(path, fresh)
        _sync_folder(fresh)
        _swap(fresh, path, replace=replace)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def write_file(path: Path, data: bytes) -> None:
    """Write one file as one step, with the folders on the way. Raises UserError where it cannot be written."""
    if path.is_dir():
        raise UserError(f"Cannot write {path}: it is a folder. Name a file.")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_durably(draft, data)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        fault = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        raise UserError(f"Cannot write {path}: {fault}. Name a file in a folder that can be written.") from error


def read_folder(path: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The files of `names` that exist, all from the same version of the folder.

    Raises UserError where there is no folder, and where one of the files cannot be read.
    """
    while True:
        before = _identity(path)
        files: dict[str, bytes] = {}
        for name in names:
            with suppress(FileNotFoundError):
                files[name] = read_bytes(path / name)
        if _identity(path) == before:
            return files


def read_bytes(path: Path) -> bytes:
    """What a file holds. Raises UserError where it cannot be read, FileNotFoundError where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}. Put a file there that can be.") from error


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise UserError(
            f"There is no dataset folder at {path}. Name one that is there, or make it with `traitsmith create`."
        ) from error
    if not path.is_dir():
        raise UserError(f"{path} is a file; a dataset is a folder.")
    return found.st_ino, found.st_mtime_ns


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _carry_over(old: Path, fresh: Path) -> None:
    """Give `fresh` whatever the old folder holds and it lacks."""
    if not old.is_dir():
        return
    try:
        for entry in old.iterdir():
            target = fresh / entry.name
            if target.exists():
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.copytree(entry, target, symlinks=True, copy_function=_link)
            else:
                _link(entry, target)
    except OSError as error:
        raise UserError(
            f"{old} holds something that cannot be carried over to the new folder: {error}. Move it away and try again."
        ) from error


def _link(source: str | Path, target: str | Path) -> None:
    """A second name for a file; a copy where the file system has none."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _in_the_way(path: Path) -> UserError:
    return UserError(f"{path} already exists. Choose another folder, or ask for it to be replaced.")


def _swap(fresh: Path, path: Path, *, replace: bool) -> None:
    """Move `fresh` to `path`; what was there moves to `fresh`, or stays where it may not be replaced."""
    if not replace:
        try:
            fresh.rename(path)
        except OSError as error:
            if path.exists():
                raise _in_the_way(path) from error
            raise
    elif not path.exists():
        fresh.rename(path)
    elif not _exchange(fresh, path):
        aside = fresh.with_name(fresh.name + ".old")
        path.rename(aside)
        fresh.rename(path)
        aside.rename(fresh)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step where the system can (Linux, renameat2); False where it cannot."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)
