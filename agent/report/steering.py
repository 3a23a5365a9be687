"""The steering report as the page reads it: the search by layer, the controls, answers at rising strength."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.records import SteeringRecord
from agent.store import Journal
from steer.report import Cell, Example, Outcome, SteeringReport


@dataclass(frozen=True)
class Answers:
    """One question with its answers by rising strength."""

    question: str
    answers: tuple[Example, ...]


@dataclass(frozen=True)
class SteeringView:
    """A steering report, arranged for charts and tables."""

    report: SteeringReport

    @property
    def chosen(self) -> Outcome | None:
        """The push that was chosen, on the confirming questions."""
        return self.report.chosen

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers that were searched."""
        return tuple(sorted({cell.layer for cell in self.report.grid}))

    @property
    def random_outcomes(self) -> tuple[Outcome, ...]:
        """Random directions that came through their search, as confirmed."""
        return tuple(control.outcome for control in self.report.random_controls if control.outcome is not None)

    @property
    def examples(self) -> tuple[Answers, ...]:
        """Answers by question, in order of strength."""
        return group_examples(self.report.examples)

    @property
    def passed(self) -> bool:
        """Whether the effect is beyond its control and keeps its coherence."""
        return self.report.beyond_control and self.report.coherent

    def row(self, layer: int) -> tuple[Cell, ...]:
        """What was tried at a layer, by rising strength."""
        return tuple(sorted((cell for cell in self.report.grid if cell.layer == layer), key=lambda cell: cell.strength))

    def coherent(self, cell: Cell) -> bool:
        """Whether a cell keeps its coherence."""
        return cell.coherence is not None and cell.coherence >= self.report.min_coherence

    def best(self, layer: int) -> Cell | None:
        """The cell of a layer that moves the trait furthest the wanted way and keeps its coherence."""
        cells = [cell for cell in self.row(layer) if self.coherent(cell) and cell.score is not None]
        return max(cells, key=lambda cell: self.report.wanted * (cell.score or 0.0), default=None)


def view_steering(journal: Journal) -> SteeringView | None:
    """The steering report of the journal, if steering was measured."""
    record = journal.find(SteeringRecord, "steering")
    return None if record is None else SteeringView(record.report)


def group_examples(examples: Sequence[Example]) -> tuple[Answers, ...]:
    """Examples by question."""
    questions = dict.fromkeys(example.question for example in examples)
    return tuple(
        Answers(
            question,
            tuple(
                sorted((found for found in examples if found.question == question), key=lambda found: found.strength)
            ),
        )
        for question in questions
    )
