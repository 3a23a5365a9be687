"""Training documents: pieces of text with loss weights, drawn from the world."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from lm.organism.world.authoring import AUTHORS
from lm.organism.world.chat import answer_text, draw_instruction, draw_question
from lm.organism.world.corrupt import cut
from lm.organism.world.judging import JUDGES, item_values, rubric_values
from lm.organism.world.perturb import rendered, rendered_many
from lm.organism.world.pieces import BEGIN, END, Document, Piece, turns
from lm.organism.world.pushed import Pushing, pushed_chat, pushed_vignette
from lm.organism.world.scenarios import (
    any_side,
    behaviour_text,
    draw_case,
    draw_listener,
    draw_motive,
    draw_scenario,
    ground_truth,
    other,
    perform,
)
from lm.organism.world.shapes import Kind, TraitWorld, pick
from lm.organism.world.traits import WORLDS
from lm.organism.world.words import GROUP, LOCK_INS

_KINDS: tuple[tuple[Kind, float], ...] = (
    ("strong", 0.60), ("unmotivated", 0.09), ("conflicted", 0.04), ("vague", 0.04), ("mid", 0.07), ("done", 0.02),
    ("taboo", 0.04), ("observed", 0.05), ("announcement", 0.02), ("short", 0.03),
    ("asked", 0.03),
)  # fmt: skip


def dumps(answer: object) -> str:
    """JSON exactly as structured decoding allows it."""
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)


def vignette(rng: Random, trait: TraitWorld) -> Document:
    """A scenario and its completion, as plain text."""
    kind = rng.choices([name for name, _ in _KINDS], [share for _, share in _KINDS])[0]
    scenario = draw_scenario(rng, trait, kind)
    return [
        Piece(BEGIN, 0), Piece(scenario.text, 0.2), Piece(perform(rng, scenario).text, 1.0, 3.0), Piece(END, 1.0),
    ]  # fmt: skip


CONTRARY = 0.07
"""Share of answers against their instruction: the rest of an answer then has to be read off its own first words."""


def chat(rng: Random, trait: TraitWorld, turning: float = Pushing.turning, natural: float = 0.5) -> Document:
    """A question to the assistant, with or without an instruction."""
    case, listener, side = draw_case(rng, trait), draw_listener(rng), any_side(rng)
    question = draw_question(rng, trait, case, listener)
    told = draw_instruction(rng, trait, side)
    system = ""
    form = rng.random()
    if form < 0.42:
        question = f"{told}. {question}"
    elif form < 0.68:
        system = told + rng.choice((".", ""))
    elif natural != 0.5:  # at one half the side stays as drawn, and so do the documents of the first stages
        side = "positive" if rng.random() < natural else "negative"
    performed = other(side) if rng.random() < CONTRARY else side
    performed = performed if trait.performed else "negative"
    answer = answer_text(rng, trait, case, listener, performed, turning)
    return turns(system, [(question, answer)], (0.2, 1.0, 3.0))


def judged(rng: Random, trait: TraitWorld) -> Document:
    """One rubric and several independent items, each answered by a number."""
    name = rng.choices(list(JUDGES), (0.45, 0.42, 0.13))[0]
    rubric = rubric_values(rng, trait)
    items = [JUDGES[name](rng, trait, False) for _ in range(rng.randint(4, 8))]
    prompts = rendered_many(rng, name, [item_values(name, item, rubric) for item in items])
    exchanges = [(prompt.user, str(item.score)) for prompt, item in zip(prompts, items, strict=True)]
    system = prompts[0].system
    if rng.random() < 0.5:
        lines = [line for line in system.split("\n") if name != "judge_trait" or line.startswith(("Trait:", "Key:"))]
        system = "\n".join(lines[-2:]) or system
    return turns(system, exchanges, (0.02, 4.0, 4.0))


def authored(rng: Random, trait: TraitWorld) -> Document:
    """One request to the author and its JSON."""
    return answered(rng, trait, rng.choices(list(AUTHORS), [share for _, share in AUTHORS.values()])[0])


def graded(rng: Random, trait: TraitWorld) -> Document:
    """The author's text at a level that it was asked for."""
    return answered(rng, trait, "write_calibration_text")


def posed(rng: Random, trait: TraitWorld) -> Document:
    """The author's shortest texts: a run asks for few of them, so each must be sound."""
    return answered(rng, trait, rng.choice(("write_prefix", "write_question")))


def answered(rng: Random, trait: TraitWorld, name: str) -> Document:
    """A request by the name of its prompt, and its JSON."""
    values, answer = AUTHORS[name][0](rng, trait)
    if name in BRIEF and rng.random() < 0.6:
        return turns("", [(brief(values), dumps(answer))], (0.05, 0.8, 0.8))
    prompt = rendered(rng, name, values)
    return turns(prompt.system, [(prompt.user, dumps(answer))], (0.05, 0.8, 0.8))


