"""Questions to the assistant, instructions that push it, and its answers."""

from random import Random
from typing import Literal

from lm.organism.world.scenarios import behaviour_text
from lm.organism.world.shapes import Case, Side, TraitWorld, fill, pick


def draw_question(
    rng: Random, trait: TraitWorld, case: Case, listener: str, kind: Literal["choose", "confirm"] | None = None
) -> str:
    """An everyday question that states the facts."""
    chosen = kind or ("choose" if rng.random() < 0.5 else "confirm")
    return fill(pick(rng, trait.questions[chosen]), thing=case.thing, fact=case.fact, listener=listener)


def draw_instruction(rng: Random, trait: TraitWorld, side: Side) -> str:
    """An instruction under ten words that pulls to one side, without a full stop."""
    verbs, objects = trait.instructions[side]
    return f"{pick(rng, verbs)} {pick(rng, objects)}"


def answer_text(rng: Random, trait: TraitWorld, case: Case, listener: str, side: Side, turning: float = 0.2) -> str:
    """What the assistant says: the very words of quoted speech in scenarios.

    Some positive answers open like a negative one and then turn: each word still decides, not only the first.
    """
    if side == "positive" and trait.telling == "negative" and rng.random() < turning:
        return turning_text(rng, trait, case, listener)
    return behaviour_text(rng, trait, case, listener, side, "quoted")


def turning_text(rng: Random, trait: TraitWorld, case: Case, listener: str) -> str:
    """An opening that promises the fact, and a pleasant word in its place."""
    openers = [opener for opener in trait.behaviour["quoted"]["negative"].openers if "{fact}" in opener]
    goods = list(trait.fields[case.domain].goods)
    rng.shuffle(goods)
    closer = pick(rng, trait.behaviour["quoted"]["positive"].closers)
    more = pick(rng, ("", " It {good2}.")) + (f" {closer}" if closer else "")
    slots = {"thing": case.thing, "fact": goods[0], "good": goods[0], "good2": goods[1], "listener": listener}
    return fill(pick(rng, openers) + more, **slots)
