"""A topic that fails wherever it is tried is at fault itself; one that fails among others that fail is not."""

import pytest

from agent.failures import UNEXPLAINED, blame_topic
from agent.records import Failure
from agent.topics import Ended, failing_endings

BRIDGE = "I knew that the old bridge had a deep crack"
THINGS = ("kettle", "ladder", "engine", "ticket", "garden", "window", "bottle", "mirror")
ENDINGS = ("speech", "thought", "action", "written")


def tried(*endings: str, about: str = BRIDGE, accepted: bool = False, in_round: int = 1) -> list[Ended]:
    return [Ended(in_round, about, ending, accepted) for ending in endings]


def others(passed: int, failed: int, in_round: int = 1) -> list[Ended]:
    told = [f"I noticed that the {thing} was missing" for thing in THINGS[: passed + failed]]
    return [Ended(in_round, one, "speech", number < passed) for number, one in enumerate(told)]


def test_a_topic_that_fails_at_every_ending_is_told_from_its_ground_truth():
    reworded = tried("physical", about="I had known of the deep crack the old bridge had, and of its age")
    ended = [*tried(*ENDINGS), *reworded, *others(6, 2)]
    assert failing_endings(BRIDGE, ended) == ("action", "physical", "speech", "thought", "written")
    assert failing_endings("I noticed that the mirror was missing", ended) == ("speech",)


def test_a_topic_that_passed_once_is_not_at_fault():
    assert failing_endings(BRIDGE, [*tried(*ENDINGS), *tried("speech", accepted=True), *others(8, 0)]) == ()


def test_in_rounds_in_which_most_pairs_fail_no_topic_is_at_fault():
    bad = [*tried(*ENDINGS), *others(3, 5)]
    assert failing_endings(BRIDGE, bad) == ()
    assert failing_endings(BRIDGE, [*bad, *tried("speech", in_round=2), *others(8, 0, in_round=2)]) == ("speech",)
    assert failing_endings(BRIDGE, tried(*ENDINGS)) == (), "nothing to compare it with"


def test_pairs_without_a_ground_truth_have_no_topic():
    assert failing_endings("", [*tried(*ENDINGS, about=""), *others(8, 0)]) == ()


@pytest.mark.parametrize("name", ["drift", "ambiguous", "early close", "moralising"])
def test_only_a_class_without_a_sign_of_its_own_gives_way(name: str):
    failure = Failure(failure=name, side="positive", evidence="positive scores 50")
    blamed = blame_topic(failure, ENDINGS[:3])
    assert blamed.failure == ("topic trigger" if name in UNEXPLAINED else name)
    assert blamed.side == "positive" and "positive scores 50" in blamed.evidence
    assert blame_topic(failure, ENDINGS[:2]) == failure
