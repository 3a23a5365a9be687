"""Agreement figures against oracles, and intervals against what they promise."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.judging.agreement import (
    Share,
    agreement_on,
    auroc,
    best_cut,
    corrected_rate,
    kappa,
    rank_agreement,
    sweep,
)

TRUTH = [True] * 6 + [False] * 6
SCORES = [90, 80, 70, 65, 55, 30, 50, 40, 20, 10, 5, 0]


def test_figures_of_a_small_table_are_those_worked_out_by_hand():
    # Of 36 pairs of a text with the trait and one without, 30 loses to 50 and 40: 34 are in order.
    area = auroc(SCORES, TRUTH)
    assert area.value == pytest.approx(34 / 36)
    assert area.n == 12
    passed = [score >= 60 for score in SCORES]
    # Observed agreement 10/12; chance: (6/12)(4/12) + (6/12)(8/12) = 1/2.
    assert agreement_on(TRUTH, passed).value == pytest.approx((10 / 12 - 1 / 2) / (1 / 2))
    assert rank_agreement([1, 2, 3, 4], [10, 20, 40, 30]).value == pytest.approx(1 - 6 * 2 / (4 * 15))


@pytest.mark.parametrize("find", [lambda: rank_agreement(range(12), SCORES), lambda: auroc(SCORES, TRUTH)])
def test_an_estimate_lies_in_its_interval_and_repeats_itself(find):
    found = find()
    assert found.ci95[0] <= found.value <= found.ci95[1]
    assert found == find()


def test_what_cannot_be_had_is_none_and_never_a_number():
    assert rank_agreement([1, 2, 3], [5, 5, 5]).value is None
    assert rank_agreement([1], [2]).value is None
    assert auroc([1, 2, 3], [True, True, True]).value is None
    assert agreement_on([True, True], [True, True]).value is None
    assert auroc([], []).value is None
    assert math.isnan(kappa([False], [False]))
    assert sweep([1, 2], [True, True], (50,)) == ()
    assert best_cut(()) is None


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), min_size=2, max_size=30))
def test_a_higher_threshold_never_passes_more(rows):
    cuts = sweep([score for score, _ in rows], [has for _, has in rows], (10, 50, 90))
    for lower, higher in pairwise(cuts):
        assert lower.sensitivity >= higher.sensitivity
        assert lower.specificity <= higher.specificity


def test_the_best_threshold_separates_what_can_be_separated():
    cuts = sweep([10, 20, 80, 90], [False, False, True, True], tuple(range(5, 100, 5)))
    best = best_cut(cuts)
    assert (best.sensitivity, best.specificity, best.kappa) == (1, 1, 1)
    assert 20 < best.threshold <= 80


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.data())
def test_on_the_labelled_texts_themselves_the_corrected_rate_is_the_true_one(having, lacking, data):
    right = data.draw(st.integers(0, having))
    sound = data.draw(st.integers(0, lacking))
    passed = Share(count=right + lacking - sound, total=having + lacking)
    found = corrected_rate(passed, Share(count=right, total=having), Share(count=sound, total=lacking))
    if right / having + sound / lacking - 1 > 1e-9:
        assert found.corrected == pytest.approx(having / (having + lacking))
        assert 0 <= found.corrected_ci95[0] <= found.corrected_ci95[1] <= 1
    elif right / having + sound / lacking - 1 < -1e-9:
        assert (found.corrected, found.corrected_ci95) == (None, (0, 1))


def test_a_perfect_judge_needs_no_correction_and_a_guessing_one_allows_none():
    perfect = Share(count=200, total=200)
    found = corrected_rate(Share(count=90, total=100), perfect, perfect)
    assert found.corrected == pytest.approx(0.9)
    assert found.corrected_ci95 == pytest.approx(found.observed_ci95, abs=0.02)
    coin = Share(count=50, total=100)
    assert corrected_rate(Share(count=90, total=100), coin, coin).corrected is None
    assert corrected_rate(Share(count=0, total=0), perfect, perfect).corrected is None


def test_the_interval_of_a_corrected_rate_covers_the_true_rate_about_as_often_as_it_says():
    random = np.random.default_rng(5)
    covered, runs, rate, true, sound = 0, 100, 0.7, 0.9, 0.8
    for _ in range(runs):
        passes = random.binomial(120, rate * true + (1 - rate) * (1 - sound))
        low, high = corrected_rate(
            Share(count=int(passes), total=120),
            Share(count=int(random.binomial(40, true)), total=40),
            Share(count=int(random.binomial(40, sound)), total=40),
        ).corrected_ci95
        covered += low <= rate <= high
    assert covered / runs > 0.9
