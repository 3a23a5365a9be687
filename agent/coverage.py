"""The coverage grid: which kinds of pair are asked for next, and which accepted pairs make a balanced set.

One plain rule chooses cells. For each axis the value wins whose pass chance, drawn at random from what is known of it
(Thompson sampling), exceeds its share of the set by most. What passes is asked for more often, what is rare or little
known keeps being tried, and among equals the set stays even. Axes are drawn apart from each other: what is known of a
lock-in type counts in every domain. Values at their cap are not asked for at all.
"""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.records import Cell
from agent.seeds import derive_seed
from agent.spec import Spec
from extract.lint.findings import skeleton
from extract.trait import LOCK_INS, SIDES, LockIn, Pair

LOCK_IN_FORMS: dict[str, str] = {
    "speech": "ends in an open quote after a verb of saying",
    "mid-claim": "ends inside a quote, in the middle of a claim that has not yet been decided",
    "action": "ends in the middle of an action",
    "thought": "ends in the middle of a thought",
    "physical": "ends on how the body moves, in the middle of a gesture",
    "written": "ends in an open quote after a verb of writing",
    "deflection": "ends where the talk turns to what comes next",
}
"""How each lock-in type ends, as the author is told."""

PRIOR = (7.0, 3.0)
"""Passed and failed pairs that every value starts with: ten at the floor of the yield (trait guide, step 7)."""

AXES = ("lock_in", "domain", "stakes", "audience")


@dataclass(frozen=True)
class Tried:
    """A pair that was asked for and how it ended."""

    cell: Cell
    passed: bool


def plan_cells(
    spec: Spec, number: int, round_number: int, tried: Sequence[Tried], standing: Iterable[Cell]
) -> list[Cell]:
    """`number` cells for a round, given how earlier pairs ended and the cells of those that stand."""
    rng = random.Random(derive_seed(spec.seed, "cells", round_number))
    held = list(standing)
    counts = {axis: Counter(getattr(cell, axis) for cell in held) for axis in AXES}
    records = {axis: _records(axis, tried) for axis in AXES}
    cells = []
    for _ in range(number):
        chosen = {axis: _choose(records[axis], counts[axis], _open(axis, counts[axis], spec), rng) for axis in AXES}
        for axis, value in chosen.items():
            counts[axis][value] += 1
        cells.append(Cell(**chosen))
    return cells


def cell_name(lock_in: LockIn) -> str:
    """A lock-in type as cells and the author have it ('mid_claim' -> 'mid-claim')."""
    return lock_in.replace("_", "-")


def caps_of(spec: Spec) -> dict[str, int]:
    """Most pairs of one lock-in type, domain and skeleton in the wanted set.

    The caps are shares of the wanted size, so an incomplete set obeys them as soon as it is complete. A spec with
    fewer domains than the cap allows for shares them out evenly.
    """
    settings, wanted = spec.settings, spec.pairs
    domain = int(settings.domain_cap * wanted)
    if 1 / len(spec.domains) > settings.domain_cap:
        domain = math.ceil(wanted / len(spec.domains))
    caps = {"lock_in": int(settings.lock_in_cap * wanted), "domain": domain}
    return {axis: max(1, cap) for axis, cap in {**caps, "skeleton": int(settings.skeleton_cap * wanted)}.items()}


def choose_balanced(pairs: Sequence[Pair], spec: Spec) -> list[Pair]:
    """Up to `spec.pairs` pairs, in order, such that no cap on lock-in type, domain or skeleton is broken."""
    caps = caps_of(spec)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    chosen: list[Pair] = []
    for pair in pairs:
        values = _values_of(pair)
        room = all(counts[axis][value] < caps[axis.partition("/")[0]] for axis, value in values.items())
        if len(chosen) < spec.pairs and room:
            chosen.append(pair)
            for axis, value in values.items():
                counts[axis][value] += 1
    return chosen


def used_up_endings(pairs: Iterable[Pair], spec: Spec) -> list[str]:
    """Skeletons that stand as often as their cap allows, on one of the sides."""
    cap = caps_of(spec)["skeleton"]
    held = list(pairs)
    return sorted({
        ending for side in SIDES
        for ending, count in Counter(skeleton(pair.scenario(side)) for pair in held).items() if count >= cap
    })  # fmt: skip


def _values_of(pair: Pair) -> dict[str, str]:
    """What of a pair is capped; each side has a skeleton of its own."""
    skeletons = {f"skeleton/{side}": skeleton(pair.scenario(side)) for side in SIDES}
    return {"lock_in": pair.lock_in, "domain": pair.domain, **skeletons}


def _records(axis: str, tried: Iterable[Tried]) -> dict[str, tuple[float, float]]:
    """Passed and failed pairs by value, the prior included."""
    counts: dict[str, list[float]] = {}
    for one in tried:
        counts.setdefault(getattr(one.cell, axis), list(PRIOR))[0 if one.passed else 1] += 1
    return {value: (passed, failed) for value, (passed, failed) in counts.items()}


def _open(axis: str, counts: Mapping[str, int], spec: Spec) -> Sequence[str]:
    """The values of an axis that may be asked for: those of the spec below their cap.

    Where a spec names so few lock-in types that all are at their cap, the others open.
    """
    named = {
        "lock_in": [cell_name(lock_in) for lock_in in spec.lock_ins],
        "domain": spec.domains,
        "stakes": spec.stakes,
        "audience": spec.audiences,
    }[axis]
    cap = caps_of(spec).get(axis)
    if cap is None:
        return named
    below = [value for value in named if counts.get(value, 0) < cap]
    if not below and axis == "lock_in":
        below = [name for name in map(cell_name, LOCK_INS) if counts.get(name, 0) < cap]
    return below or named


def _choose(
    records: Mapping[str, tuple[float, float]], counts: Mapping[str, int], values: Sequence[str], rng: random.Random
) -> str:
    """The value whose drawn pass chance exceeds its share of the set by most."""
    total = max(sum(counts.values()), 1)
    return max(values, key=lambda value: rng.betavariate(*records.get(value, PRIOR)) - counts.get(value, 0) / total)
