"""The review at the terminal: the most telling pairs first, one key a decision, saved as it is made."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.text import Text

from agent.errors import ReviewError
from agent.review.asking import open_review
from agent.review.check import check_line, lint_edited
from agent.review.editing import as_editable, from_editable
from agent.review.files import write_review
from agent.review.layout import lay_out
from agent.review.order import asking_order
from agent.review.schema import (
    ACTIONS,
    DECISIONS,
    Action,
    Decision,
    DefinitionLine,
    PairLine,
    Review,
    ReviewId,
    decide_as_proposed,
    restored,
)
from agent.review.screen import printable, render_line, render_summary
from agent.review.terms import Kind
from agent.workshop import Workshop

AnyLine = PairLine | DefinitionLine

KEYS: dict[str, tuple[Decision, str]] = {
    "a": ("approve", "[a]pprove"),
    "e": ("edit", "[e]dit"),
    "r": ("reject", "[r]eject"),
    "d": ("redraft", "re[d]raft"),
    "l": ("defer", "decide [l]ater"),
}
"""Keys for one line."""
WHOLE: dict[str, tuple[Action, str]] = {
    "R": ("redraft", "[R]edraft all"),
    "S": ("stop", "[S]top the run"),
}
"""Keys for the whole review at any time; they are asked about once more."""
CLOSING: dict[str, tuple[Action, str]] = {
    "H": ("continue", "[H]and in and go on"),
    "C": ("scale", "hand in and s[C]ale up"),
}
"""Keys that hand in a review in which everything is decided."""
SURE: dict[Action, str] = {
    "redraft": "Send every line back to the author?",
    "stop": "End the run here? It ends with a report and cannot go on.",
}
"""What is asked before a decision that cannot be taken back."""


class Keyboard(Protocol):
    """What a person answers with."""

    def left_by_ctrl_c(self) -> AbstractContextManager[None]:
        """While inside, Ctrl-C raises KeyboardInterrupt at once."""
        ...

    def key(self, question: str) -> str:
        """One key."""
        ...

    def line(self, question: str) -> str:
        """One line of text."""
        ...

    def edit(self, text: str) -> str:
        """The text as the person leaves it in an editor."""
        ...


class Left(Exception):
    """The person leaves the review as it is, for now."""


@dataclass
class Sitting:
    """One review in front of a person: what was laid out, what is decided, and what to go back to."""

    workshop: Workshop
    shown: Review
    review: Review
    order: list[str]
    before: list[Review] = field(default_factory=list)

    def next_line(self) -> AnyLine | None:
        """The line to ask about, None where all is decided. The order is that of what was laid out."""
        undecided = set(self.review.undecided())
        return next((self.review.line(name) for name in self.order if name in undecided), None)

    def take(self, review: Review) -> None:
        """Save a decision; it can be taken back."""
        self.before.append(self.review)
        self.keep(review)

    def keep(self, review: Review) -> None:
        """Save the review as it is now."""
        self.review = review
        write_review(self.workshop.folder, review)


class TerminalReview:
    """Asks a person about a review, line by line."""

    def __init__(self, console: Console, keyboard: Keyboard, stop_asked: Callable[[], bool] = lambda: False) -> None:
        self._console = console
        self._keyboard = keyboard
        self._stop_asked = stop_asked

    def __call__(self, workshop: Workshop, id_: ReviewId) -> bool:
        """Decide a review; every decision is saved at once. False when the person leaves before handing it in."""
        shown = lay_out(workshop.board, id_)
        order = asking_order(shown, workshop.spec.settings, workshop.spec.seed)
        sitting = Sitting(workshop, shown, open_review(workshop, shown).with_action(None), order)
        try:
            with self._keyboard.left_by_ctrl_c():
                if self._stop_asked():
                    raise Left
                while sitting.review.batch.action is None:
                    self._ask(sitting)
        except (Left, EOFError, KeyboardInterrupt):
            return False
        return True

    def _ask(self, sitting: Sitting) -> None:
        """Show what is next and ask until a decision is made."""
        line = sitting.next_line()
        if line is None:
            self._console.print(render_summary(sitting.review))
        else:
            number = len(sitting.shown.lines) - len(sitting.review.undecided()) + 1
            self._console.print(render_line(sitting.shown.line(line.name), sitting.shown, number, self._console.width))
        done = False
        while not done:
            key = self._keyboard.key(_question(sitting, line))
            try:
                done = self._whole(sitting, key) if line is None else self._one(sitting, line, key)
            except ReviewError as error:
                self._say(str(error))

    def _whole(self, sitting: Sitting, key: str) -> bool:
        """Do what a key says about the whole; False where nothing came of it."""
        kind = sitting.shown.id.kind
        offered = WHOLE if sitting.next_line() is not None else WHOLE | CLOSING
        if key == "q":
            raise Left
        if key == "u" and sitting.before:
            sitting.keep(sitting.before.pop())
            return True
        if key not in offered or offered[key][0] not in ACTIONS[kind]:
            self._say(f"{key!r} is no answer here.")
            return False
        action = offered[key][0]
        if action in SURE and self._keyboard.key(f"{SURE[action]} [y]es, anything else: no") != "y":
            return False
        sitting.take(sitting.review.with_action(action))
        return True

    def _one(self, sitting: Sitting, line: AnyLine, key: str) -> bool:
        """Do what a key says about one line, or about the whole."""
        if key == "A":
            sitting.take(decide_as_proposed(sitting.review, sitting.shown))
            return True
        decision = KEYS[key][0] if key in KEYS else None
        if decision is None or decision not in DECISIONS[sitting.shown.id.kind]:
            return self._whole(sitting, key)
        if decision == "edit":
            return self._edit(sitting, line)
        reason = self._keyboard.line("Why?").strip() if decision in ("reject", "redraft") else ""
        answer = {"decision": decision, "reason": reason, "by": "person"}
        self._take(sitting, restored(line, sitting.shown.line(line.name)).model_copy(update=answer))
        return True

    def _edit(self, sitting: Sitting, line: AnyLine) -> bool:
        """Let the line be edited; a text that cannot be taken is kept, and the next edit begins with it."""
        kept, seen = sitting.review.line(line.name), sitting.shown.line(line.name)
        edited = from_editable(kept, self._keyboard.edit(as_editable(kept)))
        sitting.keep(sitting.review.with_line(edited))
        if edited == restored(edited, seen):
            self._say("nothing was changed.")
            return False
        self._take(sitting, edited.model_copy(update={"decision": "edit", "by": "person"}))
        if isinstance(edited, PairLine):
            for finding in lint_edited(edited, sitting.workshop.board):
                self._say(f"saved, with a warning: {finding.code}: {finding.message}")
        return True

    def _take(self, sitting: Sitting, line: AnyLine) -> None:
        """Save one line's decision; ReviewError where it cannot be taken."""
        review = sitting.review.with_line(line)
        check_line(line, sitting.shown.line(line.name), review, sitting.workshop.board)
        sitting.take(review)

    def _say(self, text: str) -> None:
        self._console.print(Text(printable(text), "yellow"))


def _question(sitting: Sitting, line: AnyLine | None) -> str:
    kind = sitting.shown.id.kind
    closing = [words for action, words in CLOSING.values() if action in ACTIONS[kind]]
    offered = _about_line(kind) if line is not None else closing
    whole = [words for action, words in WHOLE.values() if action in ACTIONS[kind]]
    return "  ".join([*offered, *whole, *(["[u]ndo"] if sitting.before else []), "[q]uit for now"])


def _about_line(kind: Kind) -> list[str]:
    offered = [words for decision, words in KEYS.values() if decision in DECISIONS[kind]]
    if kind == "definition":
        return offered
    return [*offered, f"[A]{'s proposed' if kind in ('results', 'final') else 'pprove'}: all that remain"]
