"""`traitsmith create` and `traitsmith resume`: work on a run in this terminal."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from agent.cli.options import HERE, AsJson, Budget, Cache, Out, Prices, Run
from agent.cli.verdicts import Verdicts, read_verdicts, show_verdicts
from agent.folder import RunFolder, check_target, create_run, discard_run, find_run
from agent.spec import ReviewMode, build_spec
from agent.spending import build_spending
from lm.errors import UserError

EXIT_CODES = {"done": 0, "waiting": 3, "answers": 3, "budget": 4, "failed": 5, "interrupted": 130}


def create(
    trait: Annotated[str, typer.Argument(help="CATEGORY/TRAIT, for example alignment/strategic_omission.")],
    idea: Annotated[str | None, typer.Option(help="What is meant, in a sentence or two.")] = None,
    spec: Annotated[Path | None, typer.Option(help="A TOML file that fixes what it names.")] = None,
    author: Annotated[str | None, typer.Option(help="Model that defines the trait and writes pairs.")] = None,
    judge: Annotated[str | None, typer.Option(help="Model that scores texts.")] = None,
    subject: Annotated[str | None, typer.Option(help="Base model under study.")] = None,
    assistant: Annotated[str | None, typer.Option(help="Chat model that is steered; default: the subject.")] = None,
    subject_weights: Annotated[
        str | None, typer.Option(help="Where the weights of a served subject are: organism or hf:PATH.")
    ] = None,
    assistant_weights: Annotated[
        str | None, typer.Option(help="The same for a served assistant. [default: the subject's, if it is the subject]")
    ] = None,
    pairs: Annotated[int | None, typer.Option(help="Pairs to accept. [default: 150]")] = None,
    rounds: Annotated[int | None, typer.Option(help="Most rounds. [default: 20]")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same dataset. [default: 0]")] = None,
    review: Annotated[
        str | None, typer.Option(help="terminal, file or none. [default: terminal if there is one, else file]")
    ] = None,
    budget: Budget = None,
    prices: Prices = None,
    cache: Cache = None,
    answers: Annotated[
        Path | None, typer.Option(help="A run, its store.sqlite or a file of answers (.jsonl): they are taken as well.")
    ] = None,
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
    wanted = build_spec(trait, spec, given)
    mode = _review_mode(review)
    spending = build_spending({"budget": budget, "prices": prices, "cache": cache, "answers": answers})
    from agent.cast import check_references

    check_references(wanted)
    if dry_run:
        from agent.cli.dry_run import show_estimate

        check_target(out.resolve(), wanted, replace)
        show_estimate(wanted, spending, as_json)
        return
    folder = create_run(out.resolve(), wanted, mode, replace, spending)
    try:
        work_in_terminal(folder, mode, as_json, Console(stderr=as_json))
    except UserError:
        # Nothing has happened yet: what is wrong was found before the first step.
        if not folder.graph_file.exists():
            discard_run(folder)
        raise


def resume(
    run: Run,
    budget: Budget = None,
    prices: Prices = None,
    cache: Cache = None,
    out: Out = HERE,
    as_json: AsJson = False,
) -> None:
    """Go on with a run after a crash, Ctrl-C, a review or a raised budget."""
    folder = find_run(run, out.resolve())
    info = folder.read_info()
    spending = build_spending({"budget": budget, "prices": prices, "cache": cache}, info.spending)
    if spending != info.spending:
        with folder.locked():
            folder.write_info(info.model_copy(update={"spending": spending}))
    work_in_terminal(folder, info.review, as_json, Console(stderr=as_json))


def work_in_terminal(folder: RunFolder, mode: ReviewMode, as_json: bool, console: Console) -> None:
    """Work on a run, show how it goes, and exit with its code."""
    from agent.cli.progress import ConsoleProgress
    from agent.engine import work

    progress = ConsoleProgress(console, greeting=f"run {folder.path}")
    try:
        with _interruptible(console) as stop_asked:
            result = asyncio.run(work(folder, progress, _reviewer(mode, console), stop_asked))
    finally:
        progress.stop()
    _show_result(folder, result.end, result.message, console, as_json)
    raise typer.Exit(EXIT_CODES[result.end])


def _reviewer(mode: ReviewMode, console: Console) -> Any:
    if mode != "terminal" or not sys.stdin.isatty():
        return None
    from agent.review.terminal import TerminalReview

    return TerminalReview(console, lambda question: console.input(f"[bold]{question}[/]\n> ", markup=True))


def _review_mode(review: str | None) -> ReviewMode:
    if review is None:
        return "terminal" if sys.stdin.isatty() and sys.stdout.isatty() else "file"
    if review not in ("terminal", "file", "none"):
        raise UserError(f"--review {review!r}: allowed are terminal, file and none.")
    return review  # type: ignore[return-value]


@contextmanager
def _interruptible(console: Console) -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C finish the current step; the second stops at once. Both lose nothing."""
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        console.print("stopping after this step; press Ctrl-C again to stop at once", highlight=False)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


def _show_result(folder: RunFolder, end: str, message: str, console: Console, as_json: bool) -> None:
    validation = json.loads(folder.validation_file.read_text()) if folder.validation_file.exists() else None
    verdicts = _verdicts(folder) if end in ("done", "failed") else None
    if as_json:
        answer = {"run": str(folder.path), "end": end, "message": message, "validation": validation}
        print(json.dumps(answer | (verdicts or {})))
        return
    if verdicts is not None:
        show_verdicts(console, verdicts)
    console.print(f"{end}: {message}", highlight=False, soft_wrap=True, markup=False)
    if end in ("done", "failed"):
        console.print(f"report {folder.report_file}", highlight=False, soft_wrap=True)
    elif end == "waiting":
        console.print(
            f"decide in {folder.path / 'batches'} or with `traitsmith review {folder.path}`, then `traitsmith resume "
            f"{folder.path}`",
            highlight=False,
            soft_wrap=True,
        )
    else:
        console.print(f"`traitsmith resume {folder.path}` goes on", highlight=False, soft_wrap=True)


def _verdicts(folder: RunFolder) -> Verdicts | None:
    """The verdict on every pair of a vetting; None for a run that creates, whose report has them."""
    return read_verdicts(folder) if folder.read_info().vet else None
