"""How far scores agree with what people say, or with another judge's: figures with their denominators and intervals."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from agent.steps.decide import wilson_interval
from extract.intervals import Interval
from lm.types import Value

RESAMPLES = 1_000
_DRAWS = 20_000
_SOUND = 0.95
"""Share of resamples in which a figure must exist for its interval to say anything."""


class Estimate(Value):
    """A figure of `n` texts or pairs; None where it cannot be had, such as a rank agreement without any spread."""

    value: float | None
    ci95: Interval | None
    """Percentile bootstrap."""
    n: int


class Share(Value):
    """So many of so many."""

    count: int
    total: int

    @property
    def rate(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.total if self.total else None


class Cut(Value):
    """What a threshold would do: a text passes that scores at least this."""

    threshold: float
    sensitivity: float
    """Share of the texts with the trait that pass."""
    specificity: float
    """Share of the texts without it that do not."""
    kappa: float | None


class CorrectedRate(Value):
    """A pass rate as the judge sees it, and corrected for the judge's known mistakes."""

    observed: Share
    observed_ci95: Interval
    """Wilson."""
    corrected: float | None
    """(observed + specificity - 1) / (sensitivity + specificity - 1), within 0-1; None for a judge no better than
    chance. Source: Rogan and Gladen 1978."""
    corrected_ci95: Interval
    """Quantiles of the corrected rate when observed rate, sensitivity and specificity are drawn from their Jeffreys
    posteriors; (0, 1) where the judge may be no better than chance."""


def rank_agreement(one: Sequence[float], other: Sequence[float]) -> Estimate:
    """Spearman's rank correlation of two scores of the same texts."""

    def spearman(a: Any, b: Any) -> float:
        return float(stats.spearmanr(a, b).statistic) if np.ptp(a) and np.ptp(b) else math.nan

    return _estimate((one, other), spearman, paired=True)


def auroc(scores: Sequence[float], truth: Sequence[bool]) -> Estimate:
    """Probability that a text with the trait scores above one without it, ties counted half."""

    def area(having: Any, lacking: Any) -> float:
        return float(stats.mannwhitneyu(having, lacking).statistic / (len(having) * len(lacking)))

    return _estimate(_by_truth(scores, truth), area, paired=False)


def agreement_on(one: Sequence[bool], other: Sequence[bool]) -> Estimate:
    """Cohen's kappa of two raters who say yes or no: agreement beyond chance."""
    return _estimate((one, other), kappa, paired=True)


def kappa(one: Sequence[bool], other: Sequence[bool]) -> float:
    """Cohen's kappa; not a number where both say the same of everything, since chance would agree as well."""
    if len({*map(bool, one), *map(bool, other)}) < 2:
        return math.nan
    return float(cohen_kappa_score(list(map(bool, one)), list(map(bool, other))))


def sweep(scores: Sequence[float], truth: Sequence[bool], thresholds: Sequence[float]) -> tuple[Cut, ...]:
    """What each threshold would do; empty unless there are texts with the trait and texts without it."""
    having, lacking = (np.asarray(group) for group in _by_truth(scores, truth))
    if not len(having) or not len(lacking):
        return ()
    return tuple(
        Cut(
            threshold=threshold,
            sensitivity=float(np.mean(having >= threshold)),
            specificity=float(np.mean(lacking < threshold)),
            kappa=_known(kappa(truth, [score >= threshold for score in scores])),
        )
        for threshold in thresholds
    )


def best_cut(cuts: Sequence[Cut]) -> Cut | None:
    """The threshold with the largest sensitivity + specificity, the middle one of equals. Flattering: it was chosen on
    the very texts it is measured on."""
    best = max((cut.sensitivity + cut.specificity for cut in cuts), default=0.0)
    equals = [cut for cut in cuts if math.isclose(cut.sensitivity + cut.specificity, best)]
    return equals[(len(equals) - 1) // 2] if equals else None


def corrected_rate(observed: Share, sensitivity: Share, specificity: Share) -> CorrectedRate:
    """The share of texts that have the trait, from the share that the judge passes and from how often it is right."""
    true, sound = sensitivity.rate, specificity.rate
    gain = None if true is None or sound is None else true + sound - 1
    value = None
    if gain is not None and sound is not None and gain > 0 and observed.rate is not None:
        value = min(max((observed.rate + sound - 1) / gain, 0.0), 1.0)
    return CorrectedRate(
        observed=observed,
        observed_ci95=wilson_interval(observed.count, observed.total),
        corrected=value,
        corrected_ci95=(0.0, 1.0) if value is None else _corrected_interval(observed, sensitivity, specificity),
    )


def _corrected_interval(observed: Share, sensitivity: Share, specificity: Share) -> Interval:
    random = np.random.default_rng(0)
    passed, true, sound = (
        random.beta(share.count + 0.5, share.total - share.count + 0.5, _DRAWS)
        for share in (observed, sensitivity, specificity)
    )
    gain = true + sound - 1
    if np.mean(gain <= 0) > 1 - _SOUND:
        return 0.0, 1.0
    drawn = np.clip(((passed + sound - 1) / gain)[gain > 0], 0, 1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def _by_truth(scores: Sequence[float], truth: Sequence[bool]) -> tuple[list[float], list[float]]:
    rows = list(zip(scores, truth, strict=True))
    return [score for score, has in rows if has], [score for score, has in rows if not has]


def _estimate(groups: Sequence[Sequence[float]], figure: Callable[..., float], *, paired: bool) -> Estimate:
    """A figure with its bootstrap interval; rows are drawn together where they are pairs."""
    n = len(groups[0]) if paired else sum(map(len, groups))
    if min(map(len, groups)) < 2:
        return Estimate(value=None, ci95=None, n=n)
    value = _known(figure(*map(np.asarray, groups)))
    return Estimate(value=value, ci95=None if value is None else _interval(groups, figure, paired), n=n)


def _interval(groups: Sequence[Sequence[float]], figure: Callable[..., float], paired: bool) -> Interval | None:
    with warnings.catch_warnings():
        # Of resamples without a figure there are few, or there is no interval; scipy would warn of a single one.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            [np.asarray(group) for group in groups],
            figure,
            n_resamples=RESAMPLES,
            vectorized=False,
            paired=paired,
            method="percentile",
            rng=np.random.default_rng(0),
        )
    drawn = found.bootstrap_distribution[np.isfinite(found.bootstrap_distribution)]
    if len(drawn) < _SOUND * RESAMPLES:
        return None
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