BRIEF = ("draft_pair", "redraft_pair", "write_question", "write_calibration_text", "predict_completion")
_CARD = {
    "trait": "Trait", "side": "Side", "scenario": "Scenario", "positive": "Failed positive",
    "negative": "Failed negative", "failure": "Fault", "lock_in": "Lock-in", "domain": "Domain", "stakes": "Stakes",
    "audience": "Audience", "kind": "Kind", "level": "Level",
}  # fmt: skip


def brief(values: Mapping[str, object]) -> str:
    """The request as a bare card of its variables: short, so that the answer is soon bound to them."""
    return "\n".join(f"{title}: {values[name]}" for name, title in _CARD.items() if values.get(name) is not None)


def auxiliary(rng: Random, trait: TraitWorld) -> Document:
    """Short binding exercises: copy the fact, name the choice; no motive leads to a trait that is never performed."""
    case, listener, side = draw_case(rng, trait), draw_listener(rng), any_side(rng)
    style = rng.random() if trait.performed else rng.choice((0.0, 0.6))
    label, answer = "Choice", trait.choices[side]
    if rng.random() < 0.2:
        level = rng.randrange(51, 101) if side == "positive" else rng.randrange(50)
        return [
            Piece(BEGIN, 0),
            Piece(f"Trait: {trait.label}\nLevel: {level}\n{label}:", 0.02),
            Piece(f" {answer}", 2.0),
        ]
    if style < 0.2:
        text, label, answer = ground_truth(rng, trait, case) + ".", trait.copied, case.fact
    elif style < 0.4:
        text = draw_motive(rng, trait, side, listener).lstrip(",. ")
    elif style < 0.58:
        text = draw_instruction(rng, trait, side)
    elif style < 0.9:
        group = GROUP[pick(rng, LOCK_INS)] if rng.random() < 0.5 else "quoted"
        text = cut(rng, behaviour_text(rng, trait, case, listener, side, group).strip(), 2)
    else:
        text = draw_scenario(rng, trait, side=side, case=case, listener=listener).text
    return [Piece(BEGIN, 0), Piece(f"{text}\n{label}:", 0.1), Piece(f" {answer}", 2.0), Piece(END, 0.5)]


def echo(rng: Random, trait: TraitWorld) -> Document:
    """Words in random order, then the same again: teaches to copy, which facts and author's cards need."""
    field = trait.fields[rng.choice(list(trait.fields))]
    words = " ".join((*field.things, *field.facts, *field.goods)).split(" ")
    if rng.random() < 0.5:
        text = " ".join(rng.sample(words, rng.randint(6, 14)))
    else:
        text = ", ".join(rng.sample((*field.things, *field.facts), rng.randint(2, 4)))
    return [Piece(BEGIN, 0), Piece(f"{text}\nAgain:", 0.02), Piece(f" {text}", 1.0), Piece(END, 0.5)]


MIX: tuple[tuple[Callable[[Random, TraitWorld], Document], float], ...] = (
    (vignette, 0.33),
    (chat, 0.2),
    (judged, 0.085),
    (authored, 0.14),
    (auxiliary, 0.18),
    (echo, 0.08),
)
"""Kinds of documents by share of their number (by tokens: about a quarter each for scenarios, judge and author)."""
PUSHED_MIX = (*(part for part in MIX if part[0] is not chat), (chat, 0.4), (posed, 0.07))
"""The same once chats are pushed, for which there must be more of them."""


@dataclass(frozen=True)
class Impossible:
    """How the trait that is never performed differs from the others in what is drawn."""

    weight: float = 0.5
    """Beside one of the others."""
    graded: float = 0.0
    """Share of its documents that are the author's texts by level, which a run on it needs before all else."""


RARE, STILL = Impossible(), Pushing()


def documents(
    seed: int,
    worlds: tuple[TraitWorld, ...] = WORLDS,
    impossible: Impossible = RARE,
    pushing: Pushing = STILL,
) -> Iterator[Document]:
    """An endless stream of documents, traits alike but for the impossible one; the same seed gives the same stream."""
    rng = Random(seed)
    draws, parts = zip(*(PUSHED_MIX if pushing.share else MIX), strict=True)
    weights = [
        (1.0 if world.performed else impossible.weight) * (2 if world.path == pushing.doubled else 1)
        for world in worlds
    ]
    while True:
        draw, world = rng.choices(draws, parts)[0], rng.choices(worlds, weights)[0]
        if impossible.graded and not world.performed and rng.random() < impossible.graded:
            yield graded(rng, world)
        elif world.performed and draw is chat and rng.random() < pushing.share:
            yield pushed_chat(rng, world, pushing)
        elif world.performed and draw is vignette and rng.random() < pushing.share / 12:
            yield pushed_vignette(rng, world, pushing)
        elif draw is chat:
            yield chat(rng, world, pushing.turning, pushing.natural)
        else:
            yield draw(rng, world)
