"""Tell a person that something waits: a command of the user's own, run without a shell.

The command comes from the command line of each `create`, `resume` or `review` and is never stored with the run: a run
folder from elsewhere must not be able to name a program.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence

from agent.errors import SpecError
from agent.folder import RunFolder
from agent.review.schema import ReviewId

PATIENCE_S = 60
"""Seconds that the command may take."""


def read_command(text: str) -> tuple[str, ...]:
    """The words of a command; SpecError where there is no such program."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise SpecError(f"--notify {text!r}: {error}.") from error
    if not words or shutil.which(words[0]) is None:
        raise SpecError(f"--notify {text!r}: there is no such program. Name one that can be run, with its arguments.")
    return words


def notify(command: Sequence[str], folder: RunFolder, id_: ReviewId) -> str | None:
    """Run the command with the run's id as its last argument; what went wrong, None where nothing did.

    The environment holds the run's path in TRAITSMITH_RUN and the review's name in TRAITSMITH_REVIEW. Nothing that a
    model wrote is passed on.
    """
    environment = {**os.environ, "TRAITSMITH_RUN": str(folder.path), "TRAITSMITH_REVIEW": id_.title}
    try:
        done = subprocess.run(
            [*command, folder.path.name],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the notification {command[0]!r} did not work: {error}"
    if done.returncode != 0:
        said = done.stderr.strip()[-200:]
        return f"the notification {command[0]!r} ended with {done.returncode}" + (f": {said}" if said else "")
    return None
