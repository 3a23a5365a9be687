"""Step 10: finish, go on, change the approach, or stop and say that this trait cannot be extracted this way."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from scipy.stats import binomtest

from agent.records import FreshTest, RoundRecord
from agent.settings import Settings

OBSERVED = "observed instead of expressed"
"""The approach under which scenarios are told in third person on purpose."""

RUBRIC = "rubric"
"""The approach under which the rubric is thought over once more."""

APPROACHES: tuple[tuple[str, str], ...] = (
    ("as drafted", ""),
    ("stronger lock-in", "End each scenario later and more definitely, so that only one direction reads naturally."),
    ("lock-in showing success", "Let the ending show that the behaviour is already working out for the speaker."),
    ("institutional victim", "Let an institution, not a person, bear what the behaviour costs."),
    (OBSERVED, "Tell the scene in third person, with a neutral setup and a plausible account."),
    ("shorter cut", "Cut each scenario earlier, in the middle of a phrase."),
    (RUBRIC, "Keep to the clearest examples of both ends of the rubric."),
)
"""Approaches in the order in which they are tried (METHOD, step 10), with what the author is told."""

Step = Literal["draft", "fresh_test", "change", "give_up", "out_of_rounds"]


def decide_next(rounds: Sequence[RoundRecord], chosen: int, wanted: int, max_rounds: int, settings: Settings) -> Step:
    """What follows a round: test afresh when enough pairs stand, else draft on, change the approach, or end."""
    if chosen >= wanted:
        return "fresh_test"
    given = patience_with(rounds, max_rounds, settings)
    recent = [record for record in rounds if record.approach == rounds[-1].approach][-given:]
    failing = len(recent) == given and all(record.yield_ < settings.yield_floor for record in recent)
    if failing and rounds[-1].approach == APPROACHES[-1][0]:
        return "give_up"
    if len(rounds) >= max_rounds:
        return "out_of_rounds"
    return "change" if failing else "draft"


def patience_with(rounds: Sequence[RoundRecord], max_rounds: int, settings: Settings) -> int:
    """Rounds that the present approach is given before it counts as failing.

    The first has all its patience; a later one no more than its part of the rounds that were left when it began, so
    that every approach gets its turn: 3, 2, 3, 3, 3, 3 and 3 of 20 rounds.
    """
    names = [name for name, _ in APPROACHES]
    place = names.index(rounds[-1].approach)
    if place == 0:
        return settings.patience
    left = max_rounds - sum(record.approach != rounds[-1].approach for record in rounds)
    return min(max(left // (len(names) - place), 1), settings.patience)


def describe_attempts(rounds: Sequence[RoundRecord]) -> str:
    """Every approach that was tried, what it brought, and why its pairs failed most often; one sentence."""
    return "; ".join(_describe_approach(name, held) for name, held in by_approach(rounds).items())


def by_approach(rounds: Sequence[RoundRecord]) -> dict[str, list[RoundRecord]]:
    """The rounds of each approach that was tried, in order."""
    tried: dict[str, list[RoundRecord]] = {}
    for record in rounds:
        tried.setdefault(record.approach, []).append(record)
    return tried


def untried(rounds: Sequence[RoundRecord]) -> list[str]:
    """The approaches that never had their turn."""
    tried = by_approach(rounds)
    return [name for name, _ in APPROACHES if name not in tried]


def failures_of(rounds: Sequence[RoundRecord]) -> dict[str, int]:
    """Failure classes of some rounds, the most frequent first."""
    counts: Counter[str] = Counter()
    for record in rounds:
        counts.update(record.failures)
    return dict(counts.most_common())


def _describe_approach(name: str, rounds: Sequence[RoundRecord]) -> str:
    passed, drafted = sum(record.passed for record in rounds), sum(record.drafted for record in rounds)
    worst = next(iter(failures_of(rounds)), "nothing tested")
    return f"{name}: {passed} of {drafted} in {len(rounds)} rounds, mostly {worst}"


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
    enough = len(test.passed) >= settings.pass_rate * len(test.pairs)
    return bool(test.pairs) and enough and express_enough(test, settings)


def express_enough(test: FreshTest, settings: Settings) -> bool:
    """The half of the gate that looks at the first tokens."""
    return len(test.express) >= settings.express_rate * len(test.pairs)


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
