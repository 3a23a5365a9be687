"""Build report.html: one page that holds everything it needs and opens without a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.board import Board
from agent.folder import RunFolder, RunInfo, write_atomically
from agent.records import Calibration, ExtractionRecord, Questions
from agent.report.attempts import AttemptView, GridView, view_attempts, view_grid
from agent.report.costs import CostsView, view_costs
from agent.report.failures import FailureClass, view_failures
from agent.report.overview import Figure, TestView, tell, view_figures, view_tests
from agent.report.pairs import PairsView, PredictionsView, view_pairs, view_predictions
from agent.report.rounds import RoundView, ScoreView, view_rounds, view_scores
from agent.report.standing import Standing, read_standing
from agent.report.steering import SteeringView, view_steering
from agent.report.templates import fill
from agent.review.labels import Agreement, measure_agreement, read_labels
from agent.store import Journal
from extract.trait import Trait
from lm.calls import Usage


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
    """The page as HTML."""
    return fill("template.html", page=page, spec=page.info.spec, settings=page.info.spec.settings)
