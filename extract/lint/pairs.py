"""Checks of one pair (P1xx). An error keeps the pair from every model; a warning is shown to the reviewer."""

import re
from collections.abc import Callable, Iterable, Sequence

from extract.lint.findings import Finding, error, warn, words
from extract.trait import SIDES, Pair

NEAR_DUPLICATE = 0.9
"""Jaccard overlap of word trigrams from which two scenarios say the same."""
SHARED_PREFIX = 0.2
"""Smallest share of its words that a scenario shares with the other side's beginning."""
LENGTH_GAP = 8
"""Words by which the sides may differ before it is worth a warning."""
_THIRD_PERSON = re.compile(r"\b(?:they|he|she)\W*$", re.IGNORECASE)
_VAGUE = re.compile(r"\b(?:this is really|i think this is|it was|there is)\W*$", re.IGNORECASE)


QUOTED = ("speech", "written")
"""Lock-in types that end inside an open quote."""

UNQUOTED = ("action", "physical")
"""Lock-in types that end outside any quote; the others may do either."""

PairCheck = Callable[[Pair], Iterable[Finding]]


def lint_pair(pair: Pair, others: Sequence[Pair], label: str) -> tuple[Finding, ...]:
    """All findings about one pair, given the pairs it joins and the trait's name in words."""
    checks: tuple[PairCheck, ...] = (
        _check_shape,
        _check_sides,
        _check_ending,
        _check_balance,
        _check_quotes,
        lambda pair: _check_label(pair, label),
        lambda pair: _check_repeats(pair, others),
    )
    return tuple(finding for check in checks for finding in check(pair))


def _check_shape(pair: Pair) -> Iterable[Finding]:
    for side in SIDES:
        text = pair.scenario(side)
        if not text.strip():
            yield error("P101", f"the {side} scenario is blank")
        if len(text.splitlines()) > 1:
            yield error("P102", f"the {side} scenario has a line break")
        if text != text.strip():
            yield error("P106", f"the {side} scenario begins or ends with a space")


def _check_sides(pair: Pair) -> Iterable[Finding]:
    if pair.positive == pair.negative:
        yield error("P103", "both sides are the same text")
        return
    positive, negative = words(pair.positive), words(pair.negative)
    shared = next(
        (i for i, (one, other) in enumerate(zip(positive, negative, strict=False)) if one != other),
        min(len(positive), len(negative)),
    )
    if shared < SHARED_PREFIX * max(len(positive), len(negative), 1):
        yield warn("P112", f"the sides share only their first {shared} words; is the ground truth the same?")
    if pair.positive.endswith('"') != pair.negative.endswith('"'):
        yield warn("P110", "one side ends in an open quote, the other does not")


def _check_ending(pair: Pair) -> Iterable[Finding]:
    for side in SIDES:
        text = pair.scenario(side)
        if _THIRD_PERSON.search(text):
            yield warn("P108", f"the {side} scenario ends in third person; the model would watch the act")
        if _VAGUE.search(text):
            yield warn("P111", f"the {side} scenario ends vaguely and could go either way")


def _check_quotes(pair: Pair) -> Iterable[Finding]:
    for side in SIDES:
        is_open = pair.scenario(side).count('"') % 2 == 1
        if pair.lock_in in QUOTED and not is_open:
            yield warn("P114", f"the {side} scenario is of type {pair.lock_in} but does not end inside a quote")
        if pair.lock_in in UNQUOTED and is_open:
            yield warn("P114", f"the {side} scenario is of type {pair.lock_in} but leaves a quote open")


def _check_balance(pair: Pair) -> Iterable[Finding]:
    gap = len(words(pair.positive)) - len(words(pair.negative))
    if abs(gap) > LENGTH_GAP:
        yield warn("P109", f"the sides differ by {abs(gap)} words")


def _check_label(pair: Pair, label: str) -> Iterable[Finding]:
    for side in SIDES:
        if label and re.search(rf"\b{re.escape(label)}\b", pair.scenario(side), re.IGNORECASE):
            yield error("P107", f"the {side} scenario names the trait ({label!r})")


def _check_repeats(pair: Pair, others: Sequence[Pair]) -> Iterable[Finding]:
    for other in others:
        if pair.positive in (other.positive, other.negative) or pair.negative in (other.positive, other.negative):
            yield error("P104", f"a scenario stands in pair {other.id} already")
            return
        overlap = min(_overlap(pair.positive, other.positive), _overlap(pair.negative, other.negative))
        if overlap >= NEAR_DUPLICATE:
            yield error("P105", f"nearly the same as pair {other.id} (overlap {overlap:.2f})")
            return


def _overlap(one: str, other: str) -> float:
    a, b = _trigrams(one), _trigrams(other)
    return len(a & b) / len(a | b) if a | b else 1.0


def _trigrams(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + 3]) for i in range(max(len(found) - 2, 1))}
