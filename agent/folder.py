"""A run's folder: where its files lie, what run.json says, and the lock that lets one process work in it."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.errors import RunError
from agent.review.terms import ReviewTerms
from agent.spec import ROLES, ReviewMode, Spec
from agent.spending import Spending
from lm.faults import first_fault
from prompts import load_prompt, prompt_names, prompt_source

FORMAT = 1
"""Version of run.json; raised when older runs can no longer be read."""
GRAPH_VERSION = 2
"""Version of the graph; raised when a node is renamed or removed, so that no paused run is resumed wrongly."""
Part = Literal["scenarios", "baseline", "directions", "steering"]
"""What can be measured of pairs that exist already."""
_PACKAGES = ("traitsmith", "torch", "transformers", "langgraph", "pydantic")


class RunInfo(BaseModel):
    """What run.json holds: all that is needed to go on, and to do it again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    graph_version: int
    created: str
    spec: Spec
    review: ReviewMode
    terms: ReviewTerms = ReviewTerms()
    """On what terms reviews are asked for."""
    replace: bool
    spending: Spending = Spending()
    vet: tuple[Part, ...] = ()
    """What is measured of existing pairs; empty for a run that creates its own."""
    versions: dict[str, str]
    prompts: dict[str, str]
    """Prompt names with the SHA-256 of the text used."""

    @property
    def asked(self) -> Sequence[str]:
        """The roles that the run asks."""
        if not self.vet:
            return ROLES
        return ("judge", "subject", "assistant") if "baseline" in self.vet else ("judge", "subject")


