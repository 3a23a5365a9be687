"""`traitsmith status`: the runs, or where one run stands and what it took."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.cli.options import HERE, AsJson, Out
from agent.errors import RunError
from agent.folder import RunFolder, find_run, list_runs

if TYPE_CHECKING:
    from agent.report.costs import CostsView
    from agent.report.summary import RunSummary
    from lm.calls import Usage

STYLES = {"passed": "bold green", "failed": "bold red", "waiting": "bold yellow", "running": "bold cyan"}
SIGNS = {"passed": "✓", "failed": "✕", "waiting": "…", "running": "▶", "stopped": "■", "damaged": "!"}

Which = Annotated[str | None, typer.Argument(help="A run's path or id; without it all runs are listed.", metavar="RUN")]


def status(run: Which = None, out: Out = HERE, as_json: AsJson = False) -> None:
    """Show the runs and where they stand, or one run with its yield and its cost."""
    from agent.report.summary import summarise

    console = Console()
    if run is not None:
        summary = summarise(find_run(run, out.resolve()))
        if as_json:
            print(json.dumps(summary.as_json()))
        else:
            _show_run(summary, console)
        return
    if not out.is_dir():
        raise RunError(f"--out {str(out)!r}: there is no such folder. Name the one that holds runs/.")
    rows = [_try(folder) for folder in list_runs(out.resolve())]
    if as_json:
        print(json.dumps({"runs": [row if isinstance(row, dict) else row.as_json() for row in rows]}))
    elif rows:
        _show_runs(rows, console)
    else:
        console.print(f"no runs in {out.resolve() / 'runs'}", highlight=False, soft_wrap=True, markup=False)


def _try(folder: RunFolder) -> "RunSummary | dict[str, str]":
    """A run of the list; a damaged one does not hide the others."""
    from agent.report.summary import summarise

    try:
        return summarise(folder)
    except RunError as error:
        return {"run": str(folder.path), "state": "damaged", "message": str(error)}


def _show_runs(rows: "list[RunSummary | dict[str, str]]", console: Console) -> None:
    table = Table("run", "", box=None, pad_edge=False, header_style="dim")
    for name in ("pairs", "wanted", "calls", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        if isinstance(row, dict):
            table.add_row(_named(row["run"], row["message"]), _sign("damaged"), "", "", "", "")
            continue
        accepted = next((str(record.accepted_total) for record in reversed(row.rounds.values())), "0")
        counts = (accepted, str(row.pairs_wanted), f"{row.costs.calls:,}", _minutes(row.costs.seconds))
        table.add_row(_named(str(row.folder.path), row.standing.headline), _sign(row.state), *counts)
    console.print(table)


def _show_run(summary: "RunSummary", console: Console) -> None:
    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True, markup=False)

    console.print(Text.assemble((summary.trait, "bold"), "  ", _sign(summary.state), "  ", summary.standing.headline))
    say(f"run {summary.folder.path}, created {summary.created}")
    if summary.standing.state == "failed":
        say(summary.standing.message)
    for stage in summary.standing.stages:
        sign = {"done": "✓", "failed": "✕", "begun": "…"}.get(stage.state, " ")
        say(f"  {sign} {stage.name:<12} {stage.note or stage.state}")
    if summary.rounds:
        console.print(_rounds(summary))
    if summary.costs.rows:
        console.print(_costs(summary))
    if summary.folder.report_file.exists():
        say(f"report {summary.folder.report_file}")
    if summary.advice:
        say(summary.advice)


def _rounds(summary: "RunSummary") -> Table:
    table = Table("approach", box=None, pad_edge=False, header_style="dim", title_justify="left")
    for name in ("round", "drafted", "passed", "yield", "unscored", "standing"):
        table.add_column(name, justify="right")
    for number, record in summary.rounds.items():
        counts = (number, record.drafted, record.passed, f"{record.yield_:.0%}", record.unscored, record.accepted_total)
        table.add_row(record.approach, *(str(count) for count in counts))
    return table


def _costs(summary: "RunSummary") -> Table:
    """Cost by step and role, then by role, then in all."""
    costs = summary.costs
    table = Table("step", "role", box=None, pad_edge=False, header_style="dim", show_footer=True)
    table.columns[0].footer = "all"
    for name, total in zip(_columns(costs), _counts(costs, costs), strict=True):
        table.add_column(name, total, justify="right")
    for row in costs.rows:
        table.add_row(row.step.replace("_", " "), row.role, *_counts(costs, row))
    table.add_section()
    for role in costs.roles:
        table.add_row("all", role, *_counts(costs, costs.of_role(role)))
    return table


def _columns(costs: "CostsView") -> tuple[str, ...]:
    served, paid = ("cached",) if costs.attempts else (), ("USD",) if costs.is_paid else ()
    return ("calls", "tokens in", *served, "tokens out", "time", *paid)


def _counts(costs: "CostsView", part: "CostsView | Usage") -> tuple[str, ...]:
    """One row, or a total, in the columns of a run."""
    cached = "" if part.cached_share is None else f"{part.cached_share:.0%}"
    served, paid = (cached,) if costs.attempts else (), (_usd(part.usd),) if costs.is_paid else ()
    return (f"{part.calls:,}", f"{part.tokens_in:,}", *served, f"{part.tokens_out:,}", _minutes(part.seconds), *paid)


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:.4f}"


def _sign(state: str) -> Text:
    return Text(f"{SIGNS.get(state, ' ')} {state}", STYLES.get(state, "bold"))


def _named(path: str, words: str) -> Text:
    """A run's address under `runs/`, and below it a line in words."""
    return Text.assemble("/".join(Path(path).parts[-2:]), ("\n  " + words, "dim"))


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
