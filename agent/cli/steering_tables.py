"""An evaluation of steering as tables and lines of a terminal."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agent.report.numbers import points

if TYPE_CHECKING:
    from steer.report import SideEffects, SteeringReport


def show_steering(console: Console, report: "SteeringReport", folder: Path) -> None:
    """Baseline, search, confirmation with controls, verdict, side effects, and where the page lies."""
    console.print(f"baseline {points(report.baseline.mean)} over {report.baseline.n} questions", highlight=False)
    console.print(_grid(report))
    if report.controls or report.other_traits:
        console.print(_controls(report))
    console.print(report.verdict, highlight=False, soft_wrap=True, markup=False)
    if report.side_effects:
        for line in _side_effects(report.side_effects):
            console.print(line, highlight=False, markup=False)
    shown = f"{len(report.grid)} settings tried; a page to look at: {folder / 'report.html'}"
    console.print(shown, highlight=False, soft_wrap=True)


def _grid(report: "SteeringReport") -> Table:
    """A row for each layer: trait score at each strength tried, in brackets where coherence was lost."""
    table = Table("layer", "strength: score (coherence lost)", title="search, on the choosing questions")
    for layer in sorted({cell.layer for cell in report.grid}):
        cells = sorted((cell for cell in report.grid if cell.layer == layer), key=lambda cell: cell.strength)
        lost = [cell.coherence is None or cell.coherence < report.min_coherence for cell in cells]
        words = [f"{cell.strength:+.2f}: {points(cell.score)}" for cell in cells]
        table.add_row(
            str(layer), "  ".join(f"({word})" if gone else word for word, gone in zip(words, lost, strict=True))
        )
    return table


def _controls(report: "SteeringReport") -> Table:
    table = Table(
        "setting", "layer", "strength", "score", "coherence", "delta", "n", title="confirmed on other questions"
    )
    randoms = [control.outcome for control in report.random_controls if control.outcome]
    for found in [*([report.chosen] if report.chosen else []), *randoms, *report.other_traits, *report.controls]:
        table.add_row(
            found.name, str(found.layer), f"{found.strength:+.2f}", points(found.score), points(found.coherence),
            f"{found.delta:+.1f}" if found.delta is not None else "unscored", str(found.n),
        )  # fmt: skip
    return table


def _side_effects(found: "SideEffects") -> Iterator[str]:
    """A line for each: unsteered, and with the chosen push."""
    if found.perplexity_before is not None and found.perplexity_after is not None:
        perplexity = f"{found.perplexity_before:.1f} -> {found.perplexity_after:.1f}"
        yield f"perplexity of {found.n_texts} scenarios {perplexity}"
    yield f"repeated words {found.repetition_before:.0%} -> {found.repetition_after:.0%}"
    if found.refusals_before is not None and found.refusals_after is not None:
        yield f"refusals {found.refusals_before:.0%} -> {found.refusals_after:.0%}"
    for one in found.other_scores:
        yield f"{one.trait}: {points(one.before)} -> {points(one.after)} over {one.n} questions"
