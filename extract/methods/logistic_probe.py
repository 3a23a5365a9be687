"""Logistic probe, its regularisation chosen on pairs that were held out."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits
from torch import Tensor

from extract.methods.contrast import Contrast

C_GRID = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse regularisation strengths, for rows centred and scaled to mean square norm 1."""

FOLDS = 4


def logistic_probe(rows: Contrast) -> Float[Tensor, " d_model"]:
    """v = argmin_w sum_i log(1 + exp(-y_i (w.x_i + b))) + ||w||^2 / (2 C), the normal of the separating plane.

    Rows x are centred and divided by one number, so that C means the same at every layer; single dimensions are not
    rescaled. The solution lies in the span of the rows, so it is sought there. C is chosen on folds that keep each
    ground truth together (1.0 where there are fewer than two), by AUROC: a log loss rewards long w, and length is no
    part of a direction.

    Source: Alain and Bengio 2016, Understanding intermediate layers using linear classifier probes.
    """
    x, y = _design(rows)
    _, sizes, axes = np.linalg.svd(x, full_matrices=False)
    axes = axes[sizes > sizes[:1] * 1e-10]
    inside = x @ axes.T
    with threadpool_limits(1):  # many small solves: more threads only wait for each other
        weights = _fit(inside, y, _choose_c(inside, y, rows.groups * 2)).coef_[0]
    return torch.from_numpy(weights @ axes).float()


def _design(rows: Contrast) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    stacked = torch.cat([rows.positive, rows.negative]).double().numpy()
    centred = stacked - stacked.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=1).mean())
    labels = np.repeat([1, 0], [len(rows.positive), len(rows.negative)])
    return centred / (scale or 1.0), labels


def _fit(x: NDArray[np.float64], y: NDArray[np.int64], c: float) -> LogisticRegression:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=c, solver="newton-cholesky", max_iter=200).fit(x, y)


def _choose_c(x: NDArray[np.float64], y: NDArray[np.int64], groups: Sequence[str]) -> float:
    """The least C of C_GRID whose held-out AUROC is within one standard error of the best (Breiman et al. 1984)."""
    folds = min(FOLDS, len(set(groups)))
    if folds < 2:
        return 1.0
    splits = list(GroupKFold(folds).split(x, y, groups))

    def auroc(c: float) -> list[float]:
        return [
            roc_auc_score(y[held], _fit(x[fitted], y[fitted], c).decision_function(x[held])) for fitted, held in splits
        ]

    found = np.array([auroc(c) for c in C_GRID])
    means = found.mean(axis=1)
    error = found[means.argmax()].std(ddof=1) / np.sqrt(folds)
    return C_GRID[int(np.argmax(means >= means.max() - error))]
