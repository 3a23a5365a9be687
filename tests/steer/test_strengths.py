from collections.abc import Callable
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steer.report import Cell
from steer.strengths import SearchRule, best_cell, next_strength

RULE = SearchRule()


def cell(strength: float, score: float | None, coherence: float | None) -> Cell:
    return Cell(layer=0, strength=strength, score=score, coherence=coherence, n=10, unscored=0)


def run_lane(score: Callable[[float], float], coherence: Callable[[float], float], rule: SearchRule) -> list[Cell]:
    tried: list[Cell] = []
    while (size := next_strength(tried, rule)) is not None:
        tried.append(cell(rule.wanted * size, score(size), coherence(size)))
    return tried


@given(st.floats(0.12, 3.8))
def test_the_cliff_is_found(cliff: float) -> None:
    rule = SearchRule(steps=12, highest=4.0)
    tried = run_lane(lambda size: 10 * size, lambda size: 90.0 if size <= cliff else 20.0, rule)
    best = best_cell(tried, rule)
    assert best is not None
    assert cliff / rule.tolerance <= best.strength <= cliff


@given(st.floats(0.01, 9), st.integers(1, 8), st.sampled_from([1, -1]))
def test_steps_and_bounds_hold(cliff: float, steps: int, wanted: int) -> None:
    rule = SearchRule(steps=steps, wanted=wanted)
    tried = run_lane(lambda size: size, lambda size: 90.0 if size <= cliff else 20.0, rule)
    sizes = [abs(one.strength) for one in tried]
    assert len(tried) <= steps
    assert sizes[0] == rule.start
    assert all(rule.lowest <= size <= rule.highest for size in sizes)
    assert len({round(size, 9) for size in sizes}) == len(sizes)
    assert all(one.strength * wanted > 0 for one in tried)


def test_a_peak_below_the_cliff_is_refined() -> None:
    rule = SearchRule(steps=10)
    tried = run_lane(lambda size: 50 - 60 * abs(size - 0.8), lambda size: 90.0 if size < 2 else 0.0, rule)
    best = best_cell(tried, rule)
    assert best is not None
    assert isclose(best.strength, 0.8, rel_tol=0.15)


def test_an_unscored_cell_ends_the_lane_and_is_never_the_best() -> None:
    tried = [cell(0.7, 40, 90), cell(0.98, None, None)]
    assert next_strength(tried, RULE) is None
    assert best_cell(tried, RULE) == tried[0]
    assert next_strength([cell(0.7, 0, None)], RULE) is None
    assert tried[1].status == "unscored"


def test_a_trait_without_score_is_not_zero() -> None:
    lowering = SearchRule(wanted=-1)
    assert best_cell([cell(-0.7, None, 95), cell(-0.5, 30, 95)], lowering) == cell(-0.5, 30, 95)


@pytest.mark.parametrize(
    ("coherence", "error", "chosen"),
    [(69.9, 0.0, False), (71.0, 3.8, False), (71.0, 0.5, True), (70.0, None, True)],
    ids=["broken", "one answer fell apart", "kept", "error unknown"],
)
def test_choosing_keeps_a_margin_of_coherence(coherence: float, error: float | None, chosen: bool) -> None:
    tried = cell(0.7, 50, coherence).model_copy(update={"coherence_error": error})
    assert (best_cell([tried], RULE) is not None) == chosen


def test_the_weaker_push_wins_a_tie() -> None:
    assert best_cell([cell(0.9, 50, 90), cell(0.7, 50, 90)], RULE) == cell(0.7, 50, 90)


def test_the_momentum_controller_follows_the_steering_notes() -> None:
    """0.7 first; then by 0.7 x the last multiplier + 0.3 x (1.2 or 0.85), which begins at 1."""
    rule = SearchRule(controller="momentum", steps=4)
    always = [one.strength for one in run_lane(lambda size: size, lambda _: 90.0, rule)]
    assert always == pytest.approx([0.7, 0.7 * 1.06, 0.7 * 1.06 * 1.102, 0.7 * 1.06 * 1.102 * 1.1314])
    never = [one.strength for one in run_lane(lambda size: size, lambda _: 20.0, rule)]
    assert never == pytest.approx([0.7, 0.7 * 0.955, 0.7 * 0.955 * 0.9235, 0.7 * 0.955 * 0.9235 * 0.90145])
    assert next_strength([cell(0.7, None, None)], rule) is None


@given(st.floats(0.01, 9), st.integers(1, 30))
def test_the_momentum_controller_keeps_to_the_bounds(cliff: float, steps: int) -> None:
    rule = SearchRule(controller="momentum", steps=steps)
    tried = run_lane(lambda size: size, lambda size: 90.0 if size <= cliff else 20.0, rule)
    assert len(tried) <= steps
    assert all(rule.lowest <= one.strength <= rule.highest for one in tried)
