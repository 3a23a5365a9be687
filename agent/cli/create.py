"""`traitsmith create` and `traitsmith resume`: work on a run in this terminal."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer
from rich.console import Console

from agent.cli.options import HERE, AsJson, Budget, Cache, Notify, Out, Prices, Run
from agent.cli.verdicts import Verdicts, read_verdicts, show_verdicts
from agent.folder import RunFolder, check_target, create_run, discard_run, find_run
from agent.review.policy import read_policy
from agent.review.terms import build_terms
from agent.spec import ReviewMode, build_spec, refine_spec
from agent.spending import build_spending
from lm.errors import UserError

if TYPE_CHECKING:
    from agent.cli.progress import ConsoleProgress
    from agent.engine import Notifier, Result, Reviewer
    from agent.state import RunState

EXIT_CODES = {"done": 0, "waiting": 3, "answers": 3, "budget": 4, "failed": 5, "interrupted": 130}
FaceName = ReviewMode | Literal["rest"]
"""Who answers reviews: as a run was started, or the rules' proposals for what a review file leaves open."""


def create(
    trait: Annotated[
        str | None,
        typer.Argument(
            help="For example alignment/strategic_omission; not needed with --from.", metavar="CATEGORY/TRAIT"
        ),
    ] = None,
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
    policy = read_policy(approve) if approve is not None else None
    terms = build_terms(review_at, policy, timeout, on_timeout, mode)
    if mode == "web":
        require_web()
    if source is not None and answers is None:
        # What the other run was told already is not asked, or paid for, again.
        answers = source.path
    spending = build_spending({"budget": budget, "prices": prices, "cache": cache, "answers": answers})
    state = _state_before(source, at) if source is not None and at is not None else None
    from agent.cast import check_references

    check_references(wanted)
    if dry_run:
        from agent.cli.dry_run import show_estimate

        check_target(out.resolve(), wanted, replace)
        show_estimate(wanted, spending, as_json)
        return
    notifier = read_notifier(notify)
    folder = create_run(out.resolve(), wanted, mode, replace, spending, terms=terms)
    if source is not None and state is not None:
        from agent.fork import fork_run

        asyncio.run(fork_run(source, state, folder))
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


def resume(
    run: Run,
    budget: Budget = None,
    prices: Prices = None,
    cache: Cache = None,
    notify: Notify = None,
    out: Out = HERE,
    as_json: AsJson = False,
) -> None:
    """Go on with a run after a crash, Ctrl-C, a review or a raised budget."""
    folder = find_run(run, out.resolve())
    info = folder.read_info()
    spending = build_spending({"budget": budget, "prices": prices, "cache": cache}, info.spending)
    notifier = read_notifier(notify)
    if spending != info.spending:
        with folder.locked():
            folder.write_info(info.model_copy(update={"spending": spending}))
    work_in_terminal(folder, info.review, as_json, Console(stderr=as_json), notifier)


def work_in_terminal(
    folder: RunFolder,
    face: FaceName,
    as_json: bool,
    console: Console,
    notifier: "Notifier | None" = None,
    port: int = 0,
) -> None:
    """Work on a run, show how it goes, and exit with its code."""
    from agent.cli.progress import ConsoleProgress
    from agent.engine import work

    progress = ConsoleProgress(console, greeting=f"run {folder.path}")
    try:
        with (
            _interruptible(console) as stop_asked,
            _reviewer(face, console, stop_asked, progress, port) as reviewer,
        ):
            result = asyncio.run(work(folder, progress, reviewer, stop_asked, notifier))
    finally:
        progress.stop()
    _show_result(folder, result, console, as_json)
    raise typer.Exit(EXIT_CODES[result.end])


@contextmanager
def _reviewer(
    face: FaceName, console: Console, stop_asked: Callable[[], bool], progress: "ConsoleProgress", port: int
) -> "Iterator[Reviewer | None]":
    """Whoever is asked here; None where answers come by file."""
    if face == "web":
        require_web()
        from agent.review.web.reviewer import WebReview

        with WebReview(partial(_show_link, console), stop_asked, port) as reviewer:
            progress.tell = reviewer.tell
            yield reviewer
    elif face == "rest":
        from agent.review.asking import RestAsProposed

        yield RestAsProposed()
    elif face == "terminal" and sys.stdin.isatty():
        from agent.cli.keyboard import TerminalKeyboard
        from agent.review.terminal import TerminalReview

        yield TerminalReview(console, TerminalKeyboard(console), stop_asked)
    else:
        yield None


def _show_link(console: Console, link: str) -> None:
    console.print(f"decide in your browser (the link works once): {link}", highlight=False, soft_wrap=True)


def require_web() -> None:
    """Refuse the page before any work where what serves it is not installed."""
    missing = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]
    if missing:
        raise UserError(
            f"the review in the browser needs {' and '.join(missing)}: pip install 'traitsmith[web]'. "
            "Or use --review terminal or file."
        )


def read_notifier(command: str | None) -> "Notifier | None":
    """What tells a person of a waiting review; SpecError where the command is none."""
    if command is None:
        return None
    from agent.review.notify import notify, read_command

    return partial(notify, read_command(command))


def _review_mode(review: str | None) -> ReviewMode:
    if review is None:
        return "terminal" if sys.stdin.isatty() and sys.stdout.isatty() else "file"
    if review not in get_args(ReviewMode):
        raise UserError(f"--review {review!r}: allowed are {', '.join(get_args(ReviewMode))}.")
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


def _show_result(folder: RunFolder, result: "Result", console: Console, as_json: bool) -> None:
    validation = json.loads(folder.validation_file.read_text()) if folder.validation_file.exists() else None
    verdicts = _verdicts(folder) if result.end in ("done", "failed") else None
    if as_json:
        answer = {"run": str(folder.path), "end": result.end, "message": result.message, "validation": validation}
        waiting = {"review_file": str(result.review_file)} if result.review_file is not None else {}
        print(json.dumps(answer | waiting | (verdicts or {})))
        return
    if verdicts is not None:
        show_verdicts(console, verdicts)
    console.print(f"{result.end}: {result.message}", highlight=False, soft_wrap=True, markup=False)
    for line in _advise(folder, result):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _advise(folder: RunFolder, result: "Result") -> Iterator[str]:
    """What to look at, or to do next."""
    if result.end in ("done", "failed"):
        yield f"report {folder.report_file}"
    elif result.review_file is not None:
        yield f"  traitsmith review {folder.path}           asks here; with --web in the browser"
        yield f"  traitsmith review {folder.path} --apply   once each line of {result.review_file} has a decision"
        yield f"  to read: {result.review_file.with_suffix('.md')}"
    else:
        yield f"`traitsmith resume {folder.path}` goes on"


def _verdicts(folder: RunFolder) -> Verdicts | None:
    """The verdict on every pair of a vetting; None for a run that creates, whose report has them."""
    return read_verdicts(folder) if folder.read_info().vet else None
