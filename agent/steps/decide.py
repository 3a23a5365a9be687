"""Step 10: finish, go on, change the approach, or stop and say that this trait cannot be extracted this way."""

from collections.abc import Sequence
from typing import Literal

from scipy.stats import binomtest

from agent.records import FreshTest, RoundRecord
from agent.settings import Settings

OBSERVED = "observed instead of expressed"
"""The approach under which scenarios are told in third person on purpose."""

APPROACHES: tuple[tuple[str, str], ...] = (
    ("as drafted", ""),
    ("stronger lock-in", "End each scenario later and more definitely, so that only one direction reads naturally."),
    ("lock-in showing success", "Let the ending show that the behaviour is already working out for the speaker."),
    ("institutional victim", "Let an institution, not a person, bear what the behaviour costs."),
    (OBSERVED, "Tell the scene in third person, with a neutral setup and a plausible account."),
    ("shorter cut", "Cut each scenario earlier, in the middle of a phrase."),
    ("rubric", "Keep to the clearest examples of both ends of the rubric."),
)
"""Approaches in the order in which they are tried (METHOD, step 10), with what the author is told."""

Step = Literal["draft", "fresh_test", "change", "stop"]


def decide_next(rounds: Sequence[RoundRecord], chosen: int, wanted: int, max_rounds: int, settings: Settings) -> Step:
    """What follows a round: test afresh when enough pairs stand, else draft on; change or stop when nothing works."""
    if chosen >= wanted:
        return "fresh_test"
    if len(rounds) >= max_rounds:
        return "stop"
    approach = rounds[-1].approach
    recent = [record for record in rounds if record.approach == approach][-settings.patience :]
    failing = len(recent) == settings.patience and all(record.yield_ < settings.yield_floor for record in recent)
    if not failing:
        return "draft"
    return "stop" if approach == APPROACHES[-1][0] else "change"


def batch_size(settings: Settings, missing: int, last_yield: float | None) -> int:
    """Pairs to draft: few at first, then chunks; larger ones once a round has passed well, never far beyond `missing`.

    `last_yield` is that of the round before; None before the first.
    """
    if last_yield is None:
        return settings.first_batch
    size = settings.scale_chunk if last_yield >= settings.yield_floor else settings.chunk
    return max(min(size, int(missing / max(last_yield, 0.5)) + 4), settings.first_batch)


def next_approach(name: str) -> str:
    """The approach after `name`; the last one stays."""
    names = [approach for approach, _ in APPROACHES]
    return names[min(names.index(name) + 1, len(names) - 1)]


def approach_advice(name: str) -> str:
    """What the author is told under an approach; empty for the first."""
    return dict(APPROACHES)[name]


def test_passes(test: FreshTest, settings: Settings) -> bool:
    """Both halves of the gate: enough pairs pass afresh, and enough express the trait in their first tokens."""
    needed = (settings.pass_rate * len(test.pairs), settings.express_rate * len(test.pairs))
    return bool(test.pairs) and len(test.passed) >= needed[0] and len(test.express) >= needed[1]


def describe_test(test: FreshTest) -> str:
    """A fresh test in words, with its denominator and interval."""
    low, high = wilson_interval(len(test.passed), len(test.pairs))
    return (
        f"{len(test.passed)} of {len(test.pairs)} pairs pass afresh [{low:.0%}, {high:.0%}], "
        f"{len(test.express)} express the trait in their first tokens"
    )


def wilson_interval(passed: int, total: int) -> tuple[float, float]:
    """95 % Wilson interval of a share; (0, 1) when nothing was counted."""
    if total == 0:
        return 0.0, 1.0
    interval = binomtest(passed, total).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
