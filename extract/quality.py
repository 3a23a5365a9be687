"""How well directions separate pairs that they were not fitted on, split so that no ground truth is on both sides."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from extract.candidates import common_clauses
from extract.trait import Pair
from lm.types import Value

HELD_OUT_SHARE = 0.3
"""Share of the pairs held out; with 10 % the best layer moves by 5-13 layers (METHOD, section 5)."""

RESAMPLES = 1000


class LayerQuality(Value):
    """Figures of one layer on held-out pairs."""

    layer: int
    auroc: float
    """Probability that a positive projects above a negative, ties half."""
    accuracy: float
    """Share of rows on the right side of the threshold found in training."""
    effect_size: float
    """Cohen's d: difference of the means over the pooled standard deviation."""


class HeldOut(Value):
    """Figures of all layers on held-out pairs; the best has the highest AUROC, then the largest effect."""

    pairs: int
    ground_truths: int
    layers: tuple[LayerQuality, ...]
    best_layer: int
    best_auroc_ci95: tuple[float, float]
    """Bootstrap over ground truths, at the best layer. Choosing the layer on the same pairs is not accounted for."""

    @property
    def best(self) -> LayerQuality:
        """Figures of the best layer."""
        return next(quality for quality in self.layers if quality.layer == self.best_layer)


def rank(quality: LayerQuality) -> tuple[float, float]:
    """What makes a layer the best: the highest AUROC, then the largest effect."""
    return quality.auroc, quality.effect_size


def group_of(pair: Pair) -> str:
    """What must stay together in a split: the ground truth, or what both sides say before they part.

    A pair of which neither is known is alone.
    """
    return pair.ground_truth or common_clauses(pair.positive, pair.negative) or f"pair {pair.id}"


def split_by_ground_truth(
    pairs: Sequence[Pair], *, share: float = HELD_OUT_SHARE, seed: int = 0
) -> tuple[list[int], list[int]]:
    """Pair numbers to fit on, and about `share` of them held out, whole ground truths at a time.

    None are held out where there are fewer than two ground truths, or `share` is 0.
    """
    groups = [group_of(pair) for pair in pairs]
    sizes = Counter(groups)
    names = sorted(sizes)
    if len(names) < 2 or share <= 0:
        return list(range(len(pairs))), []
    held: set[str] = set()
    count = 0
    for place in np.random.default_rng(seed).permutation(len(names))[:-1]:
        if count >= share * len(pairs):
            break
        held.add(names[place])
        count += sizes[names[place]]
    sides: tuple[list[int], list[int]] = ([], [])
    for number, group in enumerate(groups):
        sides[group in held].append(number)
    return sides


def held_out_quality(
    positive: Float[Tensor, "pair layer"],
    negative: Float[Tensor, "pair layer"],
    thresholds: Float[Tensor, " layer"],
    groups: Sequence[str],
    layers: Sequence[int],
    *,
    seed: int = 0,
) -> HeldOut:
    """Figures from the projections of both sides of held-out pairs on each layer's direction."""
    qualities = tuple(
        LayerQuality(
            layer=layer,
            auroc=auroc(positive[:, row].double().numpy(), negative[:, row].double().numpy()),
            accuracy=float(
                torch.cat([positive[:, row] > thresholds[row], negative[:, row] <= thresholds[row]]).double().mean()
            ),
            effect_size=effect_size(positive[:, row], negative[:, row]),
        )
        for row, layer in enumerate(layers)
    )
    row = max(range(len(layers)), key=lambda row: rank(qualities[row]))
    return HeldOut(
        pairs=len(groups),
        ground_truths=len(set(groups)),
        layers=qualities,
        best_layer=layers[row],
        best_auroc_ci95=auroc_interval(positive[:, row], negative[:, row], groups, seed=seed),
    )


def auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """P(positive > negative) + P(equal) / 2 over all pairs of rows (Mann-Whitney)."""
    ordered = np.sort(negative)
    below, up_to = (np.searchsorted(ordered, positive, side=side) for side in ("left", "right"))
    return float((below + up_to).mean() / (2 * len(negative)))


def effect_size(positive: Float[Tensor, " pair"], negative: Float[Tensor, " pair"]) -> float:
    """Cohen's d = (mean+ - mean-) / sqrt((var+ + var-) / 2); 0 for fewer than two pairs or no spread at all."""
    if len(positive) < 2:
        return 0.0
    spread = ((positive.double().var() + negative.double().var()) / 2).sqrt()
    apart = positive.double().mean() - negative.double().mean()
    return float(apart / spread) if spread > 0 else 0.0


def auroc_interval(
    positive: Float[Tensor, " pair"],
    negative: Float[Tensor, " pair"],
    groups: Sequence[str],
    *,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap of the AUROC; whole ground truths are resampled, because their pairs are alike."""
    names = sorted(set(groups))
    members = [np.array([n for n, group in enumerate(groups) if group == name]) for name in names]
    above, below = positive.double().numpy(), negative.double().numpy()
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([members[n] for n in generator.integers(len(names), size=len(names))])
        found.append(auroc(above[drawn], below[drawn]))
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
