"""Quotas bind: cells follow what passes, keep exploring, and the chosen set obeys the caps."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from agent.coverage import Tried, caps_of, choose_balanced, plan_cells, used_up_endings
from agent.records import Cell
from agent.spec import Spec
from extract.lint.findings import skeleton
from extract.trait import LOCK_INS, SIDES, Pair

SPEC = Spec(category="test", trait="trait", pairs=20)
LARGE = Spec(category="test", trait="trait", pairs=200)


def cell(lock_in: str = "speech", domain: str = "work") -> Cell:
    return Cell(lock_in=lock_in, domain=domain, stakes="high", audience="boss")


def test_where_nothing_is_known_every_value_gets_its_turn():
    cells = plan_cells(LARGE, 56, 1, [], [])
    for axis, values in (("lock_in", LOCK_INS), ("domain", LARGE.domains), ("audience", LARGE.audiences)):
        counts = Counter(getattr(cell, axis) for cell in cells)
        assert len(counts) == len(values)
        assert max(counts.values()) <= 2.5 * 56 / len(values), (axis, counts)


def test_the_same_seed_plans_the_same_cells_and_another_round_others():
    assert plan_cells(LARGE, 9, 2, [], []) == plan_cells(LARGE, 9, 2, [], [])
    assert plan_cells(LARGE, 9, 2, [], []) != plan_cells(LARGE, 9, 3, [], [])


def asked_for(tried: list[Tried]) -> dict[str, float]:
    """Shares of the lock-in types over many rounds of twenty."""
    asked = Counter(c.lock_in for r in range(40) for c in plan_cells(LARGE, 20, r, tried, []))
    return {lock_in: asked[lock_in] / asked.total() for lock_in in ("speech", "thought", "action")}


def test_what_fails_is_asked_for_less_and_given_up_only_when_it_is_clear():
    passed = [Tried(cell(lock_in), True) for lock_in in ("speech", "action") for _ in range(30)]
    doubtful = asked_for(passed + [Tried(cell("thought"), False)] * 6)
    hopeless = asked_for(passed + [Tried(cell("thought"), False)] * 60)
    assert 0 < doubtful["thought"] < 0.1, doubtful
    assert hopeless["thought"] < 0.01, hopeless
    assert min(hopeless["speech"], hopeless["action"]) > 0.2, hopeless


def test_what_is_missing_comes_first_among_equals():
    tried = [Tried(cell(name.replace("_", "-")), True) for name in LOCK_INS for _ in range(40)]
    standing = [cell(name.replace("_", "-")) for name in LOCK_INS if name != "written" for _ in range(12)]
    assert Counter(c.lock_in for c in plan_cells(LARGE, 10, 1, tried, standing))["written"] >= 8


def test_a_value_at_its_cap_is_not_asked_for():
    standing = [cell()] * int(0.4 * SPEC.pairs)
    assert not {"speech"} & {c.lock_in for r in range(20) for c in plan_cells(SPEC, 8, r, [], standing)}
    assert not {"work"} & {c.domain for r in range(20) for c in plan_cells(SPEC, 8, r, [], standing)}


def test_a_spec_of_one_lock_in_type_opens_the_others_at_its_cap():
    spec = Spec(category="test", trait="trait", pairs=20, lock_ins=("speech",))
    assert {c.lock_in for c in plan_cells(spec, 8, 1, [], [])} == {"speech"}
    planned = Counter(c.lock_in for c in plan_cells(spec, 20, 1, [], []))
    assert planned["speech"] == caps_of(spec)["lock_in"] and len(planned) > 2
    assert "speech" not in {c.lock_in for c in plan_cells(spec, 8, 2, [], [cell()] * 8)}


def test_endings_that_stand_as_often_as_allowed_are_used_up():
    pairs = [Pair(id=f"{i}", ground_truth="", positive=f"{i} so I said", negative=f"{i} and left {i}", lock_in="speech")
             for i in range(4)]  # fmt: skip
    assert used_up_endings(pairs, SPEC) == ["so i said"]
    assert used_up_endings(pairs[:3], SPEC) == []


pairs = st.lists(
    st.builds(
        lambda number, lock_in, domain, ending, other: Pair(
            id=f"{number}",
            ground_truth="g",
            positive=f"p {ending}",
            negative=f"n {other}",
            lock_in=lock_in,
            domain=domain,
        ),
        st.integers(0, 10**6),
        st.sampled_from(LOCK_INS),
        st.sampled_from(SPEC.domains),
        *[st.sampled_from(["so I said", "and slowly I", "I wrote that", "in my head", "then we moved", "to the door"])]
        * 2,
    ),
    max_size=80,
)


@given(pairs)
def test_a_chosen_set_obeys_the_caps(drawn: list[Pair]):
    chosen = choose_balanced(drawn, SPEC)
    assert len(chosen) <= SPEC.pairs
    shares = [(0.4, [pair.lock_in for pair in chosen]), (0.25, [pair.domain for pair in chosen])]
    shares += [(0.2, [skeleton(pair.scenario(side)) for pair in chosen]) for side in SIDES]
    for cap, values in shares:
        assert all(count <= cap * SPEC.pairs for count in Counter(values).values())
