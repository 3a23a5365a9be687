"""Deterministic checks of pairs and of whole sets; no model is needed. Codes are stable.

P1xx concern one pair, S2xx a set. An error keeps a pair from every model; a warning is shown to the reviewer.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from scipy.stats import binomtest

from extract.trait import SIDES, Pair
from lm.types import Value

NEAR_DUPLICATE = 0.9
"""Jaccard overlap of word trigrams from which two scenarios say the same."""
SHARED_PREFIX = 0.2
"""Smallest share of its words that a scenario shares with the other side's beginning."""
LENGTH_GAP = 8
"""Words by which the sides may differ before it is worth a warning."""
SKELETON_WORDS = 3
"""Last words of a scenario that make its lock-in skeleton."""

_WORD = re.compile(r"[\w']+")
_THIRD_PERSON = re.compile(r"\b(?:they|he|she)\W*$", re.IGNORECASE)
_VAGUE = re.compile(r"\b(?:this is really|i think this is|it was|there is)\W*$", re.IGNORECASE)


class Finding(Value):
    """One finding: its code, how bad it is, and what to look at."""

    code: str
    severity: Literal["error", "warning"]
    message: str


PairCheck = Callable[[Pair], Iterable[Finding]]


def lint_pair(pair: Pair, others: Sequence[Pair], label: str) -> tuple[Finding, ...]:
    """All findings about one pair, given the pairs it joins and the trait's name in words."""
    checks: tuple[PairCheck, ...] = (
        _check_shape,
        _check_sides,
        _check_ending,
        _check_balance,
        lambda pair: _check_label(pair, label),
        lambda pair: _check_repeats(pair, others),
    )
    return tuple(finding for check in checks for finding in check(pair))


def lint_set(
    pairs: Sequence[Pair], *, fewest: int, lock_in_cap: float, domain_cap: float, skeleton_cap: float
) -> tuple[Finding, ...]:
    """All findings about a set of pairs: its size, its balance, its monotony."""
    findings = []
    if len(pairs) < fewest:
        findings.append(_warn("S201", f"{len(pairs)} pairs; a dataset needs at least {fewest}"))
    findings += _check_share("S202", "lock-in type", [pair.lock_in for pair in pairs], lock_in_cap)
    findings += _check_share("S203", "domain", [pair.domain for pair in pairs if pair.domain], domain_cap)
    findings += _check_share("S204", "lock-in skeleton", [skeleton(pair.positive) for pair in pairs], skeleton_cap)
    findings += _check_length_bias(pairs)
    return tuple(findings)


def skeleton(scenario: str) -> str:
    """The last words of a scenario: what two endings made from one template share."""
    return " ".join(_words(scenario)[-SKELETON_WORDS:])


def _check_shape(pair: Pair) -> Iterable[Finding]:
    for side in SIDES:
        text = pair.scenario(side)
        if not text.strip():
            yield _error("P101", f"the {side} scenario is blank")
        if len(text.splitlines()) > 1:
            yield _error("P102", f"the {side} scenario has a line break")
        if text != text.strip():
            yield _error("P106", f"the {side} scenario begins or ends with a space")


def _check_sides(pair: Pair) -> Iterable[Finding]:
    if pair.positive == pair.negative:
        yield _error("P103", "both sides are the same text")
        return
    positive, negative = _words(pair.positive), _words(pair.negative)
    shared = next(
        (i for i, (one, other) in enumerate(zip(positive, negative, strict=False)) if one != other),
        min(len(positive), len(negative)),
    )
    if shared < SHARED_PREFIX * max(len(positive), len(negative), 1):
        yield _warn("P112", f"the sides share only their first {shared} words; is the ground truth the same?")
    if pair.positive.endswith('"') != pair.negative.endswith('"'):
        yield _warn("P110", "one side ends in an open quote, the other does not")


def _check_ending(pair: Pair) -> Iterable[Finding]:
    for side in SIDES:
        text = pair.scenario(side)
        if _THIRD_PERSON.search(text):
            yield _warn("P108", f"the {side} scenario ends in third person; the model would watch the act")
        if _VAGUE.search(text):
            yield _warn("P111", f"the {side} scenario ends vaguely and could go either way")


def _check_balance(pair: Pair) -> Iterable[Finding]:
    gap = len(_words(pair.positive)) - len(_words(pair.negative))
    if abs(gap) > LENGTH_GAP:
        yield _warn("P109", f"the sides differ by {abs(gap)} words")


def _check_label(pair: Pair, label: str) -> Iterable[Finding]:
    for side in SIDES:
        if label and re.search(rf"\b{re.escape(label)}\b", pair.scenario(side), re.IGNORECASE):
            yield _error("P107", f"the {side} scenario names the trait ({label!r})")


def _check_repeats(pair: Pair, others: Sequence[Pair]) -> Iterable[Finding]:
    for other in others:
        if pair.positive in (other.positive, other.negative) or pair.negative in (other.positive, other.negative):
            yield _error("P104", f"a scenario stands in pair {other.id} already")
            return
        overlap = min(_overlap(pair.positive, other.positive), _overlap(pair.negative, other.negative))
        if overlap >= NEAR_DUPLICATE:
            yield _error("P105", f"nearly the same as pair {other.id} (overlap {overlap:.2f})")
            return


def _check_share(code: str, what: str, values: Sequence[str], cap: float) -> Iterable[Finding]:
    for value, count in Counter(values).items():
        if count > cap * len(values) and count > 1:
            yield _warn(code, f"{what} {value!r} makes up {count} of {len(values)} pairs; at most {cap:.0%} is allowed")


def _check_length_bias(pairs: Sequence[Pair]) -> Iterable[Finding]:
    gaps = [len(_words(pair.positive)) - len(_words(pair.negative)) for pair in pairs]
    longer, shorter = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
    if longer + shorter and binomtest(longer, longer + shorter).pvalue < 0.01:
        mean = sum(gaps) / len(gaps)
        yield _warn(
            "S205", f"positives are longer in {longer} pairs, shorter in {shorter} (mean gap {mean:+.1f} words)"
        )


def _overlap(one: str, other: str) -> float:
    a, b = _trigrams(one), _trigrams(other)
    return len(a & b) / len(a | b) if a | b else 1.0


def _trigrams(text: str) -> set[tuple[str, ...]]:
    words = _words(text)
    return {tuple(words[i : i + 3]) for i in range(max(len(words) - 2, 1))}


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _error(code: str, message: str) -> Finding:
    return Finding(code=code, severity="error", message=message)


def _warn(code: str, message: str) -> Finding:
    return Finding(code=code, severity="warning", message=message)
