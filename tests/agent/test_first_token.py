"""The first-token test's arithmetic and its one verdict from three signals."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.settings import Settings
from agent.steps.first_token import decide_verdict, js_divergence

SCORES = {"positive": 90.0, "negative": 10.0}


def logs(**probabilities: float) -> dict[str, float]:
    return {token: math.log(p) for token, p in probabilities.items()}


def test_divergence_of_known_distributions():
    assert js_divergence(logs(a=1.0), logs(b=1.0)) == pytest.approx(1.0)
    assert js_divergence(logs(a=0.5, b=0.5), logs(a=0.5, b=0.5)) == pytest.approx(0.0)
    assert js_divergence(logs(a=0.5, b=0.5), logs(a=1.0)) == pytest.approx(0.311278, abs=1e-5)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.lists(st.floats(0.01, 1), min_size=2, max_size=6))
def test_divergence_is_symmetric_and_bounded(one: list[float], other: list[float]):
    p = {str(i): math.log(x / sum(one)) for i, x in enumerate(one)}
    q = {str(i): math.log(x / sum(other)) for i, x in enumerate(other)}
    assert js_divergence(p, q) == pytest.approx(js_divergence(q, p))
    assert 0 <= js_divergence(p, q) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("committed", "divergence", "verdict"),
    [
        ({"positive": 5.0, "negative": 5.0}, 0.4, "EXPRESS"),
        ({"positive": 80.0, "negative": 5.0}, 0.4, "EXPLAIN"),
        ({"positive": 5.0, "negative": 5.0}, 0.0, "UNCLEAR"),
        ({"positive": None, "negative": 5.0}, 0.4, "UNCLEAR"),
    ],
)
def test_one_verdict_with_reasons(committed: dict, divergence: float, verdict: str):
    result = decide_verdict(committed, SCORES, SCORES, divergence, Settings())
    assert result.verdict == verdict
    assert result.reasons
