"""Bootstrap intervals for means of few values."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

RESAMPLES = 4000
"""Enough that the interval moves by less than a tenth of its width between seeds."""

Interval = tuple[float, float]


def mean_interval(
    values: Sequence[float], *, level: float = 0.95, seed: int = 0, resamples: int = RESAMPLES
) -> Interval | None:
    """Bootstrap interval of the mean of independent values; None for fewer than two.

    The expanded percentile interval: percentiles of resampled means, taken at Phi(+-sqrt(n/(n-1)) t) instead of the
    nominal ones, which cover too seldom when n is small. Source: Hesterberg 2015, What Teachers Should Know About the
    Bootstrap, section 4.
    """
    if len(values) < 2:
        return None
    given = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(seed).integers(len(given), size=(resamples, len(given)))
    low, high = np.quantile(given[drawn].mean(axis=1), expanded_tails(len(given), level))
    return float(low), float(high)


def expanded_tails(n: int, level: float = 0.95) -> tuple[float, float]:
    """The two quantiles at which resampled means of n values are read."""
    reach = math.sqrt(n / (n - 1)) * float(stats.t.ppf((1 + level) / 2, n - 1))
    tail = float(stats.norm.cdf(-reach))
    return tail, 1 - tail
