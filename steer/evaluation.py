"""Does a direction do what it is said to do? Searched on half of the questions, confirmed on the other half.

Beside the effect stand the unsteered baseline, random directions of the same norm that are given the very same search
and confirmation, the opposite sign, the natural questions, and the dose-response curve.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import torch
from torch.nn.functional import normalize

from extract.models import LoadedModel
from extract.vectors import Direction, Directions
from lm.errors import UserError
from lm.types import Value
from steer.confirmation import as_baseline, as_dose, as_examples, as_outcome
from steer.operators import Push
from steer.report import Cell, Outcome, RandomControl, SteeringReport
from steer.scoring import Question, Scorer
from steer.strengths import Progress, SearchRule, best_cell, search_lanes
from steer.trials import Bench, Trial, run_trials


class EvaluationSettings(Value):
    """How an evaluation is done; defaults are those of METHOD, section 6, where nothing else is said."""

    rule: SearchRule = SearchRule()
    max_tokens: int = 48
    max_baseline: float = 30.0
    """The unsteered mean must lie below this."""
    min_scored: float = 0.8
    """Least share of scored answers for a mean to count."""
    random_seeds: tuple[int, ...] = (1, 2, 3)
    doses: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
    """Points of the dose-response curve, as multiples of the chosen strength."""
    examples: int = 3
    """Questions whose answers are shown at every dose."""
    layers: tuple[int, ...] | None = None
    """Layers to search; None for all."""
    max_rows: int = 320
    """Answers generated at once."""


@dataclass(frozen=True)
class Contender:
    """A set of directions that is searched and confirmed: the real one, or a random one."""

    lanes: tuple[Direction, ...]
    grid: tuple[Cell, ...] = ()
    best: Cell | None = None

    def push(self, rule: SearchRule, dose: float = 1.0) -> tuple[Push, ...]:
        """Its best cell as a push, times `dose`; none where there is no best cell."""
        if self.best is None:
            return ()
        lane = next(lane for lane in self.lanes if lane.layer == self.best.layer)
        return (Push(lane, norms=dose * self.best.strength, tokens=rule.tokens),)

    def outcome(self, name: str, trial: Trial | None, baseline: Trial) -> Outcome | None:
        """Its best cell, confirmed; None where there is none."""
        if self.best is None or trial is None:
            return None
        return as_outcome(name, self.best.layer, self.best.strength, trial, baseline)


async def evaluate(
    model: LoadedModel,
    directions: Directions,
    questions: Sequence[Question],
    score: Scorer,
    *,
    settings: EvaluationSettings | None = None,
    progress: Progress | None = None,
) -> SteeringReport:
    """Search, confirm and control the effect of directions on a model's answers.

    Every second question chooses, the others confirm. Raises UserError for fewer than four questions or a repeated
    one, and whatever the scorer raises: an outage ends the evaluation and is never taken for a score.
    """
    settings = settings or EvaluationSettings()
    choosing, confirming = _halves(questions)
    bench = Bench(model, score, settings.max_tokens, settings.max_rows, settings.min_scored)
    _tell(progress, "baseline", len(questions))
    [unsteered] = await run_trials(bench, questions, [()])
    own = Contender(_lanes(directions, settings))
    contenders = [own, *(_random(own, seed) for seed in settings.random_seeds)]
    own, *randoms = await _search(bench, contenders, choosing, settings.rule, progress)
    steered = await _confirm(bench, [own, *randoms], confirming, settings, progress)
    baseline = unsteered.only(confirming)
    outcomes = [
        contender.outcome(name, steered.get((n, 1.0)), baseline)
        for n, (name, contender) in enumerate(zip(_names(settings), [own, *randoms], strict=True))
    ]
    controls = await _controls(bench, own, confirming, baseline, steered.get((0, -1.0)), settings.rule)
    doses = _curve(own, steered, baseline, settings)
    about = directions.provenance
    return SteeringReport(
        trait=about.trait,
        subject=about.subject,
        assistant=model.reference,
        position=about.position,
        method=about.method,
        wanted=settings.rule.wanted,
        min_coherence=settings.rule.min_coherence,
        choosing=tuple(question.text for question in choosing),
        confirming=tuple(question.text for question in confirming),
        baseline=as_baseline(unsteered, settings.max_baseline),
        grid=own.grid,
        chosen_on=own.best,
        chosen=outcomes[0],
        random_controls=tuple(
            RandomControl(seed=seed, grid=random.grid, outcome=outcome)
            for seed, random, outcome in zip(settings.random_seeds, randoms, outcomes[1:], strict=True)
        ),
        controls=controls,
        dose_response=tuple(as_dose(strength, trial) for strength, trial in doses),
        examples=tuple(
            example
            for strength, trial in doses
            for example in as_examples(strength, trial.only(confirming[: settings.examples]))
        ),
    )


def random_directions(lanes: Sequence[Direction], seed: int) -> tuple[Direction, ...]:
    """The same layers and activation norms, with unit vectors drawn uniformly from the sphere."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(len(lane.vector), generator=generator) for lane in lanes]
    return tuple(replace(lane, vector=normalize(new, dim=0)) for lane, new in zip(lanes, drawn, strict=True))


