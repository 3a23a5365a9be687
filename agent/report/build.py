"""Build report.html: one page that holds everything it needs and opens without a network."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from agent.board import Board
from agent.folder import RunFolder, RunInfo, write_atomically
from agent.records import Calibration, ExtractionRecord, Questions
from agent.report import charts_directions, charts_pairs, numbers
from agent.report.attempts import AttemptView, GridView, view_attempts, view_grid
from agent.report.costs import CostsView, view_costs
from agent.report.failures import FailureClass, view_failures
from agent.report.overview import Figure, TestView, tell, view_figures, view_tests
from agent.report.pairs import PairsView, PredictionsView, view_pairs, view_predictions
from agent.report.rounds import RoundView, ScoreView, view_rounds, view_scores
from agent.report.standing import Standing, read_standing
from agent.report.steering import SteeringView, view_steering
from agent.review.labels import FEWEST, Agreement, measure_agreement, read_labels
from agent.store import Journal
from extract.trait import Trait
from lm.calls import Usage

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Page:
    """Everything that the page shows."""

    run: str
    info: RunInfo
    trait: Trait | None
    standing: Standing
    told: tuple[str, ...]
    figures: tuple[Figure, ...]
    calibrations: tuple[Calibration, ...]
    rounds: tuple[RoundView, ...]
    attempts: tuple[AttemptView, ...]
    grid: GridView | None
    clusters: tuple[str, ...]
    """What the standing pairs had too much of after the last round."""
    tests: tuple[TestView, ...]
    scores: ScoreView | None
    failures: tuple[FailureClass, ...]
    pairs: PairsView
    predictions: PredictionsView | None
    agreement: Agreement | None
    labels: int
    """Tested pairs that a person decided about one by one."""
    methods: tuple[ExtractionRecord, ...]
    questions: Questions | None
    steering: SteeringView | None
    costs: CostsView


def write_report(folder: RunFolder, journal: Journal, usage: Sequence[Usage]) -> Path:
    """Write the run's report from its journal; it may be built at any time, and again."""
    write_atomically(folder.report_file, render(build_page(folder, journal, usage)))
    return folder.report_file


def build_page(folder: RunFolder, journal: Journal, usage: Sequence[Usage]) -> Page:
    """Read the journal into the values that the page shows."""
    info = folder.read_info()
    spec, settings = info.spec, info.spec.settings
    standing = read_standing(folder, info, journal)
    steering = view_steering(journal)
    pairs = view_pairs(journal, settings)
    tests = view_tests(journal)
    rounds = Board(journal).rounds()
    return Page(
        run=folder.path.name,
        info=info,
        trait=Board(journal).find_trait(),
        standing=standing,
        told=tell(journal, standing, steering),
        figures=view_figures(spec, journal, steering),
        calibrations=tuple(journal.all(Calibration).values()),
        rounds=view_rounds(journal),
        attempts=view_attempts(rounds),
        grid=view_grid(journal),
        clusters=rounds[-1].findings if rounds else (),
        tests=tests,
        scores=view_scores(journal, tests),
        failures=view_failures(journal, pairs.every),
        pairs=pairs,
        predictions=view_predictions(pairs.every),
        agreement=measure_agreement(journal, spec),
        labels=len(read_labels(journal, spec)),
        methods=tuple(journal.all(ExtractionRecord).values()),
        questions=journal.find(Questions, "questions"),
        steering=steering,
        costs=view_costs(usage),
    )


def render(page: Page) -> str:
    """The page as HTML. Every text is escaped; only our own style and script may run, by their digests."""
    style, script = _read("style.css"), _read("script.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    html = _environment().get_template("template.html").render(
        page=page, spec=page.info.spec, settings=page.info.spec.settings,
        style=Markup(style), script=Markup(script), policy=policy,
    )  # fmt: skip
    return html if html.endswith("\n") else html + "\n"


def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=numbers.visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("plain", "score", "signed", "percent", "interval", "percents", "seconds", "usd", "count", "label"):
        environment.filters[name] = getattr(numbers, name)
    for module in (charts_pairs, charts_directions):
        environment.globals |= {name: getattr(module, name) for name in vars(module) if name.startswith("draw_")}
    environment.globals["cell_colour"] = charts_directions.scale_colour
    environment.globals["fewest_labels"] = FEWEST
    environment.filters["pretty"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment


def _read(name: str) -> str:
    return resources.files("agent.report").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
