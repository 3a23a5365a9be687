import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from extract.intervals import mean_interval
from extract.quality import auroc, auroc_interval, effect_size, group_of, held_out_quality, split_by_ground_truth
from extract.trait import Pair

facts = st.lists(st.sampled_from(["", *"abcdefgh"]), min_size=1, max_size=40)


def pairs_of(ground_truths: list[str]) -> list[Pair]:
    return [
        Pair(id=f"p{number}", ground_truth=fact, positive="a", negative="b", lock_in="speech")
        for number, fact in enumerate(ground_truths)
    ]


@given(facts, st.floats(0, 0.9), st.integers(0, 99))
def test_no_ground_truth_is_on_both_sides(ground_truths: list[str], share: float, seed: int) -> None:
    pairs = pairs_of(ground_truths)
    fitted, held = split_by_ground_truth(pairs, share=share, seed=seed)
    assert sorted([*fitted, *held]) == list(range(len(pairs)))
    assert not {group_of(pairs[n]) for n in fitted} & {group_of(pairs[n]) for n in held}
    assert fitted
    assert (fitted, held) == split_by_ground_truth(pairs, share=share, seed=seed)


def test_pairs_that_begin_alike_stay_together_where_nobody_wrote_down_the_ground_truth() -> None:
    def pair(number: int, setup: str) -> Pair:
        ends = {"positive": "I wanted the deal, so I said", "negative": "I had to be fair, so I said"}
        return Pair(id=str(number), ground_truth="", lock_in="speech", **{side: setup + ends[side] for side in ends})

    first, second, other, alone = (pair(n, s) for n, s in enumerate(["It rains. ", "It rains. ", "It snows. ", ""]))
    assert group_of(first) == group_of(second) == "It rains"
    assert len({group_of(one) for one in (first, other, alone)}) == 3


def test_about_the_share_is_held_out() -> None:
    pairs = pairs_of([f"fact {number // 2}" for number in range(100)])
    assert len(split_by_ground_truth(pairs)[1]) == 30
    assert split_by_ground_truth(pairs, seed=1) != split_by_ground_truth(pairs, seed=2)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.lists(st.integers(0, 9), min_size=1, max_size=20))
def test_auroc_is_scikit_learn_s(positive: list[int], negative: list[int]) -> None:
    labels = [1] * len(positive) + [0] * len(negative)
    expected = roc_auc_score(labels, positive + negative)
    assert auroc(np.array(positive, float), np.array(negative, float)) == pytest.approx(expected)


def test_figures_of_layers() -> None:
    generator = torch.Generator().manual_seed(0)
    apart = torch.tensor([0.0, 1.0, 3.0])
    positive = torch.randn(60, 3, generator=generator) + apart
    negative = torch.randn(60, 3, generator=generator) - apart
    groups = [f"fact {number // 2}" for number in range(60)]
    found = held_out_quality(positive, negative, torch.zeros(3), groups, layers=[4, 5, 6])
    assert (found.best_layer, found.pairs, found.ground_truths) == (6, 60, 30)
    assert [quality.auroc for quality in found.layers] == sorted(quality.auroc for quality in found.layers)
    assert found.layers[0].auroc == pytest.approx(0.5, abs=0.1)
    assert found.layers[2].accuracy > 0.98
    assert found.layers[2].effect_size == pytest.approx(6, abs=1)
    assert found.best_auroc_ci95[0] <= found.best.auroc <= found.best_auroc_ci95[1]


def test_accuracy_uses_the_given_threshold() -> None:
    positive, negative = torch.full((4, 1), 5.0), torch.full((4, 1), 3.0)
    found = held_out_quality(positive, negative, torch.tensor([9.0]), ["a", "b", "c", "d"], [0])
    assert (found.layers[0].auroc, found.layers[0].accuracy) == (1.0, 0.5)


def test_effect_size_without_spread() -> None:
    assert effect_size(torch.ones(3), torch.ones(3)) == 0
    assert effect_size(torch.ones(1), torch.zeros(1)) == 0


def test_interval_of_auroc_is_wider_when_pairs_repeat() -> None:
    generator = torch.Generator().manual_seed(1)
    positive, negative = torch.randn(12, generator=generator) + 0.7, torch.randn(12, generator=generator)
    alone = auroc_interval(positive.repeat(5), negative.repeat(5), [str(n) for n in range(60)])
    together = auroc_interval(positive.repeat(5), negative.repeat(5), [str(n % 12) for n in range(60)])
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


@pytest.mark.parametrize("n", [10, 20])
def test_mean_intervals_cover(n: int) -> None:
    generator = np.random.default_rng(n)
    rounds = 400
    covered = 0
    for seed in range(rounds):
        values = np.clip(generator.normal(30, 25, size=n), -100, 100)
        low, high = mean_interval(values.tolist(), seed=seed, resamples=1000)
        covered += low <= 30 <= high
    assert 0.925 <= covered / rounds <= 0.975


def test_no_interval_from_one_value() -> None:
    assert mean_interval([3.0]) is None
