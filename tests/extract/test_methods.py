import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from extract.methods.contrast import Contrast
from extract.methods.logistic_probe import C_GRID, _design, _fit, logistic_probe
from extract.methods.mean_difference import mean_difference
from extract.methods.random_direction import random_direction
from extract.methods.registry import METHODS, find_method
from lm.errors import UserError


def planted(seed: int = 0, pairs: int = 400, width: int = 24, noise: float = 0.7) -> tuple[Contrast, torch.Tensor]:
    """Pairs that share a setup of their own and differ by one direction."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.nn.functional.normalize(torch.randn(width, generator=generator), dim=0)
    setup = torch.randn(pairs, width, generator=generator) * noise
    sides = [setup + sign * truth + torch.randn(pairs, width, generator=generator) * noise for sign in (1.0, -1.0)]
    groups = tuple(f"fact {number // 2}" for number in range(pairs))
    return Contrast(sides[0] + 3, sides[1] + 3, groups), truth


def cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(one, other, dim=0))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("method", [mean_difference, logistic_probe])
def test_a_planted_direction_is_found(method, seed: int) -> None:
    rows, truth = planted(seed)
    assert cosine(method(rows), truth) >= (0.99 if method is mean_difference else 0.95)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_pure_and_of_the_right_shape(method) -> None:
    rows, _ = planted(pairs=40)
    found = method(rows)
    assert found.shape == (24,)
    assert found.dtype == torch.float32
    assert torch.equal(found, method(rows))


@pytest.mark.parametrize("method", [mean_difference, logistic_probe])
def test_swapping_the_sides_flips_the_sign(method) -> None:
    rows, _ = planted(pairs=60)
    swapped = Contrast(rows.negative, rows.positive, rows.groups)
    assert cosine(method(rows), method(swapped)) == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize("method", [mean_difference, logistic_probe])
def test_scaling_and_shifting_change_nothing(method) -> None:
    rows, _ = planted(pairs=60)
    moved = Contrast(rows.positive * 50 + 7, rows.negative * 50 + 7, rows.groups)
    assert cosine(method(rows), method(moved)) == pytest.approx(1, abs=1e-4)


def test_a_probe_in_the_span_of_the_rows_is_the_probe_in_all_dimensions() -> None:
    rows, _ = planted(pairs=12, width=64)
    x, y = _design(rows)
    c = C_GRID[2]
    axes = np.linalg.svd(x, full_matrices=False)[2]
    expected = LogisticRegression(C=c, tol=1e-10, max_iter=10_000).fit(x, y).coef_[0]
    np.testing.assert_allclose(_fit(x @ axes.T, y, c).coef_[0] @ axes, expected, atol=1e-5)


def test_a_probe_works_with_more_dimensions_than_rows_and_with_one_ground_truth() -> None:
    rows, truth = planted(pairs=12, width=64, noise=0.1)
    assert cosine(logistic_probe(rows), truth) > 0.9
    alone = Contrast(rows.positive, rows.negative, ("same",) * 12)
    assert cosine(logistic_probe(alone), truth) > 0.9


def test_random_directions_differ_by_seed_only_and_have_the_difference_s_length() -> None:
    rows, truth = planted(pairs=60)
    drawn = [random_direction(Contrast(rows.positive, rows.negative, rows.groups, seed)) for seed in range(20)]
    assert float(drawn[0].norm()) == pytest.approx(float(mean_difference(rows).norm()), rel=1e-5)
    assert max(abs(cosine(drawn[0], other)) for other in drawn[1:]) < 0.8
    assert abs(sum(cosine(one, truth) for one in drawn) / 20) < 0.2


def test_unknown_method() -> None:
    with pytest.raises(UserError, match=r"Methods: mean_difference, .* Did you mean 'logistic_probe'"):
        find_method("logistic_prob")
