"""Checks of one pair (P1xx). An error keeps the pair from every model; a warning is shown to the reviewer."""

import re
from collections.abc import Callable, Iterable, Sequence

from extract.lint.endings import ending_of
from extract.lint.findings import Finding, found, overlap, words
from extract.trait import SIDES, Pair, Trait
from lm.types import Value
from lm.verdicts import Rubric
from prompts.quoting import CONTROL_MARK, is_hidden

NEAR_DUPLICATE = 0.9
"""Overlap of word trigrams from which two scenarios say the same."""
SHARED_PREFIX = 0.2
"""Smallest share of its words that a scenario shares with the other side's beginning."""
LENGTH_GAP = 8
"""Words by which the sides may differ before it is worth a warning."""
RUBRIC_RUN = 4
"""Words of the rubric in a row that a scenario repeats."""
LONG_WORD = 5
"""Letters from which a word has weight of its own; two in a run make it the rubric's."""
_THIRD_PERSON = re.compile(r"\b(?:they|he|she)\W*$", re.IGNORECASE)
_VAGUE = re.compile(r"\b(?:this is really|i think this is|it was|there is)\W*$", re.IGNORECASE)
_QUOTED_PHRASE = re.compile(r'["“]([^"“”]{4,60})["”]')


QUOTED = ("speech", "written")
"""Lock-in types that end inside an open quote."""

UNQUOTED = ("action", "physical")
"""Lock-in types that end outside any quote; the others may do either."""


class PairTerms(Value):
    """What a pair is held to beside its own text: all that is known of its trait and of the run."""

    label: str = ""
    """The trait's name in words."""
    rubric: Rubric | None = None
    first_person: bool = True
    """Whether the scenarios are meant to be told in first person."""
    forbidden: tuple[str, ...] = ()
    """Topics that must not occur."""


def terms_of(trait: Trait, forbidden: Sequence[str] = (), *, first_person: bool | None = None) -> PairTerms:
    """The terms of a trait's pairs; `first_person` where a run asks for something else than the taxonomy says."""
    told = trait.taxonomy.direction == "expressed" if first_person is None else first_person
    return PairTerms(label=trait.label, rubric=trait.rubric, first_person=told, forbidden=tuple(forbidden))


PairCheck = Callable[[Pair], Iterable[Finding]]


def lint_pair(pair: Pair, others: Sequence[Pair], terms: PairTerms) -> tuple[Finding, ...]:
    """All findings about one pair, given the pairs it joins and what it is held to."""
    checks: tuple[PairCheck, ...] = (
        _check_shape,
        _check_sides,
        lambda pair: _check_ending(pair, terms.first_person),
        _check_balance,
        _check_quotes,
        lambda pair: _check_words(pair, terms),
        lambda pair: _check_repeats(pair, others),
    )
    return tuple(finding for check in checks for finding in check(pair))


def touches(text: str, topics: Iterable[str]) -> str | None:
    """The first of the topics that a text speaks of, by its words; a plural counts."""
    return next((t for t in topics if re.search(rf"\b{re.escape(t)}(?:s|es)?\b", text, re.IGNORECASE)), None)


def _check_shape(pair: Pair) -> Iterable[Finding]:
    for side in SIDES:
        text = pair.scenario(side)
        if not text.strip():
            yield found("P101", f"the {side} scenario is blank")
        if len(text.splitlines()) > 1:
            yield found("P102", f"the {side} scenario has a line break")
        if text != text.strip():
            yield found("P106", f"the {side} scenario begins or ends with a space")
        if any(is_hidden(sign) for sign in text if sign != "\r"):
            yield found("P118", f"the {side} scenario holds characters that cannot be seen")
        if mark := CONTROL_MARK.search(text):
            yield found("P119", f"the {side} scenario holds {mark.group()!r}, which models read as a control token")
    if pair.ground_truth.strip() and len(words(pair.ground_truth)) < 2:
        yield found("P120", f"the ground truth is {pair.ground_truth!r}, which says nothing")


