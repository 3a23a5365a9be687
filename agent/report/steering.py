"""What steering did, as the page shows it."""

from dataclasses import dataclass

from agent.records import Questions, SteeringRecord
from agent.store import Journal

Interval = tuple[float, float]


@dataclass(frozen=True)
class GridCell:
    """One strength tried at one layer."""

    layer: int
    strength: float
    score: float | None
    coherence: float | None
    n: int
    unscored: int


@dataclass(frozen=True)
class Chosen:
    """The push that was chosen, measured on the confirming questions."""

    layer: int
    strength: float
    score: float | None
    coherence: float | None
    delta: float | None
    delta_ci95: Interval | None


@dataclass(frozen=True)
class Control:
    """Something else tried beside the direction."""

    name: str
    strength: float | None
    score: float | None
    coherence: float | None
    delta: float | None


@dataclass(frozen=True)
class Dose:
    """One strength of the dose-response at the chosen layer."""

    strength: float
    score: float | None
    ci95: Interval | None
    coherence: float | None
    control: float | None
    """Trait score under a random direction of the same norm."""


@dataclass(frozen=True)
class Answer:
    """One answer at one strength."""

    strength: float
    text: str
    score: float | None
    coherence: float | None


@dataclass(frozen=True)
class Answers:
    """One question answered at rising strength."""

    question: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class SteeringView:
    """The steering report."""

    baseline: float | None
    chosen: Chosen | None
    random_delta: float | None
    coherence_min: float
    unit: str
    grid: tuple[GridCell, ...]
    controls: tuple[Control, ...]
    doses: tuple[Dose, ...]
    examples: tuple[Answers, ...]

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers that were tried."""
        return tuple(sorted({cell.layer for cell in self.grid}))

    def row(self, layer: int) -> tuple[GridCell, ...]:
        """What was tried at a layer, by rising strength."""
        return tuple(sorted((cell for cell in self.grid if cell.layer == layer), key=lambda cell: cell.strength))

    def coherent(self, cell: GridCell) -> bool:
        """Whether a cell keeps its coherence."""
        return cell.coherence is not None and cell.coherence >= self.coherence_min

    def best(self, layer: int) -> GridCell | None:
        """The highest score of a layer that keeps its coherence."""
        cells = [cell for cell in self.row(layer) if self.coherent(cell) and cell.score is not None]
        return max(cells, key=lambda cell: cell.score or 0.0, default=None)


def view_steering(journal: Journal, coherence_min: float) -> SteeringView | None:
    """The steering report of the journal, if steering was measured."""
    record = journal.find(SteeringRecord, "steering")
    if record is None:
        return None
    report = record.report
    return SteeringView(
        baseline=report.baseline,
        chosen=Chosen(
            layer=report.layer,
            strength=report.strength,
            score=report.score,
            coherence=report.coherence,
            delta=report.delta,
            delta_ci95=report.delta_ci95,
        ),
        random_delta=report.random_control_delta,
        coherence_min=coherence_min,
        unit="norms",
        grid=tuple(GridCell(c.layer, c.strength, c.score, c.coherence, c.n, c.unscored) for c in report.grid),
        controls=tuple(Control(c.name, c.strength, c.score, c.coherence, c.delta) for c in report.controls),
        doses=tuple(Dose(d.strength, d.score, d.score_ci95, d.coherence, d.control) for d in report.dose_response),
        examples=tuple(
            Answers(e.question, tuple(Answer(a.strength, a.text, a.score, a.coherence) for a in e.answers))
            for e in report.examples
        ),
    )


def view_questions(journal: Journal) -> Questions | None:
    """The steering questions, if any were kept."""
    return journal.find(Questions, "questions")
