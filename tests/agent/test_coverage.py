"""Quotas bind: cells are spread evenly and the chosen set obeys the caps."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from agent.coverage import choose_balanced, plan_cells
from agent.spec import Spec
from extract.lint.findings import skeleton
from extract.trait import LOCK_INS, Pair

SPEC = Spec(category="test", trait="trait", pairs=20)


def test_cells_are_spread_over_every_axis():
    cells = plan_cells(SPEC, 56, 1, [])
    for axis in ("lock_in", "domain", "stakes", "audience"):
        counts = Counter(getattr(cell, axis) for cell in cells).values()
        assert max(counts) - min(counts) <= 1


def test_what_is_missing_comes_first():
    first = plan_cells(SPEC, 20, 1, [])
    kept = [cell for cell in first if cell.lock_in != "speech"]
    again = plan_cells(SPEC, 6, 2, kept)
    assert again[0].lock_in == "speech"


pairs = st.lists(
    st.builds(
        lambda number, lock_in, domain, ending: Pair(
            id=f"{number}",
            ground_truth="g",
            positive=f"p {ending}",
            negative=f"n {ending}",
            lock_in=lock_in,
            domain=domain,
        ),
        st.integers(0, 10**6),
        st.sampled_from(LOCK_INS),
        st.sampled_from(SPEC.domains),
        st.sampled_from(["so I said", "and slowly I", "I wrote that", "in my head", "then we moved", "to the door"]),
    ),
    max_size=80,
)


@given(pairs)
def test_a_chosen_set_obeys_the_caps(drawn: list[Pair]):
    chosen = choose_balanced(drawn, SPEC)
    assert len(chosen) <= SPEC.pairs
    for cap, values in (
        (0.4, [pair.lock_in for pair in chosen]),
        (0.25, [pair.domain for pair in chosen]),
        (0.2, [skeleton(pair.positive) for pair in chosen]),
    ):
        assert all(count <= cap * SPEC.pairs for count in Counter(values).values())