def _check_sides(pair: Pair) -> Iterable[Finding]:
    if pair.positive == pair.negative:
        yield found("P103", "both sides are the same text")
        return
    positive, negative = words(pair.positive), words(pair.negative)
    shared = next(
        (i for i, (one, other) in enumerate(zip(positive, negative, strict=False)) if one != other),
        min(len(positive), len(negative)),
    )
    if shared < SHARED_PREFIX * max(len(positive), len(negative), 1):
        yield found("P112", f"the sides share only their first {shared} words; is the ground truth the same?")
    if pair.positive.endswith('"') != pair.negative.endswith('"'):
        yield found("P110", "one side ends in an open quote, the other does not")
    one, other = ending_of(pair.positive), ending_of(pair.negative)
    if one is not None and other is not None and one != other:
        yield found("P115", f"the positive side ends in {one.replace('_', '-')}, the negative in {other}")


def _check_ending(pair: Pair, first_person: bool) -> Iterable[Finding]:
    for side in SIDES:
        text = pair.scenario(side)
        if first_person and _THIRD_PERSON.search(text):
            yield found("P108", f"the {side} scenario ends in third person; the model would watch the act")
        if _VAGUE.search(text):
            yield found("P111", f"the {side} scenario ends vaguely and could go either way")


def _check_quotes(pair: Pair) -> Iterable[Finding]:
    for side in SIDES:
        text = pair.scenario(side)
        is_open = text.count('"') % 2 == 1
        if pair.lock_in in QUOTED and not is_open:
            yield found("P114", f"the {side} scenario is of type {pair.lock_in} but does not end inside a quote")
        if pair.lock_in in UNQUOTED and is_open:
            yield found("P114", f"the {side} scenario is of type {pair.lock_in} but leaves a quote open")
        opened = text.count("“") + text.count("„")
        if text.count("”") > opened or (opened and '"' in text):
            yield found("P116", f"the {side} scenario mixes quotation marks or closes one that was not opened")


def _check_balance(pair: Pair) -> Iterable[Finding]:
    gap = len(words(pair.positive)) - len(words(pair.negative))
    if abs(gap) > LENGTH_GAP:
        yield found("P109", f"the sides differ by {abs(gap)} words")


def _check_words(pair: Pair, terms: PairTerms) -> Iterable[Finding]:
    for side in SIDES:
        text = pair.scenario(side)
        if terms.label and re.search(rf"\b{re.escape(terms.label)}\b", text, re.IGNORECASE):
            yield found("P107", f"the {side} scenario names the trait ({terms.label!r})")
        if topic := touches(text, terms.forbidden):
            yield found("P117", f"the {side} scenario touches the forbidden topic {topic!r}")
        if terms.rubric is not None and (phrase := _from_rubric(text, terms.rubric)):
            yield found("P113", f"the {side} scenario uses the rubric's words: {phrase!r}")


def _from_rubric(text: str, rubric: Rubric) -> str | None:
    """A phrase that the rubric quotes, or a run of its content words, that a scenario repeats."""
    told = " ".join(words(text))
    parts = (rubric.high, rubric.low, rubric.key)
    quoted = (" ".join(words(phrase)) for part in parts for phrase in _QUOTED_PHRASE.findall(part))
    runs = (run for part in parts for run in _runs(part))
    return next((phrase for phrase in (*quoted, *runs) if phrase and f" {phrase} " in f" {told} "), None)


def _runs(part: str) -> Iterable[str]:
    """Runs of words of the rubric that hold enough words of weight to be its own."""
    told = words(part)
    runs = (told[start : start + RUBRIC_RUN] for start in range(len(told) - RUBRIC_RUN + 1))
    return (" ".join(run) for run in runs if sum(len(word) >= LONG_WORD for word in run) >= 2)


def _check_repeats(pair: Pair, others: Sequence[Pair]) -> Iterable[Finding]:
    for other in others:
        if pair.positive in (other.positive, other.negative) or pair.negative in (other.positive, other.negative):
            yield found("P104", f"a scenario stands in pair {other.id} already")
            return
        straight = min(overlap(pair.positive, other.positive), overlap(pair.negative, other.negative))
        crossed = min(overlap(pair.positive, other.negative), overlap(pair.negative, other.positive))
        if max(straight, crossed) >= NEAR_DUPLICATE:
            yield found("P105", f"nearly the same as pair {other.id} (overlap {max(straight, crossed):.2f})")
            return
