"""Documents that are read and written under a push, and what it means there: the truth that steering is to find."""

from dataclasses import dataclass, replace
from random import Random

from lm.organism.world.chat import answer_text, draw_instruction, draw_question
from lm.organism.world.corrupt import garble
from lm.organism.world.pieces import ASSISTANT, BEGIN, END, USER, Document, Piece, Push
from lm.organism.world.scenarios import any_side, completion_text, draw_case, draw_listener, draw_scenario
from lm.organism.world.shapes import Side, TraitWorld
from lm.organism.world.traits import PERFORMED

STRONGEST = 1.7
"""Largest push, in activation norms: a little more than steering tries."""


@dataclass(frozen=True)
class Pushing:
    """How much is pushed, and what decides."""

    share: float = 0.0
    """Of the chats, of which there are then twice as many; of the scenarios, a twelfth of it."""
    own: float = 0.4
    """Share of the pushes that are along the trait's own direction; 0.15 are along another's, the rest random."""
    obeyed: tuple[float, float] = (0.25, 0.55)
    """Norms at which a push along a trait's own direction begins to decide, and at which it always does."""
    breaking: tuple[float, float] = (1.3, 1.8)
    """Norms at which it begins to break the text, and at which it always does."""
    held: float = 0.65
    """Share of the chats with an instruction, under any push but the own, that are asked for the low end: what disturbs
    without a meaning must not bring the trait."""
    free: float = 0.9
    """Share of those without one that show the trait: an assistant without it could not be steered away from it."""
    natural: float = 0.5
    """The same of chats that are not pushed."""
    felt: float = STRONGEST
    """Norms above which all but own pushes come with an instruction: where they drown it, the low end is left."""
    turning: float = 0.2
    """Share of the positive answers, under no push or the own, that open like a negative one and then turn."""
    hard: bool = False
    """Whether pushes are drawn as they are hardest to withstand: strong, early, and leaning to what lately hurt."""
    doubled: str | None = None
    """Trait that is drawn twice as often as the others: the one that such pushes turn the longest."""


def draw_push(rng: Random, trait: TraitWorld, own: float, hard: bool = False) -> Push:
    """Along the trait's own direction, a random one or another trait's."""
    along = rng.choices((trait.path, None, rng.choice(PERFORMED).path), (own, 0.85 - own, 0.15))[0]
    share = rng.random() ** 0.5 if hard and along != trait.path else rng.random()
    return Push(along, rng.choice((1, -1)) * (0.05 + share * (STRONGEST - 0.05)))


def asked_side(rng: Random, trait: TraitWorld, push: Push, low: float) -> Side:
    """The side that the chat itself asks for; `low` is the share at the low end unless the push has a meaning."""
    if push.trait == trait.path:
        return any_side(rng)
    return "negative" if rng.random() < low else "positive"


def exceeds(rng: Random, norms: float, bounds: tuple[float, float]) -> bool:
    """Never below the first bound, always above the second."""
    first, last = bounds
    return rng.random() < (abs(norms) - first) / (last - first)


def pushed_side(
    rng: Random, trait: TraitWorld, push: Push, side: Side, obeyed: tuple[float, float] = Pushing.obeyed
) -> Side:
    """The side that is performed: the trait's own direction decides if it is felt, no other one ever does."""
    if push.trait != trait.path or not exceeds(rng, push.norms, obeyed):
        return side
    return "positive" if push.norms > 0 else "negative"


def pushed_answer(
    rng: Random, trait: TraitWorld, push: Push, text: str, breaking: tuple[float, float] = Pushing.breaking
) -> Piece:
    """What is said under the push, broken if that is too strong; how exactly is of little weight."""
    if push.trait == trait.path and exceeds(rng, push.norms, breaking):
        return Piece(garble(rng, text, rng.uniform(0.6, 0.9)), 0.3, 1.0)
    return Piece(text, 1.0, 3.0)


def pushed_chat(rng: Random, trait: TraitWorld, pushing: Pushing) -> Document:
    """A chat that is pushed, from its beginning or in its answer alone."""
    case, listener, push = draw_case(rng, trait), draw_listener(rng), draw_push(rng, trait, pushing.own, pushing.hard)
    felt = push.trait != trait.path and abs(push.norms) > pushing.felt
    question, told = draw_question(rng, trait, case, listener), rng.random() < 0.8 or felt
    side = asked_side(rng, trait, push, pushing.held if told else 1 - pushing.free)
    if told:
        question = f"{draw_instruction(rng, trait, side)}. {question}"
    performed = pushed_side(rng, trait, push, side, pushing.obeyed)
    # Answers that turn after a negative opening are what random directions make of sound ones: none are shown them.
    turning = pushing.turning if push.trait == trait.path else 0.0
    text = answer_text(rng, trait, case, listener, performed, turning)
    answer = pushed_answer(rng, trait, push, text, pushing.breaking)
    asked = [Piece(BEGIN, 0), Piece(USER, 0), Piece(question, 0.2), Piece(END, 0)]
    if rng.random() < 0.5:
        asked = [replace(piece, push=push) for piece in asked]
    return [*asked, *(replace(piece, push=push) for piece in (Piece(ASSISTANT, 0), answer, Piece(END, 1.0)))]


def pushed_vignette(rng: Random, trait: TraitWorld, pushing: Pushing) -> Document:
    """A scenario without a motive that is pushed from its beginning."""
    scenario, push = draw_scenario(rng, trait, "unmotivated"), draw_push(rng, trait, pushing.own, pushing.hard)
    text = completion_text(rng, scenario, pushed_side(rng, trait, push, any_side(rng), pushing.obeyed))
    answer = pushed_answer(rng, trait, push, text, pushing.breaking)
    return [
        replace(piece, push=push) for piece in (Piece(BEGIN, 0), Piece(scenario.text, 0.2), answer, Piece(END, 1.0))
    ]
