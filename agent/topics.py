"""Topics that fail wherever they are tried: what no pair shows by itself, only several of them together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.signs import same_matter


@dataclass(frozen=True)
class Ended:
    """A tested pair and how it ended."""

    round: int
    ground_truth: str
    lock_in: str
    accepted: bool


def failing_endings(ground_truth: str, ended: Iterable[Ended]) -> tuple[str, ...]:
    """The kinds of ending at which a topic failed while other topics passed; none where it ever passed.

    Only rounds count in which at least half of the other pairs passed: where all fail, the topic is not to blame.
    """
    same: list[Ended] = []
    others: list[Ended] = []
    for one in ended:
        (same if same_matter(one.ground_truth, ground_truth) else others).append(one)
    if any(one.accepted for one in same):
        return ()
    sound = {number for number in {one.round for one in same} if _went_well(number, others)}
    return tuple(sorted({one.lock_in for one in same if one.round in sound}))


def _went_well(round_number: int, pairs: Sequence[Ended]) -> bool:
    passed = [one.accepted for one in pairs if one.round == round_number]
    return bool(passed) and 2 * sum(passed) >= len(passed)
