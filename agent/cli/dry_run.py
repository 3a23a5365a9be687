"""`traitsmith create --dry-run`: what a run would ask and what that would cost, without asking it."""

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agent.spec import Spec
from agent.spending import Spending

if TYPE_CHECKING:
    from agent.estimate import Cost, Estimate


def show_estimate(spec: Spec, spending: Spending, as_json: bool) -> None:
    """Print calls, tokens and USD by step and role, fewest and most."""
    from agent.estimate import estimate_run

    found = asyncio.run(estimate_run(spec, spending))
    if as_json:
        totals = {"low": asdict(found.low), "high": asdict(found.high)}
        lines = [asdict(line) for line in found.lines]
        answer = {"trait": spec.path, **totals, "budget": found.budget, "notes": found.notes, "steps": lines}
        print(json.dumps(answer))
        return
    console = Console()
    for words in (f"{spec.path}, {spec.pairs} pairs: nothing is generated, nothing is written", _table(found)):
        console.print(words, highlight=False)
    for remark in _remarks(found):
        console.print(remark, highlight=False, soft_wrap=True, markup=False)


def _table(found: "Estimate") -> Table:
    table = Table("step", "role", box=None, pad_edge=False, header_style="dim", show_footer=True)
    table.columns[0].footer = "all"
    for name, total in zip(("calls", "tokens in", "tokens out", "USD"), _ranges(found.low, found.high), strict=True):
        table.add_column(name, total, justify="right")
    for line in found.lines:
        table.add_row(line.step.replace("_", " "), line.role, *_ranges(line.low, line.high))
    return table


def _ranges(low: "Cost", high: "Cost") -> tuple[str, ...]:
    """The columns of a line: fewest and most."""
    names = ("calls", "tokens_in", "tokens_out")
    return (*(_range(getattr(low, name), getattr(high, name)) for name in names), _usd_range(low.usd, high.usd))


def _remarks(found: "Estimate") -> list[str]:
    """What stands below the table."""
    low, high = found.low, found.high
    said = list(found.notes)
    if low.usd is None:
        said.append(f"known in USD: {low.usd_known:.4f} to {high.usd_known:.4f}")
    if found.budget is not None and found.budget < high.usd_known:
        short = " That is less than the least it takes." if found.budget < low.usd_known else ""
        said.append(f"the budget of {found.budget:.2f} USD stops the run before the most is reached.{short}")
    return said


def _range(few: int, many: int) -> str:
    return f"{few:,}" if few == many else f"{few:,} – {many:,}"


def _usd_range(few: float | None, many: float | None) -> str:
    if few is None or many is None:
        return "unknown"
    return f"{few:.4f}" if few == many else f"{few:.4f} – {many:.4f}"