class RunFolder:
    """Paths and lock of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.info_file = path / "run.json"
        self.store_file = path / "store.sqlite"
        self.graph_file = path / "graph.sqlite"
        self.validation_file = path / "validation.json"
        self.report_file = path / "report.html"
        self.manifest_file = path / "manifest.json"
        self.vectors = path / "vectors"

    @property
    def out(self) -> Path:
        """The folder that `datasets/` and `runs/` lie in; where a run was copied to a place of its own, that place."""
        in_runs = self.path.parent.parent.name == "runs"
        return self.path.parents[2] if in_runs else self.path.parent

    def batch(self, round_number: int) -> Path:
        """The folder of one batch's review."""
        return self.path / "batches" / f"{round_number:03d}"

    def dataset(self, spec: Spec) -> Path:
        """Where the finished dataset goes."""
        return dataset_path(self.out, spec)

    def read_info(self) -> RunInfo:
        """run.json; RunError when it is missing, damaged or of another version."""
        try:
            info = RunInfo.model_validate_json(self.info_file.read_text(encoding="utf-8"))
        except OSError as error:
            raise RunError(f"{self.path} is no run: it has no readable run.json ({error.strerror}).") from error
        except ValidationError as error:
            fault = first_fault(error, "the whole file")
            raise RunError(f"{self.info_file} is damaged: {fault}. Start a new run.") from error
        if (info.format, info.graph_version) != (FORMAT, GRAPH_VERSION):
            raise RunError(
                f"{self.path} was made by another version (format {info.format}, graph {info.graph_version}; this one "
                f"reads {FORMAT} and {GRAPH_VERSION}). Go on with the version that made it, or start a new run."
            )
        return info

    def check_store(self, info: RunInfo) -> None:
        """RunError where the run has begun, as its other files say, and its store is not there.

        To be asked before the store is opened, which would make an empty one. A run that was only created has none.
        """
        left = (self.graph_file, self.validation_file, self.manifest_file, self.vectors, self.path / "batches")
        if not self.store_file.exists() and (info.vet or any(file.exists() for file in left)):
            raise RunError(
                f"{self.store_file} is missing, and with it all that the run did. Copy the whole folder again, "
                "store.sqlite included, or start a new run."
            )

    def write_info(self, info: RunInfo) -> None:
        """Write run.json."""
        write_atomically(self.info_file, info.model_dump_json(indent=2, by_alias=True) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process; RunError when another process holds it."""
        lock = FileLock(self.path / "run.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RunError(f"{self.path} is in use by another process. Wait until it ends.") from None
        try:
            yield
        finally:
            lock.release()


def dataset_path(out: Path, spec: Spec) -> Path:
    """datasets/traits/{category}/{trait} under `out`."""
    return out / "datasets" / "traits" / spec.category / spec.trait


def create_run(
    out: Path,
    spec: Spec,
    review: ReviewMode,
    replace: bool,
    spending: Spending | None = None,
    vet: tuple[Part, ...] = (),
    terms: ReviewTerms | None = None,
) -> RunFolder:
    """Make the run's folder and write run.json, before any model is loaded.

    Raises RunError when a dataset is in the way or the folder cannot be written.
    """
    if not vet:
        check_target(out, spec, replace)
    now = datetime.now(UTC)
    parent = out / "runs" / f"{spec.category}.{spec.trait}"
    try:
        path = _new_folder(parent, f"{now:%Y%m%dT%H%M%SZ}-{spec.seed}")
    except OSError as error:
        raise RunError(f"cannot write to {out}: {error.strerror}. Name another folder with --out.") from error
    folder = RunFolder(path)
    info = RunInfo(
        format=FORMAT,
        graph_version=GRAPH_VERSION,
        created=now.isoformat(timespec="seconds"),
        spec=spec,
        review=review,
        terms=terms or ReviewTerms(),
        replace=replace,
        spending=spending or Spending(),
        vet=vet,
        versions={name: _version(name) for name in _PACKAGES},
        prompts={name: load_prompt(name).digest for name in prompt_names()},
    )
    folder.write_info(info)
    for name in prompt_names():
        write_atomically(path / "prompts" / f"{name}.md", prompt_source(name))
    return folder


def check_target(out: Path, spec: Spec, replace: bool) -> None:
    """RunError where the dataset could not be written in the end."""
    target = dataset_path(out, spec)
    if target.exists() and not replace:
        raise RunError(f"there is a dataset at {target} already. Give --replace to overwrite it, or another --out.")
    check_place(target)


def check_place(folder: Path) -> None:
    """RunError where files could not be written into a folder, which need not be there yet."""
    nearest = next(place for place in (folder, *folder.parents) if os.access(place, os.F_OK))
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        why = "may not be written to" if nearest.is_dir() else "is no folder"
        raise RunError(f"cannot write to {folder}: {nearest} {why}. Name another folder with --out.")


def find_run(run: str, out: Path) -> RunFolder:
    """A run by its path or by its id (or the id's beginning) under `out`/runs; RunError lists what there is."""
    if Path(run).is_dir():
        return RunFolder(Path(run).resolve())
    found = [folder for folder in list_runs(out) if folder.path.name.startswith(run) or _address(folder) == run]
    if len(found) == 1:
        return found[0]
    known = "\n".join(f"  {_address(folder)}" for folder in (found or list_runs(out))[-10:])
    what = "names several runs" if found else "names no run"
    raise RunError(f"{run!r} {what}. Give its path or its id; runs in {out / 'runs'}:\n{known or '  (none)'}")


def list_runs(out: Path) -> list[RunFolder]:
    """All runs under `out`, oldest first."""
    return [RunFolder(file.parent) for file in sorted((out / "runs").glob("*/*/run.json"), key=lambda f: f.parent.name)]


def write_atomically(file: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new, never half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.tmp")
    with draft.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def dump_json(value: object) -> str:
    """Readable JSON with a newline at its end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def discard_run(folder: RunFolder) -> None:
    """Remove a run that never began, and the folders that were made for it."""
    shutil.rmtree(folder.path)
    for parent in (folder.path.parent, folder.path.parent.parent):
        if not any(parent.iterdir()):
            parent.rmdir()


def _address(folder: RunFolder) -> str:
    return f"{folder.path.parent.name}/{folder.path.name}"


def _new_folder(parent: Path, name: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", *(f".{number}" for number in range(2, 100))):
        try:
            (parent / f"{name}{suffix}").mkdir()
        except FileExistsError:
            continue
        return (parent / f"{name}{suffix}").resolve()
    raise RunError(f"cannot make a folder for the run in {parent}: a hundred runs began in the same second.")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
