"""The page as HTML: every text escaped, nothing from elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from agent.report.numbers import points, visible
from agent.report.pairs import side_passes
from agent.review.difference import split_by_difference
from agent.review.schema import ACTIONS, DECISIONS, DefinitionLine, PairLine, SampleShown
from agent.review.web.work import DEFINITION_TEXTS, View, text_of
from agent.settings import Settings
from extract.trait import OTHER, SIDES, Prediction, Side

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class SideShown:
    """One side of a pair."""

    side: Side
    text: str
    """The scenario as it was laid out."""
    draft: str
    """The scenario as the person left it."""
    parts: tuple[tuple[str, bool], ...]
    """The scenario in runs of words, each with whether the other side lacks it."""
    prediction: Prediction | None
    samples: tuple[SampleShown, ...]
    score: float | None
    tested: bool
    passed: bool
    """Whether the mean score meets its threshold."""


@dataclass(frozen=True)
class PairShown:
    """One pair: what was laid out, and the answer so far."""

    line: PairLine
    answer: PairLine
    sides: tuple[SideShown, ...]


def render(view: View, csrf: str) -> str:
    """The page of a review that waits."""
    id_, shown, spec = view.review.id, view.sheet.shown, view.sheet.workshop.spec
    pairs = [_pair(view, name) for name in view.order if isinstance(shown.line(name), PairLine)]
    definitions = [(line, view.review.line(line.name)) for line in shown.lines if isinstance(line, DefinitionLine)]
    return _environment().get_template("review.html").render(
        csrf=csrf, id=id_, title=id_.title, trait=spec.trait, category=spec.category,
        run=view.sheet.workshop.folder.path.name, pairs=pairs, definitions=definitions,
        decisions=DECISIONS[id_.kind], actions=ACTIONS[id_.kind], undecided=len(view.review.undecided()),
        total=len(view.review.lines), settings=spec.settings,
        failures=sorted({pair.line.tested.failure for pair in pairs if pair.line.tested and pair.line.tested.failure}),
        verdicts=sorted({pair.line.tested.first_token or "" for pair in pairs if pair.line.tested} - {""}),
        tested=any(pair.line.tested for pair in pairs), texts_of=_texts_of,
    )  # fmt: skip


def render_waiting(csrf: str) -> str:
    """The page while the run works."""
    return _environment().get_template("working.html").render(csrf=csrf)


def read_asset(name: str) -> str:
    """A file that the page loads."""
    return resources.files("agent.review.web").joinpath(name).read_text(encoding="utf-8")


def _texts_of(line: DefinitionLine, given: DefinitionLine) -> Iterator[tuple[str, str, str, str]]:
    """The texts of a definition that can be edited: field, name, as laid out, as the person left it."""
    for field, name in DEFINITION_TEXTS.items():
        yield field, name, text_of(line.definition, field), text_of(given.definition, field)


def _pair(view: View, name: str) -> PairShown:
    line, answer = view.sheet.shown.line(name), view.review.line(name)
    assert isinstance(line, PairLine) and isinstance(answer, PairLine)
    return PairShown(line, answer, tuple(_sides(line, answer, view.sheet.workshop.spec.settings)))


def _sides(line: PairLine, answer: PairLine, settings: Settings) -> Iterator[SideShown]:
    for side in SIDES:
        text, tested = line.scenario(side), line.tested
        yield SideShown(
            side=side,
            text=text,
            draft=answer.scenario(side),
            parts=tuple(split_by_difference(text, line.scenario(OTHER[side]))),
            prediction=line.predicted.get(side),
            samples=tested.samples.get(side, ()) if tested else (),
            score=tested.scores.get(side) if tested else None,
            tested=tested is not None,
            passed=tested is not None and side_passes(side, tested.scores.get(side), settings),
        )


def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(read_asset),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["points"] = points
    environment.filters["label"] = lambda name: str(name).replace("_", " ")
    environment.filters["percent"] = lambda share: f"{share:.0%}"
    return environment
