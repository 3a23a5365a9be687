"""What the terminal shows of a review. Texts of models are shown as texts: no control character, no markup."""

from collections import Counter
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.report.numbers import points
from agent.review.difference import split_by_difference
from agent.review.schema import PEOPLE, DefinitionLine, OutcomeShown, PairLine, Review, SampleShown
from extract.trait import OTHER, SIDES, Side

NARROW = 100
"""Columns below which the two sides stand one above the other."""
COLOURS: dict[Side, str] = {"positive": "yellow", "negative": "cyan"}


def render_line(line: PairLine | DefinitionLine, review: Review, number: int, width: int) -> RenderableType:
    """A line as it was laid out, in a frame that says where in the review it stands."""
    if isinstance(line, DefinitionLine):
        title, body = review.id.title, _render_definition(line)
    else:
        title, body = f"{review.id.title} · {line.name} · {number} of {len(review.lines)}", render_pair(line, width)
    return Panel(body, title=Text(title), title_align="left", padding=(1, 2))


def render_summary(review: Review) -> RenderableType:
    """What was decided about how many lines, and by whom where it was no person."""
    made = Counter(f"{line.decision}{'' if line.by in PEOPLE else f' by {line.by}'}" for line in review.lines)
    told = ", ".join(f"{number} {decision}" for decision, number in sorted(made.items()))
    return Text(f"{review.id.title}: everything is decided ({told}).", "bold")


def render_pair(line: PairLine, width: int) -> RenderableType:
    """A pair with its sides beside each other where there is room, else one above the other."""
    cells = {side: Group(*_side(line, side)) for side in SIDES}
    table = Table.grid(padding=(0, 4), expand=True)
    if width >= NARROW:
        table.add_column(ratio=1)
        table.add_column(ratio=1)
        table.add_row(*(cells[side] for side in SIDES))
    else:
        table.add_column()
        for side in SIDES:
            table.add_row(cells[side])
            table.add_row("")
    cell = [Text(printable(line.cell), "dim")] if line.cell else []
    truth = Text(f"ground truth: {printable(line.ground_truth)}\n", "dim")
    notes = [Text(f"! {printable(finding)}", "yellow") for finding in line.findings]
    found = [_render_outcome(line.tested)] if line.tested is not None else []
    return Group(*cell, truth, table, *notes, *found)


def _render_outcome(tested: OutcomeShown) -> Text:
    told = f"proposed: {'stands' if tested.stands else 'cut'} · first tokens: {tested.first_token or 'not tested'}"
    told += f" · {tested.failure}: {printable(tested.evidence)}" if tested.failure else ""
    return Text(told, "red" if not tested.stands else "yellow" if tested.failure else "green")


def _side(line: PairLine, side: Side) -> Iterable[RenderableType]:
    mean = "" if line.tested is None else f" · mean {points(line.tested.scores.get(side))}"
    yield Text(f"{'+' if side == 'positive' else '−'} {side}{mean}", f"bold {COLOURS[side]}")
    scenario = Text()
    for words, own in split_by_difference(printable(line.scenario(side)), printable(line.scenario(OTHER[side]))):
        scenario.append(words, f"bold {COLOURS[side]}" if own else "")
    yield scenario
    yield Text()
    if line.tested is not None:
        yield _render_samples(line.tested.samples.get(side, ()))
    if (prediction := line.predicted.get(side)) is not None:
        express = "EXPRESS" if prediction.express else "EXPLAIN"
        yield Text(
            f"predicted ({prediction.probability:.0%}, {express}): {printable(prediction.completion)}", "dim italic"
        )


def _render_samples(samples: Iterable[SampleShown]) -> RenderableType:
    """Completions with their scores before them, first tokens reversed."""
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column()
    for sample in samples:
        text = Text.assemble((printable(sample.opening), "reverse"), printable(sample.rest))
        table.add_row(points(sample.score), text)
    return table


def _render_definition(line: DefinitionLine) -> RenderableType:
    given, table = line.definition, Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    rows = [("IS", given.is_), ("ISN'T", given.is_not), ("ORTHOGONAL", given.orthogonal)]
    rows += [("HIGH 70-100", given.rubric.high), ("LOW 0-40", given.rubric.low), ("Key", given.rubric.key)]
    rows += [("near", text) for text in given.neighbours]
    rows += [("taxonomy", line.taxonomy), ("setup", line.setup)]
    for name, text in rows:
        table.add_row(name, Text(printable(text)))
    agreement = "not measured" if line.rank_agreement is None else f"{line.rank_agreement:.2f}"
    table.add_row("", "")
    table.add_row("calibration", Text(f"rank agreement of the judge with the levels below: {agreement}"))
    for level in line.calibration:
        table.add_row(f"{level.level:>3} → {points(level.score)}", Text(printable(level.text), "dim"))
    return table


def printable(text: str) -> str:
    """The text without control characters, which would steer the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
