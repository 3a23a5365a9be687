"""Where a run goes next: on, to another approach, or to its end."""

import pytest

from agent.records import RoundRecord
from agent.settings import Settings
from agent.steps.decide import APPROACHES, decide_next, describe_attempts, next_approach, patience_with, untried

SETTINGS = Settings()
NAMES = [name for name, _ in APPROACHES]


def one(approach: str, passed: int = 0, drafted: int = 20) -> RoundRecord:
    failures = {"wrong direction": drafted - passed}
    return RoundRecord(
        drafted=drafted, passed=passed, unscored=0, failures=failures, approach=approach, accepted_total=passed
    )


def play(max_rounds: int, passed: int = 0) -> tuple[list[RoundRecord], str]:
    """Rounds that all end alike, until the run does."""
    rounds, approach, step = [], NAMES[0], "draft"
    while step in ("draft", "change"):
        rounds.append(one(approach, passed))
        step = decide_next(rounds, 0, 100, max_rounds, SETTINGS)
        approach = next_approach(approach) if step == "change" else approach
    return rounds, step


def test_a_trait_that_never_shows_uses_up_every_approach_within_twenty_rounds():
    rounds, step = play(20)
    assert step == "give_up"
    assert [sum(r.approach == name for r in rounds) for name in NAMES] == [3, 2, 3, 3, 3, 3, 3]
    assert untried(rounds) == []
    assert "stronger lock-in: 0 of 40 in 2 rounds, mostly wrong direction" in describe_attempts(rounds)


@pytest.mark.parametrize(("max_rounds", "tried"), [(4, 2), (9, 7), (40, 7)])
def test_fewer_rounds_shorten_the_turns_of_later_approaches_never_the_first(max_rounds: int, tried: int):
    rounds, step = play(max_rounds)
    assert sum(record.approach == NAMES[0] for record in rounds) == 3
    assert len({record.approach for record in rounds}) == tried
    assert step == ("give_up" if tried == len(NAMES) else "out_of_rounds")
    assert len(rounds) == min(max_rounds, 21)


def test_enough_good_rounds_change_nothing():
    rounds, step = play(6, passed=15)
    assert (step, {record.approach for record in rounds}) == ("out_of_rounds", {NAMES[0]})
    assert decide_next([one(NAMES[0], 20)], 100, 100, 20, SETTINGS) == "fresh_test"


def test_one_good_round_buys_an_approach_its_patience_again():
    rounds = [one(NAMES[0]), one(NAMES[0]), one(NAMES[0], 19), one(NAMES[0])]
    assert decide_next(rounds, 0, 100, 20, SETTINGS) == "draft"
    assert patience_with(rounds, 20, SETTINGS) == 3
