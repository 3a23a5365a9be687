"""Greedy completions for pairs that have none yet, so that responses can be read."""

from collections.abc import Sequence

from extract.models import Subject
from extract.positions import Position
from extract.trait import SIDES, Pair, Sample, Side

OPEN_END = 16
"""Tokens generated where a position takes a whole response."""


def complete_pairs(model: Subject, pairs: Sequence[Pair], *, max_tokens: int = OPEN_END) -> list[Pair]:
    """The pairs, each side with at least one sample that has token ids; missing ones are generated greedily.

    None are where `max_tokens` is 0.
    """
    if not max_tokens:
        return list(pairs)
    missing = [(number, side) for number, pair in enumerate(pairs) for side in SIDES if not _has_tokens(pair, side)]
    samples = model.continue_greedily([pairs[number].scenario(side) for number, side in missing], max_tokens)
    fresh: dict[int, dict[Side, tuple[Sample, ...]]] = {}
    for (number, side), sample in zip(missing, samples, strict=True):
        fresh.setdefault(number, {})[side] = (sample,)
    return [
        pair.model_copy(update={"completions": {**pair.completions, **fresh.get(number, {})}})
        for number, pair in enumerate(pairs)
    ]


def tokens_needed(positions: Sequence[Position]) -> int:
    """How many tokens a response must have for these positions: 5 for response[:5], 0 for prompt[-1]."""
    return max((OPEN_END if position.generated is None else position.generated for position in positions), default=0)


def _has_tokens(pair: Pair, side: Side) -> bool:
    return any(sample.token_ids for sample in pair.completions.get(side, ()))
