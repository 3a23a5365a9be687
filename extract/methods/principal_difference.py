"""The main axis of the pairs' differences."""

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor

from extract.methods.contrast import Contrast


def principal_difference(rows: Contrast) -> Float[Tensor, " d_model"]:
    """v = argmax_|u|=1 sum_i (d_i.u)^2 for d_i = positive_i - negative_i, not centred.

    Centring would take out what is sought, the shift that all pairs share. The vector points to where the mean
    difference does; its length is the root mean square of d_i.v. Found by Lanczos steps in float64 on the pairs' side
    of the matrix, so that no matrix of d_model x d_model is made.

    Source: Zou et al. 2023, Representation Engineering (section 3.1), without their centring.
    """
    differences = (rows.positive.double() - rows.negative.double()).numpy()
    towards = differences @ differences.mean(axis=0)
    if len(differences) < 3 or not towards.any():
        axis = np.linalg.svd(differences, full_matrices=False)[2][0]
    else:
        gram = LinearOperator((len(towards),) * 2, matvec=lambda x: differences @ (differences.T @ x), dtype=np.float64)
        axis = differences.T @ eigsh(gram, k=1, v0=towards)[1][:, 0]
        axis /= np.linalg.norm(axis) or 1.0
    along = differences @ axis
    sign = -1.0 if along.mean() < 0 else 1.0
    return torch.from_numpy(axis * sign * np.sqrt((along**2).mean())).float()
