"""`traitsmith vet`: test pairs that exist already, as a run that creates tests its own."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.cli.options import (
    HERE,
    AsJson,
    Assistant,
    AssistantWeights,
    Budget,
    Cache,
    Judge,
    Out,
    Prices,
    Seed,
    Subject,
    SubjectWeights,
)
from agent.cli.working import work_in_terminal
from agent.folder import create_run, discard_run
from agent.spending import build_spending
from lm.errors import UserError


def vet(
    trait: Annotated[str, typer.Argument(help="CATEGORY/TRAIT or a dataset's folder.", metavar="TRAIT|DIR")],
    positive: Annotated[Path | None, typer.Option(help="Candidates to vet, one positive scenario a line.")] = None,
    negative: Annotated[Path | None, typer.Option(help="Their negative scenarios, matched by line number.")] = None,
    scenarios_only: Annotated[
        bool, typer.Option("--scenarios-only", help="Leave out baseline, directions and steering.")
    ] = False,
    spec: Annotated[Path | None, typer.Option(help="A TOML file: a [definition], [settings], models.")] = None,
    subject: Subject = None,
    judge: Judge = None,
    assistant: Assistant = None,
    subject_weights: SubjectWeights = None,
    assistant_weights: AssistantWeights = None,
    seed: Seed = None,
    budget: Budget = None,
    prices: Prices = None,
    cache: Cache = None,
    out: Out = HERE,
    as_json: AsJson = False,
) -> None:
    """Lint, complete and judge existing pairs; then baseline, directions, steering. Exit 5 when a gate fails."""
    from agent.candidates import plan_vetting, read_candidates
    from agent.cast import check_references
    from agent.vetting import lay_out, untouched

    given: dict[str, object] = {
        "subject": subject,
        "judge": judge,
        "assistant": assistant,
        "subject_weights": subject_weights,
        "assistant_weights": assistant_weights,
        "seed": seed,
    }
    wanted, candidates = read_candidates(trait, (positive, negative), spec, given, out.resolve())
    check_references(wanted)
    plan = plan_vetting(wanted, candidates.steering, scenarios_only)
    spending = build_spending({"budget": budget, "prices": prices, "cache": cache})
    folder = create_run(out.resolve(), wanted, "none", replace=True, spending=spending, vet=plan.parts)
    lay_out(folder, candidates)
    console = Console(stderr=as_json)
    for line in plan.left_out:
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    try:
        work_in_terminal(folder, "none", as_json, console)
    except UserError:
        if untouched(folder):
            discard_run(folder)
        raise
