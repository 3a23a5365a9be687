"""`traitsmith create`: begin a run, or go on from a round of another, in this terminal."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.console import Console

from agent.cli.options import (
    HERE,
    AsJson,
    Assistant,
    AssistantWeights,
    Author,
    Budget,
    Cache,
    Judge,
    Notify,
    Out,
    Prices,
    Seed,
    Subject,
    SubjectWeights,
)
from agent.cli.working import read_notifier, require_web, work_in_terminal
from agent.folder import RunFolder, check_target, create_run, discard_run, find_run
from agent.review.policy import read_policy
from agent.review.terms import build_terms
from agent.spec import ReviewMode, Spec, build_spec, refine_spec
from agent.spending import Spending, build_spending
from lm.errors import UserError

if TYPE_CHECKING:
    from agent.state import RunState


def create(
    trait: Annotated[
        str | None,
        typer.Argument(
            help="For example alignment/strategic_omission; not needed with --from.", metavar="CATEGORY/TRAIT"
        ),
    ] = None,
    idea: Annotated[str | None, typer.Option(help="What is meant, in a sentence or two.")] = None,
    spec: Annotated[Path | None, typer.Option(help="A TOML file that fixes what it names.")] = None,
    author: Author = None,
    judge: Judge = None,
    subject: Subject = None,
    assistant: Assistant = None,
    subject_weights: SubjectWeights = None,
    assistant_weights: AssistantWeights = None,
    pairs: Annotated[int | None, typer.Option(help="Pairs to accept. [default: 150]")] = None,
    rounds: Annotated[int | None, typer.Option(help="Most rounds. [default: 20]")] = None,
    seed: Seed = None,
    review: Annotated[
        str | None, typer.Option(help="terminal, file, web or none. [default: terminal if there is one, else file]")
    ] = None,
    review_at: Annotated[
        str | None, typer.Option(help="Which reviews: definition,batch,results,final. [default: all of them]")
    ] = None,
    approve: Annotated[
        Path | None, typer.Option(help="A TOML file of rules: what meets them is approved, the rest is asked.")
    ] = None,
    timeout: Annotated[str | None, typer.Option(help="How long a review may wait: 90m, 12h, 7d.")] = None,
    on_timeout: Annotated[str | None, typer.Option(help="What happens then: fail, or reject the rest.")] = None,
    notify: Notify = None,
    budget: Budget = None,
    prices: Prices = None,
    cache: Cache = None,
    answers: Annotated[
        Path | None, typer.Option(help="A run, its store.sqlite or a file of answers (.jsonl): they are taken as well.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="A run to go on from, as it stood at --at.")] = None,
    at: Annotated[int | None, typer.Option(help="The round of --from to begin with again.", min=1)] = None,
    out: Out = HERE,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an existing dataset.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the run would ask and cost; write nothing, generate nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Turn a trait into a vetted dataset, directions and a measured steering effect."""
    given: dict[str, Any] = {
        "idea": idea,
        "author": author,
        "judge": judge,
        "subject": subject,
        "assistant": assistant,
        "subject_weights": subject_weights,
        "assistant_weights": assistant_weights,
        "pairs": pairs,
        "rounds": rounds,
        "seed": seed,
    }
    source = _source(from_, at, spec, out)
    wanted = refine_spec(source.read_info().spec, trait, given) if source else build_spec(_named(trait), spec, given)
    mode = _review_mode(review)
    terms = build_terms(review_at, read_policy(approve) if approve else None, timeout, on_timeout, mode)
    # What the run that is gone on from was told already is not asked, or paid for, again.
    answers = answers or (source.path if source else None)
    spending = build_spending({"budget": budget, "prices": prices, "cache": cache, "answers": answers})
    notifier = read_notifier(notify)
    state = _state_before(source, at) if source and at is not None else None
    _check_references(wanted)
    if dry_run:
        _estimate(wanted, spending, out.resolve(), replace, as_json)
        return
    folder = create_run(out.resolve(), wanted, mode, replace, spending, terms=terms)
    if source and state:
        _fork(source, state, folder)
    try:
        work_in_terminal(folder, mode, as_json, Console(stderr=as_json), notifier)
    except UserError:
        # Nothing has happened yet: what is wrong was found before the first step.
        if not folder.graph_file.exists():
            discard_run(folder)
        raise


def _named(trait: str | None) -> str:
    if trait is None:
        raise UserError("name what to create: traitsmith create CATEGORY/TRAIT, or --from RUN --at ROUND.")
    return trait


def _source(run: str | None, at: int | None, spec: Path | None, out: Path) -> RunFolder | None:
    """The run to go on from, None for a run of its own."""
    if (run is None) != (at is None):
        raise UserError("--from and --at belong together: --from RUN --at ROUND.")
    if run is not None and spec is not None:
        raise UserError("--from goes on with the spec of its run; change it by options, not by --spec.")
    return find_run(run, out.resolve()) if run is not None else None


def _state_before(source: RunFolder, at: int) -> "RunState":
    from agent.fork import state_before

    return asyncio.run(state_before(source, at))


def _fork(source: RunFolder, state: "RunState", folder: RunFolder) -> None:
    from agent.fork import fork_run

    asyncio.run(fork_run(source, state, folder))


def _check_references(wanted: Spec) -> None:
    from agent.cast import check_references

    check_references(wanted)


def _estimate(wanted: Spec, spending: Spending, out: Path, replace: bool, as_json: bool) -> None:
    from agent.cli.dry_run import show_estimate

    check_target(out, wanted, replace)
    show_estimate(wanted, spending, as_json)


def _review_mode(review: str | None) -> ReviewMode:
    if review is None:
        return "terminal" if sys.stdin.isatty() and sys.stdout.isatty() else "file"
    if review not in get_args(ReviewMode):
        raise UserError(f"--review {review!r}: allowed are {', '.join(get_args(ReviewMode))}.")
    if review == "web":
        require_web()
    return review  # type: ignore[return-value]
