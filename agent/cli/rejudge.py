"""`traitsmith rejudge`: a finished run's completions, scored once more by another judge."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from agent.cli.judge import between, describe_judge, estimate_row, number, say
from agent.cli.options import HERE, AsJson, Budget, Cache, Out, Prices, Run
from agent.cli.progress import counting
from agent.folder import dump_json, find_run, write_atomically
from agent.spending import build_spending
from lm.references import parse_reference

if TYPE_CHECKING:
    from agent.judging.rejudge import JudgesCompared

_SHOWN = 10
"""Flips in the table; the file has them all."""


def rejudge(
    run: Run,
    judge: Annotated[str, typer.Option("--judge", help="Model that scores once more.")],
    budget: Budget = None,
    prices: Prices = None,
    cache: Cache = None,
    out: Out = HERE,
    as_json: AsJson = False,
) -> None:
    """Score a finished run's completions with another judge; nothing is generated, the dataset stays as it is."""
    from agent.board import Board
    from agent.judging.bench import open_bench, opened_store
    from agent.judging.rejudge import Rejudged, compare, rejudge, rejudged_folder, stored_samples
    from agent.judging.scoring import write_rows
    from agent.report.reading import open_run

    parse_reference(judge)
    spending = build_spending({"budget": budget, "prices": prices, "cache": cache})
    console = Console(stderr=as_json)
    with open_run(find_run(run, out.resolve())) as opened:
        rows, trait = stored_samples(opened), Board(opened.journal).trait()
        folder = rejudged_folder(opened.folder.path, judge)
        with opened_store(folder / "calls.sqlite") as calls, counting(console, "judging") as said:

            async def work() -> tuple[list[Rejudged], dict[str, Any]]:
                async with open_bench(judge, trait.path, calls, spending) as bench:
                    done = await rejudge(opened, rows, bench, said)
                    return done, {"judge": bench.identity.model_dump(), "cost": bench.cost()}

            done, about = asyncio.run(work())
        compared = compare(opened, done)
        records = folder / "samples.jsonl"
        write_rows(records, done)
        before = opened.info.spec.judge
        answer = {"run": str(opened.folder.path), "judge_before": before, **about, "records": str(records)}
        answer |= {"agreement": compared.model_dump(mode="json")}
        write_atomically(folder / "agreement.json", dump_json(answer))
    if as_json:
        print(json.dumps(answer))
    else:
        _show(Console(), compared, answer)
    raise typer.Exit(0 if compared.unscored_after < compared.samples else 5)


def _show(console: Console, found: "JudgesCompared", answer: dict[str, Any]) -> None:
    table = Table("", "", "95 %", "n", box=None, pad_edge=False, header_style="dim")
    table.add_row(*estimate_row("Spearman of samples, old and new", found.spearman))
    table.add_row(*estimate_row("Cohen's kappa, samples that show the trait", found.kappa_samples))
    table.add_row(*estimate_row("Cohen's kappa, pairs that pass", found.kappa_pairs))
    difference = number(found.mean_difference, "+.1f")
    table.add_row("new minus old score", difference, between(found.mean_difference_ci95, "+.1f"), "")
    for when, share in (("then", found.passed_before), ("now", found.passed_after)):
        name = f"pairs that pass {when} ({found.last_test})"
        table.add_row(name, number(share.rate, ".2f"), "", f"{share.count}/{share.total}")
    console.print(table)
    say(console, f"{found.samples} samples; unscored: {found.unscored_before} then, {found.unscored_after} now")
    say(console, f"{len(found.flips)} of {found.pairs} tested pairs flip")
    for flip in found.flips[:_SHOWN]:
        ways = "passed, fails now" if flip.passed_before else "failed, passes now"
        sides = (
            f"{side} {number(flip.before[side], '.0f')} → {number(flip.after[side], '.0f')}" for side in flip.after
        )
        say(console, f"  {flip.pair} ({flip.test}) {ways}: {', '.join(sides)}")
    if len(found.flips) > _SHOWN:
        say(console, f"  … and {len(found.flips) - _SHOWN} more")
    say(console, f"before: judge {answer['judge_before']}")
    say(console, f"now: {describe_judge(answer['judge'])}")
    say(console, f"records {answer['records']}")
