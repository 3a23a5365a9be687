"""Helpers that run the agent in this process or in another one, and compare what came of it."""

import asyncio
import subprocess
import sys
from pathlib import Path

from agent.checkpoints import Watcher
from agent.engine import Result, work
from agent.folder import RunFolder, create_run
from agent.review.terms import ReviewTerms
from agent.spec import ReviewMode, Spec

ROOT = Path(__file__).parents[2]


def start(out: Path, spec: Spec, review: ReviewMode = "none", terms: ReviewTerms | None = None) -> RunFolder:
    return create_run(out, spec, review, replace=True, terms=terms)


def finish(folder: RunFolder) -> Result:
    return asyncio.run(work(folder, Watcher()))


def dataset_bytes(out: Path) -> dict[str, bytes]:
    folder = out / "datasets"
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


KILL_AT = """
import asyncio, os, sys
from pathlib import Path
from agent.checkpoints import Watcher
from agent.engine import work
from agent.folder import RunFolder

class Killer(Watcher):
    left = int(sys.argv[3])
    def {event}(self, node, *rest):
        if node == sys.argv[2]:
            Killer.left -= 1
            if Killer.left < 0:
                os._exit(9)

asyncio.run(work(RunFolder(Path(sys.argv[1])), Killer()))
"""
"""Dies without a word when a node begins (or ends) for the n-th time."""


def kill_at(folder: RunFolder, node: str, occurrence: int = 0, event: str = "ends") -> int:
    code = KILL_AT.replace("{event}", event)
    arguments = [sys.executable, "-c", code, str(folder.path), node, str(occurrence)]
    return subprocess.run(arguments, cwd=ROOT, check=False, capture_output=True, timeout=120).returncode
