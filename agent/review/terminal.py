"""The review at the terminal: the most telling pairs first, one key a decision, saved as it is made."""

import difflib
from collections.abc import Callable, Iterable
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.errors import ReviewError
from agent.review.asking import open_review
from agent.review.check import check_line
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
    proposed,
    restored,
)
from agent.spec import Definition
from agent.workshop import Workshop
from extract.trait import SIDES, Side

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
    "C": ("scale", "s[C]ale up"),
    "S": ("stop", "[S]top the run"),
}
"""Keys for the whole review."""
NARROW = 100
"""Columns below which the two sides stand one above the other."""


class Keyboard(Protocol):
    """What a person answers with."""

    def key(self, question: str) -> str:
        """One key."""
        ...

    def line(self, question: str) -> str:
        """One line of text."""
        ...

    def edit(self, text: str) -> str:
        """The text as the person leaves it in an editor."""
        ...


class TerminalReview:
    """Asks a person about a review, line by line."""

    def __init__(self, console: Console, keyboard: Keyboard, stop_asked: Callable[[], bool] = lambda: False) -> None:
        self._console = console
        self._keyboard = keyboard
        self._stop_asked = stop_asked

    def __call__(self, workshop: Workshop, id_: ReviewId) -> bool:
        """Decide a review; every decision is saved at once. False when the person leaves before the end."""
        review, shown = open_review(workshop, id_), lay_out(workshop.board, id_)
        before: list[Review] = []
        while undecided := set(review.undecided()):
            # The order is that of what was laid out, so that it stays while decisions are made.
            order = asking_order(shown, workshop.spec.settings, workshop.spec.seed)
            line = review.line(next(name for name in order if name in undecided))
            self._show(line, review, len(review.lines) - len(undecided))
            try:
                decided = self._decide(workshop, review, line, shown.line(line.name), before)
            except (EOFError, KeyboardInterrupt):
                return False
            if decided is None or self._stop_asked():
                return False
            review = decided
            write_review(workshop.folder, review)
        return True

    def _decide(
        self, workshop: Workshop, review: Review, line: AnyLine, seen: AnyLine, before: list[Review]
    ) -> Review | None:
        """The review with one more decision, None to leave."""
        while True:
            key = self._keyboard.key(_question(review, before))
            if key == "q":
                return None
            if key == "u" and before:
                return before.pop()
            try:
                changed = self._answered(review, line, seen, key)
                if changed is None:
                    continue
                if changed.batch == review.batch and key != "A":
                    check_line(changed.line(line.name), seen, review, workshop.board)
            except ReviewError as error:
                self._say(str(error))
                continue
            before.append(review)
            return changed

    def _answered(self, review: Review, line: AnyLine, seen: AnyLine, key: str) -> Review | None:
        """The review as a key changes it, None where the key says nothing here."""
        kind = review.id.kind
        if key == "A":
            lines = [proposed(one) if one.decision is None else one for one in review.lines]
            return review.model_copy(update={"lines": tuple(lines)})
        if key in WHOLE and WHOLE[key][0] in ACTIONS[kind]:
            # Scaling up changes the next batch; this one is decided line by line all the same.
            return review.with_action(WHOLE[key][0])
        decision = KEYS[key][0] if key in KEYS else None
        if decision is None or decision not in DECISIONS[kind]:
            self._say(f"{key!r} is no answer here.")
            return None
        if decision == "edit":
            return self._edited(review, line)
        reason = self._keyboard.line("Why?").strip() if decision in ("reject", "redraft") else ""
        answer = {"decision": decision, "reason": reason, "by": "person"}
        return review.with_line(restored(line, seen).model_copy(update=answer))

    def _edited(self, review: Review, line: AnyLine) -> Review | None:
        if isinstance(line, DefinitionLine):
            return self._edited_definition(review, line)
        texts: dict[str, str] = {side: _one_line(self._keyboard.edit(_scenario(line, side))) for side in SIDES}
        kept = all(texts[side] == _scenario(line, side) for side in SIDES)
        decision: Decision = "approve" if kept else "edit"
        return review.with_line(line.model_copy(update={**texts, "decision": decision, "by": "person"}))

    def _edited_definition(self, review: Review, line: DefinitionLine) -> Review | None:
        given = line.definition.model_dump_json(indent=2, by_alias=True)
        try:
            definition = Definition.model_validate_json(self._keyboard.edit(given))
        except ValueError as error:
            self._say(f"that is no definition: {error}")
            return None
        decision: Decision = "approve" if definition == line.definition else "edit"
        return review.with_line(
            line.model_copy(update={"definition": definition, "decision": decision, "by": "person"})
        )

    def _show(self, line: AnyLine, review: Review, done: int) -> None:
        title = f"{review.id.title} · {line.name} · {done + 1} of {len(review.lines)}"
        if isinstance(line, PairLine) and line.tested is not None:
            title += f" · proposed: {'stands' if line.tested.stands else 'cut'}"
        width = self._console.width
        body = _render_definition(line) if isinstance(line, DefinitionLine) else render_pair(line, width)
        self._console.print(Panel(body, title=Text(title), title_align="left"))

    def _say(self, text: str) -> None:
        self._console.print(Text(_printable(text), "yellow"))


