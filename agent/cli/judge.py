"""`traitsmith judge`: score texts with a rubric, and hold a judge against labels."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from agent.cli.options import HERE, AsJson, Budget, Cache, Prices
from agent.cli.progress import counting
from agent.errors import RunError
from agent.folder import check_place
from agent.spending import Spending, build_spending
from lm.references import parse_reference

if TYPE_CHECKING:
    from agent.judging.agreement import Cut, Estimate, Share
    from agent.judging.calibrate import JudgeCalibration
    from agent.judging.guides import Guide
    from agent.judging.scoring import JudgedText, Summary
    from agent.judging.texts import TextRow
    from lm.verdicts import JudgeIdentity


class _FileFirst(TyperGroup):
    """A group whose first word may be a file: `judge FILE` is `judge texts FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["texts", *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The group's own help, then the options of `judge FILE`."""
        super().format_help(ctx, formatter)
        texts = self.commands["texts"]
        texts.format_help(texts.make_context("texts", [], parent=ctx, resilient_parsing=True), formatter)


app = typer.Typer(
    cls=_FileFirst,
    no_args_is_help=True,
    help="Score texts with a rubric: `judge FILE` (short for `judge texts FILE`), `judge calibrate FILE` (its options: "
    "`judge calibrate --help`).",
    subcommand_metavar="FILE | calibrate FILE",
)

File = Annotated[
    Path, typer.Argument(help="Plain lines, .jsonl with `text` and perhaps `situation`, or .csv.", metavar="FILE")
]
Trait = Annotated[str | None, typer.Option("--trait", help="CATEGORY/TRAIT in ./datasets, or a dataset's folder.")]
RubricFile = Annotated[Path | None, typer.Option("--rubric", help="A TOML file with high, low, key.")]
Reference = Annotated[str, typer.Option("--judge", help="Model that scores.")]
OutFile = Annotated[Path | None, typer.Option("--out", help="Where verdicts go. [default: FILE's name .judged.jsonl]")]
Replace = Annotated[bool, typer.Option("--replace", help="Overwrite the verdicts that are there.")]
ORGANISM = "organism"


@app.command("texts")
def texts(
    file: File,
    trait: Trait = None,
    rubric: RubricFile = None,
    judge: Reference = ORGANISM,
    out: OutFile = None,
    coherence: Annotated[bool, typer.Option("--coherence", help="Score coherence as well.")] = False,
    budget: Budget = None,
    prices: Prices = None,
    cache: Cache = None,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Score texts with a trait's rubric; exit 5 when none could be scored."""
    from agent.judging.guides import read_guide
    from agent.judging.scoring import summarise, write_rows
    from agent.judging.texts import read_texts

    rows, guide = read_texts(file), read_guide(trait, rubric, HERE)
    target = _target(file, out, replace)
    spending = build_spending({"budget": budget, "prices": prices, "cache": cache})
    judged, about = _judge(rows, guide, judge, target, spending, coherence, Console(stderr=as_json))
    write_rows(target, judged)
    summaries = {guide.label: summarise([text.trait for text in judged])}
    if coherence:
        summaries["coherence"] = summarise([text.coherence for text in judged if text.coherence is not None])
    if as_json:
        measured = {"trait": summaries[guide.label].model_dump(), "label": guide.label}
        measured |= {"coherence": summaries["coherence"].model_dump()} if coherence else {}
        print(json.dumps({"file": str(file), "out": str(target), **about, **measured}))
    else:
        _show_summaries(Console(), summaries, about["judge"], target)
    raise typer.Exit(0 if summaries[guide.label].scored else 5)


@app.command("calibrate")
def calibrate(
    file: File,
    trait: Trait = None,
    rubric: RubricFile = None,
    judge: Reference = ORGANISM,
    threshold: Annotated[float, typer.Option(min=0, max=100, help="A text passes that scores at least this.")] = 60,
    correct: Annotated[
        Path | None,
        typer.Option(help="Verdicts of `traitsmith judge` whose pass rate is corrected. [default: FILE's own]"),
    ] = None,
    out: OutFile = None,
    budget: Budget = None,
    prices: Prices = None,
    cache: Cache = None,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Hold a judge against labels: every row of FILE has a `level` (0-100), or every row a `label` (0 or 1)."""
    from agent.judging.calibrate import calibrate as hold_against
    from agent.judging.calibrate import check_labels, read_passed
    from agent.judging.guides import read_guide
    from agent.judging.scoring import write_rows
    from agent.judging.texts import read_texts

    rows, guide = read_texts(file), read_guide(trait, rubric, HERE)
    kind = check_labels(file, rows)
    passed = read_passed(correct, threshold, str(parse_reference(judge))) if correct else None
    target = _target(file, out, replace)
    spending = build_spending({"budget": budget, "prices": prices, "cache": cache})
    judged, about = _judge(rows, guide, judge, target, spending, False, Console(stderr=as_json))
    write_rows(target, judged)
    found = hold_against(judged, kind, threshold, passed)
    if as_json:
        print(json.dumps({"file": str(file), "out": str(target), **about, **found.model_dump()}))
    else:
        _show_calibration(Console(), found, about["judge"], target)
    raise typer.Exit(0 if found.unscored < found.texts else 5)


def _target(file: Path, out: Path | None, replace: bool) -> Path:
    """Where verdicts go; RunError where something is in the way."""
    target = out or file.with_name(f"{file.stem}.judged.jsonl")
    if target.is_dir() or target.resolve() == file.resolve():
        raise RunError(
            f"--out {str(target)!r} is {'a folder' if target.is_dir() else 'FILE itself'}. Name another file."
        )
    check_place(target.parent)
    if target.exists() and not replace:
        raise RunError(f"{target} is there already. Give --replace to overwrite it, or another --out.")
    return target


def _judge(
    rows: "list[TextRow]",
    guide: "Guide",
    reference: str,
    target: Path,
    spending: Spending,
    coherence: bool,
    console: Console,
) -> "tuple[list[JudgedText], dict[str, Any]]":
    """Verdicts, and who gave them at what cost. Answers are kept beside the target, so that none is paid twice."""
    from agent.judging.bench import open_bench, opened_store
    from agent.judging.scoring import score_texts

    parse_reference(reference)
    with opened_store(target.with_name(f"{target.stem}.calls.sqlite")) as calls, counting(console, "judging") as said:

        async def work() -> "tuple[list[JudgedText], dict[str, Any]]":
            async with open_bench(reference, guide.label, calls, spending) as bench:
                judged = await score_texts(bench, guide, rows, coherence=coherence, said=said)
                return judged, {"judge": bench.identity.model_dump(), "cost": bench.cost()}

        return asyncio.run(work())


def say(console: Console, text: str) -> None:
    """A line as it is."""
    console.print(text, highlight=False, soft_wrap=True, markup=False)


def number(value: float | None, form: str = ".1f") -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None else f"{value:{form}}"


def between(interval: tuple[float, float] | None, form: str = ".1f") -> str:
    """An interval, or nothing."""
    return "" if interval is None else f"[{interval[0]:{form}}, {interval[1]:{form}}]"


def describe_judge(judge: "dict[str, Any] | JudgeIdentity") -> str:
    """Who judged, in a line."""
    about = judge if isinstance(judge, dict) else judge.model_dump()
    served = f" (serving {about['revision']})" if about["revision"] else ""
    return f"judge {about['model']}{served}, scale {about['scale']}, prompt {about['prompt']}"


def estimate_row(name: str, found: "Estimate") -> tuple[str, ...]:
    """A table's row for an estimate."""
    return name, number(found.value, ".2f"), between(found.ci95, ".2f"), str(found.n)


def _show_summaries(console: Console, summaries: "dict[str, Summary]", judge: dict[str, Any], target: Path) -> None:
    table = Table("", box=None, pad_edge=False, header_style="dim")
    for name in ("texts", "scored", "unscored", "mean", "95 %", "lowest", "highest"):
        table.add_column(name, justify="right")
    for name, found in summaries.items():
        counts = (str(found.texts), str(found.scored), str(found.unscored))
        figures = (number(found.mean), between(found.mean_ci95), number(found.lowest), number(found.highest))
        table.add_row(name, *counts, *figures)
    console.print(table)
    for name, found in summaries.items():
        for reason, count in found.reasons.items():
            say(console, f"unscored ({name}): {count} × {reason}")
    say(console, describe_judge(judge))
    say(console, f"verdicts {target}")


def _show_calibration(console: Console, found: "JudgeCalibration", judge: dict[str, Any], target: Path) -> None:
    at = f"at {found.threshold:g}"
    table = Table("", "", "95 %", "n", box=None, pad_edge=False, header_style="dim")
    table.add_row(*estimate_row(f"Spearman with the {found.kind}", found.spearman))
    table.add_row(*estimate_row("AUROC", found.auroc))
    table.add_row(*estimate_row(f"Cohen's kappa {at}", found.kappa))
    table.add_row(*_share_row(f"sensitivity {at}", found.sensitivity))
    table.add_row(*_share_row(f"specificity {at}", found.specificity))
    rate = found.pass_rate
    table.add_row(*_share_row(f"pass rate {at}, as judged", rate.observed)[:2], between(rate.observed_ci95, ".2f"), "")
    corrected = number(rate.corrected, ".2f")
    table.add_row("pass rate, corrected (Rogan-Gladen)", corrected, between(rate.corrected_ci95, ".2f"), "")
    console.print(table)
    say(console, f"{found.texts} texts, {found.unscored} unscored")
    if found.sweep:
        console.print(_sweep(found.sweep, found.best))
    say(console, describe_judge(judge))
    say(console, f"verdicts {target}")


def _sweep(cuts: "tuple[Cut, ...]", best: "Cut | None") -> Table:
    table = Table(
        box=None, pad_edge=False, header_style="dim", caption="* best here; flattering, chosen on these texts"
    )
    for name in ("threshold", "sensitivity", "specificity", "kappa", ""):
        table.add_column(name, justify="right")
    for cut in cuts:
        figures = (number(cut.sensitivity, ".2f"), number(cut.specificity, ".2f"), number(cut.kappa, ".2f"))
        table.add_row(f"{cut.threshold:g}", *figures, "*" if cut == best else "")
    return table


def _share_row(name: str, share: "Share") -> tuple[str, ...]:
    return name, number(share.rate, ".2f"), "", f"{share.count}/{share.total}"
