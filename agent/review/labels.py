"""Every decision of a person about a tested pair is a label: how far judge and person agree, and what that says.

A decision counts where a person looked at the very pair after its test; what was decided for all that remained, by rule
or by timeout does not. The judge says of each pair whether it passes, and by how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from agent.judging.agreement import Estimate, agreement_on, auroc
from agent.records import FinalDecision, ResultDecision, Trial
from agent.review.order import in_random_slice
from agent.settings import Settings
from agent.spec import Spec
from agent.store import Journal

FEWEST = 20
"""Labels from which agreement is shown."""


@dataclass(frozen=True)
class Label:
    """One pair as the judge and a person see it."""

    pair: str
    passes: bool
    """What the judge's scores say."""
    margin: float | None
    """Points by which the worse side keeps its threshold, negative where it misses it; None without a score."""
    approved: bool
    """What the person says."""
    drawn: bool
    """Whether the pair belongs to the random slice."""


@dataclass(frozen=True)
class Agreement:
    """How far judge and person agree."""

    labels: int
    both_pass: int
    only_judge: int
    only_person: int
    both_fail: int
    kappa: Estimate
    auroc: Estimate
    tested: int
    """Pairs the judge scored, labelled or not."""
    passed: int
    corrected: Estimate
    """Share of tested pairs that a person would approve."""
    by_chance: bool
    """The correction rests on the random slice; else on all labels, which favour doubtful pairs."""


def read_labels(journal: Journal, spec: Spec) -> list[Label]:
    """The labels so far; a later word on a pair replaces an earlier one."""
    decided: dict[str, ResultDecision] = {**journal.all(ResultDecision)}
    decided |= {key.partition("@")[0]: decision for key, decision in journal.all(FinalDecision).items()
                if decision.by == "person"}  # fmt: skip
    trials = journal.all(Trial)
    return [
        Label(
            pair=id_,
            passes=trials[id_].passed,
            margin=_margin(trials[id_], spec.settings),
            approved=decision.decision == "approve",
            drawn=in_random_slice(spec.seed, id_),
        )
        for id_, decision in decided.items()
        if decision.by == "person" and id_ in trials
    ]


def measure_agreement(journal: Journal, spec: Spec) -> Agreement | None:
    """Agreement of judge and person; None below `FEWEST` labels."""
    labels = read_labels(journal, spec)
    if len(labels) < FEWEST:
        return None
    verdicts = [trial.passed for trial in journal.all(Trial).values()]
    drawn = [label for label in labels if label.drawn]
    by_chance = len(drawn) >= FEWEST
    scored = [label for label in labels if label.margin is not None]
    counts = {pair: sum((label.passes, label.approved) == pair for label in labels) for pair in _CELLS}
    return Agreement(
        labels=len(labels),
        both_pass=counts[True, True],
        only_judge=counts[True, False],
        only_person=counts[False, True],
        both_fail=counts[False, False],
        kappa=agreement_on([label.passes for label in labels], [label.approved for label in labels]),
        auroc=auroc([label.margin or 0.0 for label in scored], [label.approved for label in scored]),
        tested=len(verdicts),
        passed=sum(verdicts),
        corrected=corrected_rate(drawn if by_chance else labels, verdicts),
        by_chance=by_chance,
    )


_CELLS = [(judge, person) for judge in (True, False) for person in (True, False)]


def corrected_rate(labels: Sequence[Label], verdicts: Sequence[bool]) -> Estimate:
    """The judge's pass rate over all tested pairs plus the person's mean difference from it on the labelled ones.

    The difference estimator of survey sampling (Angelopoulos et al., Prediction-powered inference, 2023), with its
    normal interval.
    """
    rate = fmean(verdicts)
    differences = [label.approved - label.passes for label in labels]
    mean = fmean(differences)
    variance = sum((one - mean) ** 2 for one in differences) / max(len(differences) - 1, 1)
    error = 1.96 * (rate * (1 - rate) / len(verdicts) + variance / len(differences)) ** 0.5
    value = min(max(rate + mean, 0.0), 1.0)
    return Estimate(value=value, ci95=(max(value - error, 0.0), min(value + error, 1.0)), n=len(labels))


def _margin(trial: Trial, settings: Settings) -> float | None:
    positive, negative = trial.scores.get("positive"), trial.scores.get("negative")
    if positive is None or negative is None:
        return None
    return min(positive - settings.positive_min, settings.negative_max - negative)
