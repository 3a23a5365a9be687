"""From trials to the figures of a report."""

from statistics import fmean

from extract.intervals import mean_interval
from steer.report import Baseline, Dose, Example, Outcome
from steer.trials import Trial


def as_baseline(trial: Trial, max_allowed: float) -> Baseline:
    """The unsteered answers."""
    return Baseline(
        mean=trial.score,
        ci95=mean_interval(_known(trial)),
        coherence=trial.coherence,
        max_allowed=max_allowed,
        n=len(trial.questions) - trial.unscored,
        unscored=trial.unscored,
    )


def as_outcome(name: str, layer: int, strength: float, trial: Trial, baseline: Trial) -> Outcome:
    """A setting beside the answers it is compared with; a difference from too few scored pairs is left out."""
    gains = trial.gains(baseline)
    enough = len(gains) >= max(1.0, trial.min_scored * len(trial.questions))
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


def as_dose(strength: float, trial: Trial) -> Dose:
    """A point of the dose-response curve."""
    return Dose(
        strength=strength,
        score=trial.score,
        score_ci95=mean_interval(_known(trial)),
        coherence=trial.coherence,
        n=len(trial.questions) - trial.unscored,
        unscored=trial.unscored,
    )


def as_examples(strength: float, trial: Trial) -> list[Example]:
    """The answers themselves, with their scores."""
    return [
        Example(question=question.natural, strength=strength, answer=answer, trait=trait, coherence=coherence)
        for question, answer, trait, coherence in zip(
            trial.questions, trial.answers, trial.traits, trial.coherences, strict=True
        )
    ]


def _known(trial: Trial) -> list[float]:
    return [value for value in trial.traits if value is not None]