def _question(review: Review, before: list[Review]) -> str:
    kind = review.id.kind
    offered = [words for decision, words in KEYS.values() if decision in DECISIONS[kind]]
    rest = "[A]s proposed for all that remain" if kind in ("results", "final") else "[A]pprove all that remain"
    offered += [rest, *(words for action, words in WHOLE.values() if action in ACTIONS[kind])]
    return "  ".join([*offered, *(["[u]ndo"] if before else []), "[q]uit for now"])


def _scenario(line: PairLine, side: Side) -> str:
    return line.positive if side == "positive" else line.negative


def _one_line(text: str) -> str:
    """An edited scenario: editors end files with a line break, scenarios hold none."""
    return " ".join(text.split("\n")).strip()


def render_pair(line: PairLine, width: int) -> RenderableType:
    """A pair with its sides beside each other where there is room, else one above the other."""
    cells = {side: Group(*_side(line, side)) for side in SIDES}
    table = Table.grid(padding=(0, 2), expand=True)
    if width >= NARROW:
        table.add_column(ratio=1)
        table.add_column(ratio=1)
        table.add_row(*(cells[side] for side in SIDES))
    else:
        table.add_column()
        for side in SIDES:
            table.add_row(cells[side])
    notes = [Text(f"! {_printable(finding)}", "yellow") for finding in line.findings]
    tested = line.tested
    if tested is not None:
        told = f"first tokens: {tested.first_token or 'not tested'}"
        told += f" · {tested.failure}: {_printable(tested.evidence)}" if tested.failure else ""
        notes.append(Text(told, "green" if tested.stands else "red"))
    return Group(Text(f"ground truth: {_printable(line.ground_truth)}", "dim"), table, *notes)


def _side(line: PairLine, side: Side) -> Iterable[Text]:
    other: Side = "negative" if side == "positive" else "positive"
    sign = Text("+ " if side == "positive" else "- ", "bold")
    yield sign + _mark_difference(_scenario(line, side), _scenario(line, other))
    if (prediction := line.predicted.get(side)) is not None:
        express = "EXPRESS" if prediction.express else "EXPLAIN"
        said = f"→ {_printable(prediction.completion)}  ({prediction.probability:.0%}, {express})"
        yield Text(said, "dim italic")
    if line.tested is None:
        return
    yield Text(f"mean {_points(line.tested.scores.get(side))}", "bold")
    for sample in line.tested.samples.get(side, ()):
        shown = Text(f"{_points(sample.score):>8}  ", "dim")
        shown.append(_printable(sample.opening), "reverse")
        shown.append(_printable(sample.rest))
        yield shown


def _render_definition(line: DefinitionLine) -> RenderableType:
    given, table = line.definition, Table.grid(padding=(0, 1))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    rows = [("IS", given.is_), ("ISN'T", given.is_not), ("ORTHOGONAL", given.orthogonal)]
    rows += [("HIGH", given.rubric.high), ("LOW", given.rubric.low), ("Key", given.rubric.key)]
    rows += [("near", text) for text in given.neighbours]
    for name, text in rows:
        table.add_row(name, Text(_printable(text)))
    for level in line.calibration:
        table.add_row(f"{level.level:>3} → {_points(level.score)}", Text(_printable(level.text), "dim"))
    agreement = "not measured" if line.rank_agreement is None else f"{line.rank_agreement:.2f}"
    return Group(table, Text(f"The judge's rank agreement with these levels: {agreement}", "bold"))


def _points(score: float | None) -> str:
    return "unscored" if score is None else f"{score:.0f}"


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
