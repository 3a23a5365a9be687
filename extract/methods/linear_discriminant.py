"""The mean difference, whitened: the linear discriminant, its shrinkage chosen on pairs that were held out."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold
from torch import Tensor

from extract.methods.contrast import Contrast

SHRINKAGE_GRID = (0.001, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 1.0)
"""Shares of the round covariance that is mixed in; 1 is the plain mean difference."""

FOLDS = 4

Rows = NDArray[np.float64]


def linear_discriminant(rows: Contrast) -> Float[Tensor, " d_model"]:
    """v = S^-1 (mean+ - mean-), S = (1 - k) W + k tr(W)/d I, W the covariance within the sides (divisor: rows).

    The shrinkage k of SHRINKAGE_GRID is the one whose direction separates held-out folds best (difference of means over
    pooled standard deviation), whole ground truths at a time; 0.1 where there are fewer than two ground truths.

    Source: Fisher 1936, The use of multiple measurements in taxonomic problems; Ledoit and Wolf 2004, A
    well-conditioned estimator for large-dimensional covariance matrices.
    """
    positive, negative = rows.positive.double().numpy(), rows.negative.double().numpy()
    k = _choose_shrinkage(positive, negative, rows.groups)
    return torch.from_numpy(whitened(positive, negative, (k,))[0]).float()


def whitened(positive: Rows, negative: Rows, shrinkages: Sequence[float]) -> Rows:
    """S^-1 (mean+ - mean-), one row per shrinkage, by one decomposition within the span of the rows."""
    apart = positive.mean(axis=0) - negative.mean(axis=0)
    within = np.concatenate([positive - positive.mean(axis=0), negative - negative.mean(axis=0)])
    _, sizes, axes = np.linalg.svd(within, full_matrices=False)
    variances = sizes**2 / len(within)
    mean_variance = variances.sum() / within.shape[1]
    if mean_variance == 0:
        return np.repeat(apart[None], len(shrinkages), axis=0)
    along = axes @ apart
    found = []
    for k in shrinkages:
        floor = k * mean_variance
        found.append((apart - axes.T @ (along * (1 - k) * variances / (floor + (1 - k) * variances))) / floor)
    return np.stack(found)


def _choose_shrinkage(positive: Rows, negative: Rows, groups: Sequence[str]) -> float:
    folds = min(FOLDS, len(set(groups)))
    if folds < 2:
        return 0.1
    scores = np.zeros(len(SHRINKAGE_GRID))
    for fitted, held in GroupKFold(folds).split(positive, groups=groups):
        vectors = whitened(positive[fitted], negative[fitted], SHRINKAGE_GRID)
        scores += _separation(positive[held] @ vectors.T, negative[held] @ vectors.T)
    return SHRINKAGE_GRID[int(scores.argmax())]


def _separation(positive: Rows, negative: Rows) -> NDArray[np.float64]:
    """Difference of the means over the pooled standard deviation, column by column; 0 where nothing spreads."""
    spread = np.sqrt((positive.var(axis=0) + negative.var(axis=0)) / 2)
    apart = positive.mean(axis=0) - negative.mean(axis=0)
    found: NDArray[np.float64] = np.divide(apart, spread, out=np.zeros_like(apart), where=spread > 0)
    return found