async def _search(
    bench: Bench,
    contenders: Sequence[Contender],
    questions: Sequence[Question],
    rule: SearchRule,
    progress: Progress | None,
) -> list[Contender]:
    """All lanes of all contenders, searched side by side with the same rule."""
    owners = [(n, lane) for n, contender in enumerate(contenders) for lane in contender.lanes]
    tried = await search_lanes(bench, [lane for _, lane in owners], questions, rule, progress)
    found = []
    for n, group in groupby(zip(owners, tried, strict=True), key=lambda item: item[0][0]):
        grid = tuple(cell for _, cells in group for cell in cells)
        found.append(replace(contenders[n], grid=grid, best=best_cell(grid, rule)))
    return found


async def _confirm(
    bench: Bench,
    contenders: Sequence[Contender],
    questions: Sequence[Question],
    settings: EvaluationSettings,
    progress: Progress | None,
) -> dict[tuple[int, float], Trial]:
    """Each contender's best push on the confirming questions, and other doses of the first; by contender and dose.

    A contender without a usable cell has no entry.
    """
    doses = dict.fromkeys((1.0, -1.0, *settings.doses))
    due = [(0, dose) for dose in doses if dose != 0] + [(n, 1.0) for n in range(1, len(contenders))]
    due = [(n, dose) for n, dose in due if contenders[n].best is not None]
    _tell(progress, "confirm", len(due) * len(questions))
    trials = await run_trials(bench, questions, [contenders[n].push(settings.rule, dose) for n, dose in due])
    return dict(zip(due, trials, strict=True))


async def _controls(
    bench: Bench,
    own: Contender,
    questions: Sequence[Question],
    baseline: Trial,
    opposite: Trial | None,
    rule: SearchRule,
) -> tuple[Outcome, ...]:
    """The opposite sign on the same questions, and the natural questions without a push and with the opposite one."""
    if own.best is None or opposite is None:
        return ()
    plain, lowered = await run_trials(bench, questions, [(), own.push(rule, -1.0)], natural=True)
    layer, size = own.best.layer, own.best.strength
    return (
        as_outcome("opposite sign", layer, -size, opposite, baseline),
        as_outcome("natural question", layer, 0.0, plain, baseline),
        as_outcome("natural question, opposite sign", layer, -size, lowered, plain),
    )


def _curve(
    own: Contender, steered: dict[tuple[int, float], Trial], baseline: Trial, settings: EvaluationSettings
) -> list[tuple[float, Trial]]:
    """Strengths and trials of the dose-response curve; empty where nothing was chosen."""
    if own.best is None:
        return []
    size = own.best.strength
    return [(dose * size, steered[0, dose] if dose else baseline) for dose in settings.doses]


def _names(settings: EvaluationSettings) -> list[str]:
    return ["chosen", *(f"random direction {seed}" for seed in settings.random_seeds)]


def _halves(questions: Sequence[Question]) -> tuple[Sequence[Question], Sequence[Question]]:
    """Every second question for choosing, the others for confirming."""
    if len(questions) < 4:
        raise UserError(
            f"An evaluation needs at least 4 questions, half to choose and half to confirm; {len(questions)} given."
        )
    texts = [question.text for question in questions]
    repeated = next((text for text in texts if texts.count(text) > 1), None)
    if repeated is not None:
        raise UserError(f"The question {repeated!r} is given twice; it could stand on both sides. Give each once.")
    return questions[0::2], questions[1::2]


def _lanes(directions: Directions, settings: EvaluationSettings) -> tuple[Direction, ...]:
    wanted = directions.layers if settings.layers is None else settings.layers
    missing = [layer for layer in wanted if layer not in directions.layers]
    if missing or not wanted:
        raise UserError(f"No direction for layer {missing[:1]}; there are layers {list(directions.layers)}.")
    return tuple(directions[layer] for layer in wanted)


def _random(own: Contender, seed: int) -> Contender:
    return Contender(random_directions(own.lanes, seed))


def _tell(progress: Progress | None, stage: str, answers: int) -> None:
    if progress:
        progress(stage, answers)
