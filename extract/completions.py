"""Greedy completions for pairs that have none yet, so that responses can be read."""

from collections.abc import Sequence

from extract.models import LoadedModel
from extract.positions import Position
from extract.trait import SIDES, Pair, Sample, Side
from lm.local.batches import fixed_batches
from lm.local.decode import Row, generate
from lm.types import Sampling

OPEN_END = 16
"""Tokens generated where a position takes a whole response."""

_ROWS, _TOKENS = 64, 16_384
"""Rows and tokens of one batch at most."""


def complete_pairs(model: LoadedModel, pairs: Sequence[Pair], *, max_tokens: int = OPEN_END) -> list[Pair]:
    """The pairs, each side with at least one sample that has token ids; missing ones are generated greedily.

    None are where `max_tokens` is 0.
    """
    if not max_tokens:
        return list(pairs)
    missing = [(number, side) for number, pair in enumerate(pairs) for side in SIDES if not _has_tokens(pair, side)]
    samples = _continue_greedily(model, [pairs[number].scenario(side) for number, side in missing], max_tokens)
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


def _continue_greedily(model: LoadedModel, scenarios: Sequence[str], max_tokens: int) -> list[Sample]:
    """Up to `max_tokens` most likely tokens after each scenario, without the token that ends a text."""
    prompts = model.spelling.encode(scenarios)
    sampling = Sampling(max_tokens=max_tokens, temperature=0)
    found: dict[int, Sample] = {}
    for batch in fixed_batches([len(prompt) + max_tokens for prompt in prompts], _ROWS, _TOKENS):
        rows = [Row(prompts[number], sampling) for number in batch]
        for number, done in zip(batch, generate(model.model, rows, model.checkpoint.ends), strict=True):
            text = model.spelling.decode_after(prompts[number], done.ids)
            found[number] = Sample(text=text, token_ids=done.ids)
    return [found[number] for number in range(len(scenarios))]
