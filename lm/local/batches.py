"""How a list of prompts is split into batches: a function of the list alone, so that the same list always
runs in the same batches and gives the same bits."""

from collections.abc import Sequence

MIN_SHARED = 16
"""Shorter shared prefixes are not worth a forward of their own, in tokens."""


def fixed_batches(lengths: Sequence[int], rows: int, tokens: int) -> list[list[int]]:
    """Indices of `lengths` in batches, longest first, of at most `rows` rows and `tokens` tokens; one row at least.

    `lengths` are in tokens; the order among equals is the order given.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    batches: list[list[int]] = []
    for index in order:
        batch = batches[-1] if batches else []
        widest = lengths[batch[0]] if batch else 0
        if batch and len(batch) < rows and widest * (len(batch) + 1) <= tokens:
            batch.append(index)
        else:
            batches.append([index])
    return batches


def shared_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """Number of leading tokens that all prompts share, leaving each prompt one token at least; 0 when not worth it."""
    if len(prompts) < 2:
        return 0
    low, high = min(list(prompt) for prompt in prompts), max(list(prompt) for prompt in prompts)
    longest = min(len(prompt) for prompt in prompts) - 1
    shared = next((i for i in range(longest) if low[i] != high[i]), longest)
    return shared if shared >= MIN_SHARED else 0
