"""`traitsmith review`: decide on what waits, then go on."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from agent.cli.options import HERE, AsJson, Notify, Out, Run
from agent.cli.working import FaceName, read_notifier, work_in_terminal
from agent.errors import ReviewError
from agent.folder import RunFolder, find_run


def review(
    run: Run,
    web: Annotated[bool, typer.Option("--web", help="Decide in the browser, on a page of this machine.")] = False,
    port: Annotated[
        int, typer.Option(help="Port of the page with --web, for a tunnel to another machine; 0: any that is free.")
    ] = 0,
    apply: Annotated[bool, typer.Option("--apply", help="Take the review file's decisions as they are.")] = False,
    rest: Annotated[
        bool, typer.Option("--rest", help="With --apply: what has no decision is decided as the rules propose.")
    ] = False,
    notify: Notify = None,
    out: Out = HERE,
    as_json: AsJson = False,
) -> None:
    """Decide on what waits: approve, edit, reject with a reason, redraft, one by one or all at once."""
    folder = find_run(run, out.resolve())
    if folder.read_info().review == "none":
        raise ReviewError(f"{folder.path} was started with --review none; there is nothing to decide.")
    face = _choose_face(folder, web, apply, rest)
    if port and face != "web":
        raise ReviewError(f"--port {port} is the page's: give --web with it.")
    work_in_terminal(folder, face, as_json, Console(stderr=as_json), read_notifier(notify), port)


def _choose_face(folder: RunFolder, web: bool, apply: bool, rest: bool) -> FaceName:
    """How a person answers; ReviewError where the options do not go together, or nobody can."""
    if web and apply:
        raise ReviewError("--web asks in the browser, --apply asks nobody: give one of them.")
    if rest and not apply:
        raise ReviewError("--rest decides what the review file leaves open: give --apply with it.")
    if web:
        return "web"
    if apply:
        return "rest" if rest else "file"
    if not sys.stdin.isatty():
        raise ReviewError(
            "there is no terminal to ask at. Fill in the waiting review file (batches/NNN/review.jsonl for a batch; "
            f"`traitsmith status {folder.path}` names it), then `traitsmith review {folder.path} --apply`; or decide "
            "in the browser with --web."
        )
    return "terminal"
