"""The review at the terminal: each pair with its prediction, one decision at a time, saved as it is made."""

import difflib
from collections.abc import Callable

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.review.batch import PairLine, Review, read_review, write_review
from agent.workshop import Workshop

KEYS = "[a]pprove  [e]dit  [r]eject  re[d]raft  [A]pprove all that remain  [s]top the run  [q]uit for now"


class TerminalReview:
    """Asks a person about a batch, pair by pair."""

    def __init__(self, console: Console, ask: Callable[[str], str]) -> None:
        self._console = console
        self._ask = ask

    def __call__(self, workshop: Workshop, round_number: int) -> bool:
        """Decide a batch; every decision is saved at once. False when the person leaves before the end."""
        review = read_review(workshop.folder, round_number)
        while undecided := review.undecided():
            line = next(line for line in review.pairs if line.pair == undecided[0])
            self._console.print(_render(line, round_number, len(review.pairs) - len(undecided), len(review.pairs)))
            try:
                decided = self._decide(review, line)
            except (EOFError, KeyboardInterrupt):
                return False
            if decided is None:
                return False
            review = decided
            write_review(workshop.folder, round_number, review)
        return True

    def _decide(self, review: Review, line: PairLine) -> Review | None:
        """The review with one more decision, None to leave."""
        while True:
            key = self._ask(KEYS).strip()
            if key == "a":
                return _with(review, line.model_copy(update={"decision": "approve"}))
            if key == "A":
                return _approve_rest(review)
            if key == "e":
                return _with(review, self._edit(line))
            if key in ("r", "d"):
                reason = self._ask("Why?").strip()
                if reason or key == "d":
                    decision = {"r": "reject", "d": "redraft"}[key]
                    return _with(review, line.model_copy(update={"decision": decision, "reason": reason}))
                self._console.print("A rejection needs a reason; the author reads it with the next draft.")
                continue
            if key == "s":
                return review.model_copy(update={"batch": review.batch.model_copy(update={"action": "stop"})})
            if key == "q":
                return None
            self._console.print(f"{key!r} is no answer.")

    def _edit(self, line: PairLine) -> PairLine:
        """The line with new texts; an empty answer keeps a side as it is."""
        positive = self._ask("New positive (empty: keep)").strip() or line.positive
        negative = self._ask("New negative (empty: keep)").strip() or line.negative
        changed = (positive, negative) != (line.positive, line.negative)
        decision = "edit" if changed else "approve"
        return line.model_copy(update={"positive": positive, "negative": negative, "decision": decision})


def _with(review: Review, line: PairLine) -> Review:
    return review.model_copy(update={"pairs": tuple(line if old.pair == line.pair else old for old in review.pairs)})


def _approve_rest(review: Review) -> Review:
    pairs = tuple(
        line if line.decision is not None else line.model_copy(update={"decision": "approve"}) for line in review.pairs
    )
    return review.model_copy(update={"pairs": pairs})


def _render(line: PairLine, round_number: int, done: int, total: int) -> Panel:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for side, text, other in (("positive", line.positive, line.negative), ("negative", line.negative, line.positive)):
        table.add_row("+" if side == "positive" else "-", _mark_difference(text, other))
        prediction = next((p for name, p in line.predicted.items() if name == side), None)
        if prediction is not None:
            express = "EXPRESS" if prediction.express else "EXPLAIN"
            predicted = f"→ {_printable(prediction.completion)}  ({prediction.probability:.0%}, {express})"
            table.add_row("", Text(predicted, "dim italic"))
    for finding in line.findings:
        table.add_row("!", Text(_printable(finding), "yellow"))
    return Panel(table, title=f"batch {round_number} · pair {line.pair} · {done + 1} of {total}", title_align="left")


def _mark_difference(text: str, other: str) -> Text:
    """The text with the words that the other side does not have in bold."""
    words, others = _printable(text).split(" "), _printable(other).split(" ")
    marked = Text()
    for kind, start, end, _, _ in difflib.SequenceMatcher(None, words, others, autojunk=False).get_opcodes():
        if start < end:
            marked.append(" ".join(words[start:end]) + " ", "" if kind == "equal" else "bold cyan")
    return marked


def _printable(text: str) -> str:
    """The text without control characters, which would steer the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
