"""What random directions would reach: the null that a claim is held against."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

from scipy.special import stdtrit


def upper_bound(effects: Sequence[float], share: float = 0.05) -> float | None:
    """What one more effect of the same kind exceeds with probability `share`; None for fewer than two effects.

    The one-sided prediction bound of a normal sample: mean + t(1 - share, n - 1) sd sqrt(1 + 1/n). All that makes
    random directions differ is in it: the search, the noise of answers and judge, and what any push does.
    """
    n = len(effects)
    if n < 2:
        return None
    return fmean(effects) + float(stdtrit(n - 1, 1 - share)) * stdev(effects) * sqrt(1 + 1 / n)
