"""`traitsmith create`: begin a run, or go on from a round of another, in this terminal."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

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
    from agent.engine import Notifier


Named = Annotated[
    str | None,
    typer.Argument(help="For example alignment/strategic_omission; not needed with --from.", metavar="CATEGORY/TRAIT"),
]
Idea = Annotated[str | None, typer.Option(help="What is meant, in a sentence or two.")]
SpecFile = Annotated[Path | None, typer.Option(help="A TOML file that fixes what it names.")]
Pairs = Annotated[int | None, typer.Option(help="Pairs to accept. [default: 150]")]
Rounds = Annotated[int | None, typer.Option(help="Most rounds. [default: 20]")]
Review = Annotated[
    str | None, typer.Option(help="terminal, file, web or none. [default: terminal if there is one, else file]")
]
ReviewAt = Annotated[
    str | None, typer.Option(help="Which reviews: definition,batch,results,final. [default: all of them]")
]
Approve = Annotated[
    Path | None, typer.Option(help="A TOML file of rules: what meets them is approved, the rest is asked.")
]
Timeout = Annotated[str | None, typer.Option(help="How long a review may wait: 90m, 12h, 7d.")]
OnTimeout = Annotated[str | None, typer.Option(help="What happens then: fail, or reject the rest.")]
Answers = Annotated[
    Path | None, typer.Option(help="A run, its store.sqlite or a file of answers (.jsonl): they are taken as well.")
]
From = Annotated[str | None, typer.Option("--from", help="A run to go on from, as it stood at --at.")]
At = Annotated[int | None, typer.Option(help="The round of --from to begin with again.", min=1)]
Replace = Annotated[bool, typer.Option("--replace", help="Overwrite an existing dataset.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what the run would ask and cost; write nothing, generate nothing.")
]


def create(
    trait: Named = None,
    idea: Idea = None,
    spec: SpecFile = None,
    author: Author = None,
    judge: Judge = None,
    subject: Subject = None,
    assistant: Assistant = None,
    subject_weights: SubjectWeights = None,
    assistant_weights: AssistantWeights = None,
    pairs: Pairs = None,
    rounds: Rounds = None,
    seed: Seed = None,
    review: Review = None,
    review_at: ReviewAt = None,
    approve: Approve = None,
    timeout: Timeout = None,
    on_timeout: OnTimeout = None,
    notify: Notify = None,
    budget: Budget = None,
    prices: Prices = None,
    cache: Cache = None,
    answers: Answers = None,
    from_: From = None,
    at: At = None,
    out: Out = HERE,
    replace: Replace = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Turn a trait into a vetted dataset, directions and a measured steering effect."""
    given = {"idea": idea, "pairs": pairs, "rounds": rounds, "seed": seed}
    given |= {"author": author, "judge": judge, "subject": subject, "assistant": assistant}
    given |= {"subject_weights": subject_weights, "assistant_weights": assistant_weights}
    source = _source(from_, at, spec, out)
    wanted = refine_spec(source.read_info().spec, trait, given) if source else build_spec(_named(trait), spec, given)
    mode = _review_mode(review)
    terms = build_terms(review_at, read_policy(approve) if approve else None, timeout, on_timeout, mode)
    fork = _fork(source, at) if source and at is not None else None
    # What the run that is gone on from was told already is not asked, or paid for, again.
    answers = answers or (source.path if source else None)
    spending = build_spending({"budget": budget, "prices": prices, "cache": cache, "answers": answers})
    notifier = read_notifier(notify)
    _check_references(wanted)
    if dry_run:
        _estimate(wanted, spending, out.resolve(), replace, as_json)
        return
    folder = create_run(out.resolve(), wanted, mode, replace, spending, terms=terms)
    if fork:
        fork(folder)
    _work(folder, mode, as_json, notifier)


def _work(folder: RunFolder, mode: ReviewMode, as_json: bool, notifier: "Notifier | None") -> None:
    """Work on a new run; one that cannot begin leaves nothing behind."""
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


def _fork(source: RunFolder, at: int) -> Callable[[RunFolder], None]:
    """What makes a new run one that goes on from a round of another; RunError where that round never began."""
    from agent.fork import fork_run, state_before

    state = asyncio.run(state_before(source, at))
    return lambda folder: asyncio.run(fork_run(source, state, folder))


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
