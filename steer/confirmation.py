"""What was chosen, tried on the questions that did not choose it, beside its controls."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from extract.intervals import mean_interval
from steer.contenders import Contender
from steer.report import Baseline, Dose, Example, Outcome
from steer.scoring import Question
from steer.strengths import Progress, SearchRule
from steer.trials import Bench, Samples, Trial, run_trials


@dataclass(frozen=True)
class Confirmation:
    """Trials on the confirming questions. Where nothing was chosen, only the baseline and the random ones are there."""

    unsteered: Trial
    doses: dict[float, Trial]
    """By multiple of the chosen strength: 0 is unsteered, 1 what was chosen, -1 the opposite sign."""
    randoms: tuple[Trial | None, ...]
    """Best push of each random contender; None where it has none."""
    natural: tuple[Trial, Trial] | None
    """Questions without prefix: unsteered, and with the opposite sign."""
    others: tuple[Trial | None, ...] = ()
    """Best push of each other trait's directions; None where there is none."""
    prompted: Trial | None = None
    """Unsteered, with an instruction to show the trait in front; None where no instruction was given."""


async def confirm(
    bench: Bench,
    unsteered: Trial,
    own: Contender,
    randoms: Sequence[Contender],
    questions: Sequence[Question],
    doses: Sequence[float],
    rule: SearchRule,
    progress: Progress | None = None,
    *,
    others: Sequence[Contender] = (),
    instruction: str = "",
    samples: Samples | None = None,
) -> Confirmation:
    """Try the best push of each contender on fresh questions, other doses of the first, and plain prompting.

    `unsteered` are greedy answers to these questions; where several samples are asked for they are drawn anew.
    """
    due = [dose for dose in dict.fromkeys((1.0, -1.0, *doses)) if dose != 0] if own.best else []
    settings = [own.push(rule, dose) for dose in due]
    settings += [rival.push(rule) for rival in (*randoms, *others) if rival.best]
    if progress and settings:
        progress("confirm", (len(settings) + 2) * len(questions) * (samples.count if samples else 1))
    if samples and samples.count > 1:
        [unsteered] = await run_trials(bench, questions, [()], samples=samples)
    trials = iter(await run_trials(bench, questions, settings, samples=samples))
    steered = {dose: next(trials) for dose in due}
    beside = tuple(next(trials) if random.best else None for random in randoms)
    foreign = tuple(next(trials) if other.best else None for other in others)
    natural = None
    if own.best:
        plain, lowered = await run_trials(bench, questions, [(), own.push(rule, -1.0)], natural=True, samples=samples)
        natural = (plain, lowered)
    prompted = None
    if instruction:
        [prompted] = await run_trials(bench, questions, [()], instruction=instruction, samples=samples)
    return Confirmation(unsteered, {0.0: unsteered, **steered}, beside, natural, foreign, prompted)


def confirmed(contender: Contender, trial: Trial | None, found: Confirmation) -> Outcome | None:
    """A contender's best cell on the confirming questions; None where it has none."""
    if contender.best is None or trial is None:
        return None
    return compare(contender.name, contender.best.layer, contender.best.strength, trial, found.unsteered)


def controls(own: Contender, found: Confirmation) -> tuple[Outcome, ...]:
    """The opposite sign on the same questions; the natural questions without a push, and with the opposite one.

    Plain prompting comes last, where it was tried.
    """
    if own.best is None or found.natural is None:
        return ()
    layer, size = own.best.layer, own.best.strength
    plain, lowered = found.natural
    prompted = (
        () if found.prompted is None else (compare("plain prompting", layer, 0.0, found.prompted, found.unsteered),)
    )
    return (
        compare("opposite sign", layer, -size, found.doses[-1.0], found.unsteered),
        compare("natural question", layer, 0.0, plain, found.unsteered),
        compare("natural question, opposite sign", layer, -size, lowered, plain),
        *prompted,
    )


def compare(name: str, layer: int, strength: float, trial: Trial, baseline: Trial) -> Outcome:
    """A trial beside another one of the same questions; a difference from too few scored pairs is left out."""
    gains = trial.gains(baseline)
    enough = len(gains) >= max(1.0, trial.min_scored * len(trial.asked))
    return Outcome(
        name=name,
        layer=layer,
        strength=strength,
        score=trial.score,
        coherence=trial.coherence,
        delta=fmean(gains) if enough else None,
        delta_ci95=mean_interval(gains) if enough else None,
        n=len(gains),
        unscored=trial.unscored,
    )


def as_baseline(trial: Trial, max_allowed: float) -> Baseline:
    """The unsteered answers."""
    return Baseline(
        mean=trial.score,
        ci95=mean_interval(list(trial.by_question.values())),
        coherence=trial.coherence,
        max_allowed=max_allowed,
        n=len(trial.questions) - trial.unscored,
        unscored=trial.unscored,
    )


def as_dose(strength: float, trial: Trial) -> Dose:
    """A point of the dose-response curve."""
    return Dose(
        strength=strength,
        score=trial.score,
        score_ci95=mean_interval(list(trial.by_question.values())),
        coherence=trial.coherence,
        n=len(trial.questions) - trial.unscored,
        unscored=trial.unscored,
    )


def as_examples(strength: float, trial: Trial) -> list[Example]:
    """The first answer to each question, with its scores."""
    places = [trial.questions.index(question) for question in trial.asked]
    return [
        Example(
            question=trial.questions[place].natural,
            strength=strength,
            answer=trial.answers[place],
            trait=trial.traits[place],
            coherence=trial.coherences[place],
        )
        for place in places
    ]
