"""Live progress: one line per finished step, what is being done right now, and bars where one can count."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.status import Status

from agent.checkpoints import Watcher

DOING = {
    "define": "defining the trait and calibrating its rubric",
    "draft": "drafting pairs",
    "lint": "linting",
    "predict": "predicting completions",
    "prepare_definition": "laying out the definition",
    "record_definition": "recording the review",
    "prepare_batch": "laying out the batch",
    "record_batch": "recording the review",
    "prepare_results": "laying out the results",
    "record_results": "recording the review",
    "prepare_final": "laying out the dataset",
    "record_final": "recording the review",
    "test": "running scenarios on the subject and judging",
    "first_token": "testing first tokens",
    "analyse": "analysing failures",
    "cut": "cutting",
    "decide": "deciding",
    "fresh_test": "testing every accepted pair afresh",
    "questions": "writing steering questions",
    "write": "writing the dataset",
    "baseline": "measuring the baseline",
    "extract": "extracting directions",
    "steer": "searching layers and strengths",
    "conclude": "writing the report",
}
"""What each node, or stage of a vetting, does, in words."""
BRIEF = {"prepare": "lay out", "record": "review"}
"""Nodes that every review has, by how their names begin: how a finished one is named."""


class ConsoleProgress(Watcher):
    """Shows the running step with a spinner and leaves a line for every finished one."""

    def __init__(self, console: Console, greeting: str) -> None:
        self._console = console
        self._greeting = greeting
        self._status: Status | None = None
        self._began, self._node = monotonic(), ""
        self.tell: Callable[[str], None] = lambda _: None
        """Hears what is being done as well: a page that waits."""

    def begins(self, node: str) -> None:
        """Show what is being done; a review has the terminal to itself."""
        if self._greeting:
            self._console.print(self._greeting, highlight=False, soft_wrap=True, markup=False)
            self._greeting = ""
        self._began, self._node = monotonic(), node
        if node in DOING:
            self.tell(DOING[node])
        if not node.startswith("review_") and self._console.is_terminal:
            self._status = self._console.status(DOING.get(node, node))
            self._status.start()

    def goes_on(self, doing: str) -> None:
        """Say how far the running step is."""
        told = f"{DOING.get(self._node, self._node)} · {doing}"
        self.tell(told)
        if self._status is not None:
            self._status.update(told)

    def ends(self, node: str, summary: str) -> None:
        """Leave a line."""
        self.stop()
        if summary:
            seconds, name = monotonic() - self._began, BRIEF.get(node.partition("_")[0], node.replace("_", " "))
            self._console.print(f"[dim]{seconds:6.1f} s[/]  [bold]{name:<11}[/] {escape(summary)}", highlight=False)

    def stop(self) -> None:
        """Take the spinner away."""
        if self._status is not None:
            self._status.stop()
            self._status = None


@contextmanager
def counting(console: Console, doing: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told how many are done, and of how many; nothing is drawn where there is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
