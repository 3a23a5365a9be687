import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from extract.methods.contrast import Contrast
from extract.methods.linear_discriminant import linear_discriminant, whitened
from extract.methods.logistic_probe import C_GRID, _design, _fit, logistic_probe
from extract.methods.massive import massive_dimensions, without_dimensions
from extract.methods.mean_difference import mean_difference
from extract.methods.principal_difference import principal_difference
from extract.methods.random_direction import random_direction
from extract.methods.registry import METHODS, find_method
from extract.moments import Moments
from lm.errors import UserError

FITTED = [mean_difference, logistic_probe, linear_discriminant, principal_difference]


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
@pytest.mark.parametrize("method", FITTED)
def test_a_planted_direction_is_found(method, seed: int) -> None:
    rows, truth = planted(seed, noise=0.5)
    assert cosine(method(rows), truth) >= 0.99


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_pure_and_of_the_right_shape(method) -> None:
    rows, _ = planted(pairs=40)
    found = method(rows)
    assert found.shape == (24,)
    assert found.dtype == torch.float32
    assert torch.equal(found, method(rows))


@pytest.mark.parametrize("method", FITTED)
def test_swapping_the_sides_flips_the_sign(method) -> None:
    rows, _ = planted(pairs=60)
    swapped = Contrast(rows.negative, rows.positive, rows.groups)
    assert cosine(method(rows), method(swapped)) == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize("method", FITTED)
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


def test_principal_difference_is_the_first_right_singular_vector() -> None:
    rows, _ = planted(pairs=30)
    axis = np.linalg.svd((rows.positive - rows.negative).double().numpy(), full_matrices=False)[2][0]
    assert abs(cosine(principal_difference(rows), torch.from_numpy(axis).float())) == pytest.approx(1, abs=1e-5)


def test_principal_difference_keeps_a_constant_shift_that_centring_would_remove() -> None:
    generator = torch.Generator().manual_seed(0)
    setup = torch.randn(128, 64, generator=generator)
    shift = torch.zeros(64)
    shift[5] = 2
    rows = Contrast(setup + shift + torch.randn(128, 64, generator=generator) * 0.1, setup, ("",) * 128)
    assert cosine(principal_difference(rows), shift) > 0.99


@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_principal_difference_of_few_pairs(pairs: int) -> None:
    rows, _ = planted(pairs=pairs)
    found = principal_difference(rows)
    assert bool(found.isfinite().all())
    assert float(found @ mean_difference(rows)) > 0


@pytest.mark.parametrize(("pairs", "width"), [(200, 24), (20, 64)])
@pytest.mark.parametrize("shrinkage", [0.01, 0.3, 1.0])
def test_whitened_difference_is_scikit_learn_s_discriminant(pairs: int, width: int, shrinkage: float) -> None:
    rows, _ = planted(pairs=pairs, width=width)
    positive, negative = rows.positive.double().numpy(), rows.negative.double().numpy()
    [found] = whitened(positive, negative, (shrinkage,))
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
    expected = model.fit(np.concatenate([positive, negative]), [1] * pairs + [0] * pairs).coef_[0]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


def test_a_discriminant_sees_past_a_loud_coordinate_that_says_nothing() -> None:
    rows, truth = planted(pairs=300)
    noise = torch.zeros(24)
    noise[3] = 40
    loud = torch.randn(600, 1, generator=torch.Generator().manual_seed(1)) * noise
    mixed = Contrast(rows.positive + loud[:300], rows.negative + loud[300:], rows.groups)
    assert cosine(linear_discriminant(mixed), truth) > 0.9 > abs(cosine(mean_difference(mixed), truth))


def test_sides_without_any_spread() -> None:
    rows = Contrast(torch.ones(6, 4), torch.zeros(6, 4), tuple("aabbcc"))
    for method in (linear_discriminant, principal_difference, mean_difference):
        assert cosine(method(rows), torch.ones(4)) == pytest.approx(1, abs=1e-6)


def test_massive_dimensions_are_found_and_left_out() -> None:
    rows, _ = planted(pairs=40)
    spike = torch.zeros(24)
    spike[7] = 5000
    mixed = Contrast(rows.positive + spike, rows.negative + spike, rows.groups)
    assert massive_dimensions(rows) == ()
    assert massive_dimensions(mixed) == (7,)
    assert float(mean_difference(without_dimensions(mixed, (7,)))[7]) == 0


def test_moments_of_halves_add_up_to_the_whole() -> None:
    rows = torch.randn(37, 3, 8, generator=torch.Generator().manual_seed(0)) * 3 + 100
    whole = Moments.of(rows)
    parts = Moments.of(rows[:5]) + Moments.of(rows[5:6]) + Moments.of(rows[6:]) + Moments.of(rows[:0])
    assert parts.count == whole.count == 37
    torch.testing.assert_close(parts.mean, rows.double().mean(dim=0))
    torch.testing.assert_close(parts.variance, rows.double().var(dim=0))
    torch.testing.assert_close(whole.variance, rows.double().var(dim=0))
