"""Does a direction do what it is said to do? Searched on half of the questions, confirmed on the other half.

Beside the effect stand the unsteered baseline, random directions of the same norm that are given the very same search
and confirmation, the opposite sign, the natural questions, and the dose-response curve; where they are given, the
directions of other traits (the same search), plain prompting, and other traits' scores of the chosen answers.
"""

from collections.abc import Sequence

from extract.models import LoadedModel
from extract.vectors import Direction, Directions, Provenance
from lm.errors import UserError
from lm.types import Value
from steer.confirmation import Confirmation, as_baseline, as_dose, as_examples, confirm, confirmed, controls
from steer.contenders import Contender, random_contender, search_contenders
from steer.report import RandomControl, SteeringReport
from steer.scoring import Question, Scorer
from steer.side_effects import Aside, side_effects
from steer.strengths import Progress, SearchRule
from steer.trials import Bench, Samples, Trial, run_trials
from steer.writing import LocalWriter, Writer


class EvaluationSettings(Value):
    """How an evaluation is done; defaults are those of METHOD, section 6, where nothing else is said."""

    rule: SearchRule = SearchRule()
    max_tokens: int = 48
    max_baseline: float = 30.0
    """The unsteered mean must lie below this."""
    min_scored: float = 0.8
    """Least share of scored answers for a mean to count."""
    random_seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    """Of the random directions. What they reach is the null that a claim is held against: with fewer than two nothing
    is claimed, with three the bound lies at mean + 3.4 standard deviations, with five at mean + 2.3; with nineteen it
    holds whatever the distribution of their effects (see `steer.chance`)."""
    samples: int = 1
    """Answers to each confirming question: one is greedy, several are drawn at `temperature`."""
    temperature: float = 0.7
    doses: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
    """Points of the dose-response curve, as multiples of the chosen strength."""
    examples: int = 3
    """Questions whose answers are shown at every dose."""
    layers: tuple[int, ...] | None = None
    """Layers to search; None for all."""
    max_rows: int = 320
    """Answers generated at once."""
    instruction: str = ""
    """Tells the model to show the trait: plain prompting, the baseline that many directions do not reach."""


async def evaluate(
    model: LoadedModel,
    directions: Directions,
    questions: Sequence[Question],
    score: Scorer,
    *,
    settings: EvaluationSettings | None = None,
    progress: Progress | None = None,
    others: Sequence[Directions] = (),
    aside: Aside | None = None,
    writer: Writer | None = None,
) -> SteeringReport:
    """Search, confirm and control the effect of directions on a model's answers.

    `others` are directions of other traits, `aside` says which side effects of the chosen push are measured, `writer`
    writes the answers in the model's stead: another engine with the same weights, or a store in front of one.

    Every second question chooses, the others confirm. Raises UserError for fewer than four questions or a repeated
    one, and whatever the scorer raises: an outage ends the evaluation and is never taken for a score.
    """
    settings = settings or EvaluationSettings()
    rule = settings.rule
    choosing, confirming = _halves(questions)
    writer = writer or LocalWriter(model, settings.max_rows)
    bench = Bench(writer, score, model.spelling.chats, settings.max_tokens, settings.min_scored)
    if progress:
        progress("baseline", len(questions))
    [unsteered] = await run_trials(bench, questions, [()])
    lanes = _lanes(directions, settings)
    contenders = [Contender("chosen", lanes), *(random_contender(lanes, seed) for seed in settings.random_seeds)]
    contenders += [Contender(f"direction of {one.provenance.trait}", _lanes(one, settings)) for one in others]
    own, *rivals = await search_contenders(bench, contenders, choosing, rule, progress)
    randoms, foreign = rivals[: len(settings.random_seeds)], rivals[len(settings.random_seeds) :]
    found = await confirm(
        bench, unsteered.only(confirming), own, randoms, confirming, settings.doses, rule, progress,
        others=foreign, instruction=settings.instruction, samples=Samples(settings.samples, settings.temperature),
    )  # fmt: skip
    report = _report(directions.provenance, model.reference, settings, unsteered, [own, *randoms], foreign, found)
    if (steered := found.doses.get(1.0)) is None:
        return report
    effects = await side_effects(model, own.push(rule), found.unsteered, steered, aside or Aside())
    return report.model_copy(update={"side_effects": effects})


def _report(
    about: Provenance,
    assistant: str,
    settings: EvaluationSettings,
    unsteered: Trial,
    contenders: Sequence[Contender],
    others: Sequence[Contender],
    found: Confirmation,
) -> SteeringReport:
    """All findings as one value."""
    own, *randoms = contenders
    size = own.best.strength if own.best else 0.0
    curve = [(dose * size, found.doses[dose]) for dose in settings.doses] if own.best else []
    shown = found.unsteered.asked[: settings.examples]
    return SteeringReport(
        trait=about.trait,
        subject=about.subject,
        assistant=assistant,
        position=about.position,
        method=about.method,
        wanted=settings.rule.wanted,
        min_coherence=settings.rule.min_coherence,
        choosing=tuple(question.text for question in unsteered.questions[0::2]),
        confirming=tuple(question.text for question in found.unsteered.asked),
        baseline=as_baseline(unsteered, settings.max_baseline),
        grid=own.grid,
        chosen_on=own.best,
        chosen=confirmed(own, found.doses.get(1.0), found),
        random_controls=tuple(
            RandomControl(seed=seed, grid=random.grid, outcome=confirmed(random, trial, found))
            for seed, random, trial in zip(settings.random_seeds, randoms, found.randoms, strict=True)
        ),
        controls=controls(own, found),
        other_traits=tuple(
            outcome
            for other, trial in zip(others, found.others, strict=True)
            if (outcome := confirmed(other, trial, found)) is not None
        ),
        dose_response=tuple(as_dose(strength, trial) for strength, trial in curve),
        examples=tuple(example for strength, trial in curve for example in as_examples(strength, trial.only(shown))),
    )


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
