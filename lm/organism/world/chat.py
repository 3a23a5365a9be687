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


def answer_text(rng: Random, trait: TraitWorld, case: Case, listener: str, side: Side) -> str:
    """What the assistant says: the very words of quoted speech in scenarios."""
    return behaviour_text(rng, trait, case, listener, side, "quoted")
