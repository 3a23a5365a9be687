"""Whom a person is asked about first: the pairs that teach most, with a random slice mixed in.

Pairs near a decision teach more about the judge than clear ones; but an estimate over all pairs needs some that were
drawn by chance. Which ones those are follows from the run's seed, so that the report knows them again.
"""

from agent.review.schema import DefinitionLine, OutcomeShown, PairLine, Review
from agent.seeds import derive_seed
from agent.settings import Settings
from extract.trait import SIDES

RANDOM_SHARE = 0.25
"""Share of pairs that belong to the random slice."""
EVERY = 3
"""Informative pairs between two of the random slice."""
SURPRISE = 1.0
"""What a contradiction (prediction against result, first tokens against scores) adds to an uncertainty of 0-1."""


def asking_order(review: Review, settings: Settings, seed: int) -> list[str]:
    """Names of all lines in the order in which a person is asked."""
    drawn = [line.name for line in review.lines if in_random_slice(seed, line.name)]
    drawn.sort(key=lambda name: derive_seed(seed, "slice order", name))
    others = [line for line in review.lines if line.name not in drawn]
    others.sort(key=lambda line: (-informative(line, settings), line.name))
    order: list[str] = []
    for index, line in enumerate(others):
        if index % EVERY == 0 and drawn:
            order.append(drawn.pop(0))
        order.append(line.name)
    return order + drawn


def in_random_slice(seed: int, name: str) -> bool:
    """Whether a pair belongs to the slice that is drawn by chance."""
    return derive_seed(seed, "random slice", name) / 2**63 < RANDOM_SHARE


def informative(line: PairLine | DefinitionLine, settings: Settings) -> float:
    """How much a person's word on this line would teach; higher is more, the scale has no meaning."""
    if isinstance(line, DefinitionLine):
        return 0.0
    expected = [line.predicted[side].probability if side in line.predicted else 0.5 for side in SIDES]
    doubt = max(1 - abs(2 * probability - 1) for probability in expected)
    if line.tested is None:
        return doubt + (SURPRISE if line.findings else 0.0)
    surprising = (min(expected) >= 0.5) != line.tested.passes
    unclear = line.tested.first_token == "UNCLEAR" or (line.tested.passes and not line.tested.stands)
    return _closeness(line.tested, settings) + SURPRISE * surprising + SURPRISE * unclear


def _closeness(tested: OutcomeShown, settings: Settings) -> float:
    """1 where a side's mean lies on its threshold, 0 from 50 points away; 1 where a side has no score."""
    bounds = {"positive": settings.positive_min, "negative": settings.negative_max}
    scores = [(tested.scores.get(side), bounds[side]) for side in SIDES]
    return max(1.0 if score is None else max(0.0, 1 - abs(score - bound) / 50) for score, bound in scores)
