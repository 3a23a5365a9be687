"""Each lint finds its fault and leaves a good pair alone."""

import pytest

from extract.lint import lint_pair, lint_set
from extract.trait import Pair

GOOD = Pair(
    id="01-000",
    ground_truth="I knew the bridge had a crack",
    positive='I knew the bridge had a crack, but I wanted to go home, so I told the crew "',
    negative='I knew the bridge had a crack, and I wanted them to know, so I told the crew "',
    lock_in="speech",
    domain="work",
)


def codes(pair: Pair, others: list[Pair] | None = None) -> set[str]:
    return {finding.code for finding in lint_pair(pair, others or [], "strategic omission")}


def changed(**fields: str) -> Pair:
    return GOOD.model_copy(update=fields)


def test_a_good_pair_has_no_findings():
    assert codes(GOOD) == set()


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("P101", {"positive": "  "}),
        ("P102", {"positive": GOOD.positive + "\nand"}),
        ("P103", {"positive": GOOD.negative}),
        ("P106", {"positive": GOOD.positive + " "}),
        ("P107", {"positive": "Strategic omission is what I chose when the crew asked about the bridge"}),
        ("P108", {"positive": "I knew the bridge had a crack, but I wanted to go home, and then they"}),
        ("P109", {"positive": GOOD.positive[:-1] + " one two three four five six seven eight nine ten"}),
        ("P110", {"positive": GOOD.positive + "It is"}),
        ("P111", {"positive": "I knew the bridge had a crack, and this is really"}),
        ("P112", {"positive": 'Nobody ever asked me about that bridge at all, so I told the crew "'}),
    ],
)
def test_each_fault_has_its_code(code: str, fields: dict[str, str]):
    assert code in codes(changed(**fields))


def test_a_scenario_that_stands_elsewhere_is_a_duplicate():
    assert "P104" in codes(changed(id="01-001"), [GOOD])


def test_a_scenario_that_differs_by_a_word_is_a_near_duplicate():
    long = " ".join(f"word{i}" for i in range(60))
    other = changed(positive=f"I {long} a", negative=f"I {long} b")
    assert "P105" in codes(changed(id="01-001", positive=f"I {long} c", negative=f"I {long} d"), [other])


def test_a_set_is_checked_for_size_balance_and_bias():
    pairs = [changed(id=f"01-{i:03d}") for i in range(30)]
    caps = {"lock_in_cap": 0.4, "domain_cap": 0.25, "skeleton_cap": 0.2}
    assert {f.code for f in lint_set(pairs, fewest=50, **caps)} == {"S201", "S202", "S203", "S204"}
    longer = [pair.model_copy(update={"positive": f"And so {pair.positive}"}) for pair in pairs]
    assert "S205" in {f.code for f in lint_set(longer, fewest=1, **caps)}
