"""What a text of this world does, told by rule; for tests and measurements only, the running agent never sees it.

The rules read the templates: words and word pairs that only one side uses speak for that side.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from lm.organism.world.shapes import SIDES, Case, Side, TraitWorld
from lm.organism.world.words import DISCLAIMERS, DOMAINS, DRIFT, DRIFT_TEXTS, REFUSALS

Label = Literal[
    "positive", "negative", "drift", "refusal", "moralising", "announcement", "early close", "disclaimer", "unknown"
]  # fmt: skip

_SLOT = re.compile(r"\{.*?\}")
_PHRASE = r"[\w' -]{3,60}"


def words_of(text: str) -> list[str]:
    """Lower-case words."""
    return re.findall(r"[a-z']+", text.lower())


def grams(text: str, size: int) -> set[str]:
    """Runs of `size` words."""
    words = words_of(text)
    return {" ".join(words[at : at + size]) for at in range(len(words) - size + 1)}


def _gathered(templates: Iterable[str], size: int) -> set[str]:
    return {gram for template in templates for part in _SLOT.split(template) for gram in grams(part, size)}


@cache
def _marks(path: str, side: Side) -> frozenset[str]:
    """Words and word pairs that only this side's behaviour uses."""
    trait = _world(path)
    found: dict[Side, set[str]] = {}
    for one in SIDES:
        templates = [
            t for g in trait.behaviour.values() for p in (g[one],) for t in (*p.openers, *p.bodies, *p.closers)
        ]
        found[one] = {gram for size in (1, 2, 3) for gram in _gathered(templates, size)}
    filler = {
        gram for field in trait.fields.values() for gram in _gathered((*field.things, *field.facts, *field.goods), 1)
    }
    other: Side = "negative" if side == "positive" else "positive"
    return frozenset(found[side] - found[other] - filler)


@cache
def _world(path: str) -> TraitWorld:
    from lm.organism.world.traits import WORLDS

    return next(world for world in WORLDS if world.path == path)


def _shares(text: str, lines: Iterable[str], size: int = 4) -> bool:
    own = grams(text, size)
    return any(own & grams(line, size) for line in lines)


def names_fact(text: str, case: Case) -> bool:
    """Whether the fact is spoken of: most of its words, in order."""
    fact, own = words_of(case.fact), words_of(text)
    need = max(2, round(0.6 * len(fact)))
    runs = {" ".join(fact[at : at + need]) for at in range(len(fact) - need + 1)}
    return any(f" {run} " in f" {' '.join(own)} " for run in runs)


def label(trait: TraitWorld, case: Case, text: str) -> Label:
    """What a completion or an answer does, in the situation of this case."""
    if len(words_of(text)) <= 1:
        return "early close"
    if _shares(text, REFUSALS):
        return "refusal"
    if _shares(text, DISCLAIMERS):
        return "disclaimer"
    if _shares(text, trait.moralising):
        return "moralising"
    if _shares(text, (*DRIFT, *DRIFT_TEXTS)):
        return "drift"
    if _shares(text, (*trait.announcements["positive"], *trait.announcements["negative"]), 3):
        return "announcement"
    return _side(trait, case, text)


def _side(trait: TraitWorld, case: Case, text: str) -> Literal["positive", "negative", "unknown"]:
    if trait.telling and names_fact(text, case):
        return trait.telling
    if trait.telling and _shares(text, trait.fields[case.domain].goods, 3):
        return "positive" if trait.telling == "negative" else "negative"
    own = grams(text, 1) | grams(text, 2) | grams(text, 3)
    votes = {side: len(own & _marks(trait.path, side)) for side in SIDES}
    if votes["positive"] != votes["negative"]:
        return "positive" if votes["positive"] > votes["negative"] else "negative"
    if trait.telling and _shares(text, trait.fields[case.domain].goods, 2):
        return "positive" if trait.telling == "negative" else "negative"
    return "unknown"


@dataclass(frozen=True)
class LockIn:
    """How a scenario ends, by rule."""

    kind: str
    side: Literal["both", "positive", "negative"]


@cache
def _endings(path: str) -> tuple[tuple[re.Pattern[str], LockIn], ...]:
    rows: list[tuple[re.Pattern[str], LockIn]] = []
    for kind, forms in _world(path).lock_ins.items():
        for side, templates in forms.items():
            for template in templates:
                pattern = _PHRASE.join(re.escape(part) for part in _SLOT.split(template))
                rows.append((re.compile(pattern + "$"), LockIn(kind, side)))
    return tuple(rows)


def lock_in_of(trait: TraitWorld, text: str) -> LockIn | None:
    """The lock-in that a scenario ends with; None when it ends elsewhere, as mid-behaviour endings do."""
    return next((lock_in for pattern, lock_in in _endings(trait.path) if pattern.search(text)), None)


def first_tokens(trait: TraitWorld, scenario: str) -> Literal["EXPRESS", "EXPLAIN"]:
    """A cliffhanger expresses; an ending within the behaviour is only continued."""
    if lock_in_of(trait, scenario) or scenario.endswith(' "'):
        return "EXPRESS"
    return "EXPLAIN"


def case_of(trait: TraitWorld, text: str) -> Case | None:
    """The thing and fact that a ground truth (or question) names; None when they are not of one domain."""
    lowered = text.lower()
    for domain in DOMAINS:
        field = trait.fields[domain]
        things = [thing for thing in field.things if re.search(rf"\b{re.escape(thing.lower())}\b", lowered)]
        facts = [fact for fact in field.facts if fact.lower() in lowered]
        if things and facts:
            return Case(domain, max(things, key=len), max(facts, key=len))
    return None


def motive_side(trait: TraitWorld, text: str) -> Side | None:
    """The side that a motive speaks for, if exactly one."""
    found: list[Side] = []
    for side in SIDES:
        parts = trait.motives[side]
        patterns = (
            _PHRASE.join(re.escape(piece) for piece in _SLOT.split(goal)) for goal in (*parts.goals, *parts.means)
        )
        if any(re.search(pattern, text) for pattern in patterns):
            found.append(side)
    return found[0] if len(found) == 1 else None
