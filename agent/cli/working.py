"""A run in this terminal: its progress, whoever is asked, Ctrl-C, its result and exit code."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

import typer
from rich.console import Console

from agent.cli.verdicts import Verdicts, read_verdicts, show_verdicts
from agent.folder import RunFolder
from agent.spec import ReviewMode
from lm.errors import ModelFailure, UserError

if TYPE_CHECKING:
    from agent.cli.progress import ConsoleProgress
    from agent.engine import Notifier, Result, Reviewer

EXIT_CODES = {"done": 0, "waiting": 3, "answers": 3, "budget": 4, "failed": 5, "interrupted": 130}
FaceName = ReviewMode | Literal["rest"]
"""Who answers reviews: as a run was started, or the rules' proposals for what a review file leaves open."""


def work_in_terminal(
    folder: RunFolder,
    face: FaceName,
    as_json: bool,
    console: Console,
    notifier: "Notifier | None" = None,
    port: int = 0,
) -> None:
    """Work on a run, show how it goes, and exit with its code."""
    from agent.cli.progress import ConsoleProgress
    from agent.engine import work

    progress = ConsoleProgress(console, greeting=f"run {folder.path}")
    try:
        with (
            _interruptible(console) as stop_asked,
            _reviewer(folder, face, console, stop_asked, progress, port) as reviewer,
        ):
            result = asyncio.run(work(folder, progress, reviewer, stop_asked, notifier))
    except ModelFailure as failure:
        failure.add_note(f"Nothing that was answered is lost: `traitsmith resume {folder.path}` goes on.")
        raise
    finally:
        progress.stop()
    _show_result(folder, result, console, as_json)
    raise typer.Exit(EXIT_CODES[result.end])


@contextmanager
def _reviewer(
    folder: RunFolder,
    face: FaceName,
    console: Console,
    stop_asked: Callable[[], bool],
    progress: "ConsoleProgress",
    port: int,
) -> "Iterator[Reviewer | None]":
    """Whoever is asked here; None where answers come by file."""
    if face == "web":
        require_web()
        from agent.review.web.reviewer import WebReview

        with WebReview(partial(_show_link, console), stop_asked, port) as reviewer:
            progress.tell = reviewer.tell
            yield reviewer
    elif face == "rest":
        from agent.report.reading import open_run
        from agent.report.standing import waiting_review
        from agent.review.asking import RestAsProposed

        with open_run(folder) as run:
            waiting = waiting_review(run.info, run.journal)
        yield RestAsProposed(waiting)
    elif face == "terminal" and sys.stdin.isatty():
        from agent.cli.keyboard import TerminalKeyboard
        from agent.review.terminal import TerminalReview

        yield TerminalReview(console, TerminalKeyboard(console), stop_asked)
    else:
        yield None


def _show_link(console: Console, link: str) -> None:
    console.print(f"decide in your browser (the link works once): {link}", highlight=False, soft_wrap=True)


def require_web() -> None:
    """Refuse the page before any work where what serves it is not installed."""
    missing = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]
    if missing:
        raise UserError(
            f"the review in the browser needs {' and '.join(missing)}: pip install 'traitsmith[web]'. "
            "Or use --review terminal or file."
        )


def read_notifier(command: str | None) -> "Notifier | None":
    """What tells a person of a waiting review; SpecError where the command is none."""
    if command is None:
        return None
    from agent.review.notify import notify, read_command

    return partial(notify, read_command(command))


@contextmanager
def _interruptible(console: Console) -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C finish the current step; the second stops at once. Both lose nothing."""
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        console.print("stopping after this step; press Ctrl-C again to stop at once", highlight=False)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


def _show_result(folder: RunFolder, result: "Result", console: Console, as_json: bool) -> None:
    validation = json.loads(folder.validation_file.read_text()) if folder.validation_file.exists() else None
    verdicts = _verdicts(folder) if result.end in ("done", "failed") else None
    if as_json:
        answer = {"run": str(folder.path), "end": result.end, "message": result.message, "validation": validation}
        waiting = {"review_file": str(result.review_file)} if result.review_file is not None else {}
        print(json.dumps(answer | waiting | (verdicts or {})))
        return
    if verdicts is not None:
        show_verdicts(console, verdicts)
    console.print(f"{result.end}: {result.message}", highlight=False, soft_wrap=True, markup=False)
    for line in _advise(folder, result):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _advise(folder: RunFolder, result: "Result") -> Iterator[str]:
    """What to look at, or to do next."""
    if result.end in ("done", "failed"):
        yield f"report {folder.report_file}"
    elif result.review_file is not None:
        yield f"  traitsmith review {folder.path}           asks here; with --web in the browser"
        yield f"  traitsmith review {folder.path} --apply   once each line of {result.review_file} has a decision"
        yield f"  to read: {result.review_file.with_suffix('.md')}"
    else:
        yield f"`traitsmith resume {folder.path}` goes on"


def _verdicts(folder: RunFolder) -> Verdicts | None:
    """The verdict on every pair of a vetting; None for a run that creates, whose report has them."""
    return read_verdicts(folder) if folder.read_info().vet else None
