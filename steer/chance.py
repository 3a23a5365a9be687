"""What random directions would reach: the null that a claim is held against."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

from scipy.special import stdtrit


def upper_bound(effects: Sequence[float], share: float = 0.05) -> float | None:
    """What one more effect of the same kind exceeds with probability `share`; None for fewer than two effects.

    From 1 / share - 1 effects on (19 for 5 %) it is one of them, whatever their distribution: one more is as likely to
    take any rank among them. Fewer are taken for a normal sample, whose one-sided prediction bound is
    mean + t(1 - share, n - 1) sd sqrt(1 + 1/n); few skewed effects exceed it about twice as often as said.

    All that makes random directions differ is in it: search, noise of answers and judge, what any push does.
    """
    n = len(effects)
    if n < 2:
        return None
    rank = int(share * (n + 1) + 1e-9)
    if rank >= 1:
        return sorted(effects, reverse=True)[rank - 1]
    return fmean(effects) + float(stdtrit(n - 1, 1 - share)) * stdev(effects) * sqrt(1 + 1 / n)
