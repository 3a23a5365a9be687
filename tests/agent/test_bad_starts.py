"""Runs on the embedded model that begin badly: every fault is found, named and mended. Minutes each."""

from pathlib import Path

import pytest

from agent.steps.decide import wilson_interval
from benchmarks.bad_starts import STARTS, Seen, make_spec, run_start
from lm.organism.world.traits import PERFORMED

pytestmark = pytest.mark.slow

TRAIT = next(world for world in PERFORMED if world.name == "strategic_omission")


@pytest.fixture(scope="module", params=list(STARTS))
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    out: Path = tmp_path_factory.mktemp("bad")
    return run_start(TRAIT, request.param, make_spec(TRAIT, request.param, 60, 34, 0), out)


def test_the_run_ends_with_a_dataset_within_its_caps(seen: Seen):
    assert seen.end == "done", seen.end
    assert seen.left == ()


def test_failed_starters_are_named_as_they_show(seen: Seen):
    if STARTS[seen.start] is None:
        assert any(finding.startswith("S202") for finding in seen.clusters), "too much of one lock-in type"
        return
    right, total = seen.agreement
    assert total >= 12
    assert right / total >= 0.95, seen.named


def test_the_yield_rises(seen: Seen):
    if STARTS[seen.start] is None:
        return
    first, last = seen.rounds[:3], seen.rounds[-3:]
    bounds = [
        wilson_interval(sum(one.passed for one in part), sum(one.drafted for one in part)) for part in (first, last)
    ]
    assert bounds[0][1] < bounds[1][0], "the intervals lie apart"
