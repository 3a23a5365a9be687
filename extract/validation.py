"""Cross-validation of a method on pair activations, by ground truth: folds, null, stability, number of pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.model_selection import GroupKFold
from torch import Tensor

from extract.activations import PairActivations
from extract.evidence import CurvePoint, Evidence, LayerEvidence
from extract.methods.contrast import Contrast
from extract.methods.registry import Method
from extract.quality import auroc, auroc_interval

FOLDS, HALVINGS, SWAPS = 5, 2, 200
CURVE = (0.125, 0.25, 0.5, 0.75)
"""Shares of the ground truths from which directions are found again."""

Projections = Float[Tensor, "pair layer"]


@dataclass(frozen=True)
class _Fits:
    """A method on parts of one reading."""

    reading: PairActivations
    groups: tuple[str, ...]
    fit: Method
    seed: int

    def unit(self, row: int, pairs: Sequence[int]) -> Float[Tensor, " width"]:
        """The unit vector fitted on these pairs at the layer in this row; zero where there is none."""
        positive, negative = self.reading.at(row)
        chosen = list(pairs)
        groups = tuple(self.groups[number] for number in chosen)
        seed = self.seed * 1000 + self.reading.layers[row]
        vector = self.fit(Contrast(positive[chosen], negative[chosen], groups, seed))
        return torch.nn.functional.normalize(vector, dim=0)


def validate(reading: PairActivations, groups: Sequence[str], fit: Method, *, seed: int = 0) -> Evidence | None:
    """Evidence for what a method finds in a reading; None for fewer than four ground truths.

    `groups` are the ground truths of the kept pairs: none is ever on both sides of a split.
    """
    names = sorted(set(groups))
    if len(names) < 4:
        return None
    fits = _Fits(reading, tuple(groups), fit, seed)
    positive, negative = _out_of_fold(fits, min(FOLDS, len(names)))
    scores = [_auroc(positive[:, row], negative[:, row]) for row in range(len(reading.layers))]
    best = max(range(len(scores)), key=scores.__getitem__)
    layers = tuple(
        LayerEvidence(
            layer=layer,
            auroc=scores[row],
            ci95=auroc_interval(positive[:, row], negative[:, row], groups, seed=seed),
            stability=_stability(fits, row),
        )
        for row, layer in enumerate(reading.layers)
    )
    null = null_of_swaps(positive, negative, groups, seed=seed)
    return Evidence(
        folds=min(FOLDS, len(names)),
        pairs=len(groups),
        ground_truths=len(names),
        layers=layers,
        best_layer=reading.layers[best],
        null_auroc95=float(np.quantile(null, 0.95)),
        p_value=float((1 + (null >= scores[best]).sum()) / (1 + len(null))),
        curve=tuple(_curve(fits, best)),
    )


def _out_of_fold(fits: _Fits, folds: int) -> tuple[Projections, Projections]:
    """Projections of each pair on directions fitted without its fold, less that fold's threshold."""
    size = (len(fits.groups), len(fits.reading.layers))
    positive, negative = torch.zeros(size), torch.zeros(size)
    splits = list(GroupKFold(folds, shuffle=True, random_state=fits.seed).split(fits.groups, groups=fits.groups))
    for row in range(size[1]):
        above, below = fits.reading.at(row)
        for fitted, held in splits:
            unit = fits.unit(row, fitted.tolist())
            threshold = (above[fitted] @ unit + below[fitted] @ unit).mean() / 2
            positive[held, row], negative[held, row] = above[held] @ unit - threshold, below[held] @ unit - threshold
    return positive, negative


def _stability(fits: _Fits, row: int) -> float:
    """Mean cosine between directions of two halves of the ground truths."""
    cosines = []
    for draw in range(HALVINGS):
        first, second = _halves(fits.groups, fits.seed + draw)
        cosines.append(float(fits.unit(row, first) @ fits.unit(row, second)))
    return sum(cosines) / len(cosines)


def _halves(groups: Sequence[str], seed: int) -> tuple[list[int], list[int]]:
    names = sorted(set(groups))
    first = {names[place] for place in np.random.default_rng(seed).permutation(len(names))[: len(names) // 2]}
    numbers = range(len(groups))
    return [n for n in numbers if groups[n] in first], [n for n in numbers if groups[n] not in first]


def null_of_swaps(
    positive: Projections, negative: Projections, groups: Sequence[str], *, seed: int = 0
) -> NDArray[np.float64]:
    """The best layer's AUROC with the sides of whole ground truths swapped at random.

    Swaps leave the ranks of all projections together as they are, so each AUROC is a rank sum (Mann-Whitney).
    """
    names = sorted(set(groups))
    place = np.array([names.index(group) for group in groups])
    ranks = rankdata(torch.cat([positive, negative]).double().numpy(), axis=0)
    swapped = np.random.default_rng(seed).integers(2, size=(SWAPS, len(names)))[:, place]
    n = len(groups)
    sums = np.concatenate([1 - swapped, swapped], axis=1) @ ranks
    best: NDArray[np.float64] = ((sums - n * (n + 1) / 2) / n**2).max(axis=1)
    return best


def _curve(fits: _Fits, row: int) -> Iterator[CurvePoint]:
    """Cosine with the direction of all pairs, by number of pairs."""
    names = sorted(set(fits.groups))
    order = np.random.default_rng(fits.seed).permutation(len(names))
    whole = fits.unit(row, range(len(fits.groups)))
    for share in CURVE:
        chosen = {names[place] for place in order[: max(2, round(share * len(names)))]}
        pairs = [number for number, group in enumerate(fits.groups) if group in chosen]
        yield CurvePoint(pairs=len(pairs), cosine=float(fits.unit(row, pairs) @ whole))
    yield CurvePoint(pairs=len(fits.groups), cosine=1.0)


def _auroc(positive: Float[Tensor, " pair"], negative: Float[Tensor, " pair"]) -> float:
    return auroc(positive.double().numpy(), negative.double().numpy())
