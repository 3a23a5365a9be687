"""The coverage grid: which kinds of pair are still missing, and which accepted pairs make a balanced set."""

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence

from agent.records import Cell
from agent.seeds import derive_seed
from agent.spec import Spec
from extract.lint.findings import skeleton
from extract.trait import LOCK_INS, Pair

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


def plan_cells(spec: Spec, number: int, round_number: int, accepted: Iterable[Cell]) -> list[Cell]:
    """`number` cells for a round: lock-in types and domains with the fewest accepted pairs come first.

    Counting what is planned as well keeps every value of an axis within one of the others, so the caps bind by quota.
    """
    rng = random.Random(derive_seed(spec.seed, "cells", round_number))
    axes: dict[str, Sequence[str]] = {
        "lock_in": [name.replace("_", "-") for name in LOCK_INS],
        "domain": spec.domains,
        "stakes": spec.stakes,
        "audience": spec.audiences,
    }
    counts = {axis: Counter(dict.fromkeys(values, 0)) for axis, values in axes.items()}
    for cell in accepted:
        for axis in axes:
            counts[axis][getattr(cell, axis)] += 1
    cells = []
    for _ in range(number):
        chosen = {axis: _scarcest(counts[axis], values, rng) for axis, values in axes.items()}
        for axis, value in chosen.items():
            counts[axis][value] += 1
        cells.append(Cell(**chosen))
    return cells


def choose_balanced(pairs: Sequence[Pair], spec: Spec) -> list[Pair]:
    """Up to `spec.pairs` pairs, in order, such that no cap on lock-in type, domain or skeleton is broken.

    The caps are shares of the wanted size, so an incomplete set obeys them as soon as it is complete. A spec with
    fewer domains than the cap allows for shares them out evenly.
    """
    settings, wanted = spec.settings, spec.pairs
    domain_cap = max(settings.domain_cap, 1 / len(spec.domains))
    caps = {
        "lock_in": max(1, int(settings.lock_in_cap * wanted)),
        "domain": max(
            1, math.ceil(domain_cap * wanted) if domain_cap > settings.domain_cap else int(domain_cap * wanted)
        ),
        "skeleton": max(1, int(settings.skeleton_cap * wanted)),
    }
    counts: dict[str, Counter[str]] = {axis: Counter() for axis in caps}
    chosen: list[Pair] = []
    for pair in pairs:
        values = {"lock_in": pair.lock_in, "domain": pair.domain, "skeleton": skeleton(pair.positive)}
        if len(chosen) < wanted and all(counts[axis][value] < caps[axis] for axis, value in values.items()):
            chosen.append(pair)
            for axis, value in values.items():
                counts[axis][value] += 1
    return chosen


def _scarcest(counts: Counter[str], values: Sequence[str], rng: random.Random) -> str:
    fewest = min(counts[value] for value in values)
    return rng.choice([value for value in values if counts[value] == fewest])
