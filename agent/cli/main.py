"""The command line: `traitsmith COMMAND`. Each command is a thin call into the agent."""

import os
import sys
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from agent.cli import (
    create,
    doctor,
    export,
    extract,
    judge,
    lint,
    monitor,
    persona,
    rejudge,
    report,
    resume,
    review,
    status,
    steer,
    vet,
)
from lm.errors import AnswersMissing, BudgetReached, TraitsmithError, UserError


class _AsWritten(TyperGroup):
    """Help texts are shown as they are written: to rich, what stands in square brackets would be a style."""

    def __init__(self, **about: Any) -> None:
        super().__init__(**about)
        _escape_help(self)


def _escape_help(command: Any) -> None:
    """The click classes that typer builds differ between its versions; all have these."""
    for told in (command, *command.params):
        told.help = escape(told.help) if getattr(told, "help", None) else None
    for inner in getattr(command, "commands", {}).values():
        _escape_help(inner)


app = typer.Typer(
    name="traitsmith",
    cls=_AsWritten,
    help="From the idea of a behavioural trait to vetted contrastive pairs and measured direction vectors.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("create")(create.create)
app.command("resume")(resume.resume)
app.command("review")(review.review)
app.command("status")(status.status)
app.command("report")(report.report)
app.command("lint")(lint.lint)
app.add_typer(judge.app, name="judge")
app.command("rejudge")(rejudge.rejudge)
app.command("vet")(vet.vet)
app.command("steer")(steer.steer)
app.command("monitor")(monitor.monitor)
app.command("extract")(extract.extract)
app.command("export")(export.export)
app.command("persona")(persona.persona)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run a command; what is wrong with the input is one clear line and exit code 2, never a traceback."""
    # Read by OpenMP when torch is loaded: threads that spin while they wait make a busy machine many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    console = Console(stderr=True)
    try:
        app()
    except UserError as error:
        console.print(f"[bold red]error:[/] {_escape(error)}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except AnswersMissing as missing:
        console.print(f"waiting: {_escape(missing)}", highlight=False, soft_wrap=True)
        sys.exit(3)
    except BudgetReached as reached:
        console.print(f"budget: {_escape(reached)}", highlight=False, soft_wrap=True)
        sys.exit(4)
    except TraitsmithError as error:
        console.print(f"[bold red]failed:[/] {_escape(error)}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("interrupted; `traitsmith resume` goes on with a run, the same command with anything else")
        sys.exit(130)


def _escape(error: Exception) -> str:
    """What an error says, and what those that it went through know of how to go on."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())]).replace("[", r"\[")
