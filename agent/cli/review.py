"""`traitsmith review`: decide on what waits, then go on."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from agent.cli.create import read_notifier, work_in_terminal
from agent.cli.options import HERE, AsJson, Notify, Out, Run
from agent.errors import ReviewError
from agent.folder import find_run
from agent.spec import ReviewMode


def review(
    run: Run,
    web: Annotated[bool, typer.Option("--web", help="Decide in the browser, on a page of this machine.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Take the review file's decisions as they are.")] = False,
    notify: Notify = None,
    out: Out = HERE,
    as_json: AsJson = False,
) -> None:
    """Decide on what waits: approve, edit, reject with a reason, redraft, one by one or all at once."""
    folder = find_run(run, out.resolve())
    if folder.read_info().review == "none":
        raise ReviewError(f"{folder.path} was started with --review none; there is nothing to decide.")
    if web and apply:
        raise ReviewError("--web asks in the browser, --apply asks nobody: give one of them.")
    if not web and not apply and not sys.stdin.isatty():
        raise ReviewError(
            "there is no terminal to ask at. Fill in the waiting review file (batches/NNN/review.jsonl for a batch; "
            f"`traitsmith status {folder.path}` names it), then `traitsmith review {folder.path} --apply`; or decide "
            "in the browser with --web."
        )
    mode: ReviewMode = "web" if web else "file" if apply else "terminal"
    work_in_terminal(folder, mode, as_json, Console(stderr=as_json), read_notifier(notify))
