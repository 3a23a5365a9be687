"""`traitsmith review`: decide on the batch that waits, then go on."""

import sys

from rich.console import Console

from agent.cli.create import work_in_terminal
from agent.cli.options import HERE, AsJson, Out, Run
from agent.errors import ReviewError
from agent.folder import find_run


def review(run: Run, out: Out = HERE, as_json: AsJson = False) -> None:
    """Decide on the waiting batch at this terminal: approve, edit, reject with a reason, or all at once."""
    folder = find_run(run, out.resolve())
    info = folder.read_info()
    if not sys.stdin.isatty():
        raise ReviewError(
            "there is no terminal to ask at. Fill in the newest batches/NNN/review.jsonl of the run, then "
            f"`traitsmith resume {folder.path}`."
        )
    if info.review == "none":
        raise ReviewError(f"{folder.path} was started with --review none; there is nothing to decide.")
    work_in_terminal(folder, "terminal", as_json, Console(stderr=as_json))
