"""Scenarios of every kind, and what the subject writes after them."""

import re
from random import Random

from lm.organism.world.shapes import Case, Kind, Parts, Performed, Scenario, Side, TraitWorld, fill, is_held_out, pick
from lm.organism.world.words import (
    ASKED,
    AUDIENCES,
    BENEFITS,
    DISCLAIMERS,
    DOMAINS,
    DRIFT,
    GROUP,
    LISTENERS,
    LOCK_INS,
    NAMES,
    REFUSALS,
    SHORT_ENDS,
    SHORT_LOCK_INS,
    STAKES,
    VAGUE,
    WANTS,
)


def other(side: Side) -> Side:
    """The opposite side."""
    return "negative" if side == "positive" else "positive"


def any_side(rng: Random) -> Side:
    """A side by the toss of a coin."""
    return "positive" if rng.random() < 0.5 else "negative"


def draw_case(rng: Random, trait: TraitWorld, domain: str | None = None, held_out: bool = False) -> Case:
    """A ground truth of the training share (or of the held-out share), of one domain if asked."""
    while True:
        name = domain or pick(rng, DOMAINS)
        field = trait.fields[name]
        case = Case(name, pick(rng, field.things), pick(rng, field.facts))
        if case.held_out == held_out:
            return case


def draw_listener(rng: Random, audience: str | None = None) -> str:
    """Somebody of the audience asked for."""
    return pick(rng, LISTENERS[audience or pick(rng, AUDIENCES)])


def draw_motive(
    rng: Random, trait: TraitWorld, side: Side, listener: str, stakes: str | None = None, held_out: bool = False
) -> str:
    """An explicit motive built from parts; one combination of parts in five is held out from training."""
    parts = trait.motives[side]
    while True:
        joint = pick(rng, parts.joints)
        if rng.random() < 0.75:
            first, second = pick(rng, WANTS[stakes or pick(rng, STAKES)]), pick(rng, parts.goals)
        else:
            first, second = pick(rng, parts.means), pick(rng, BENEFITS)
        if is_held_out(first, second) == held_out:
            return f"{joint} {fill(f'{first} {second}', listener=listener)}"


def draw_lock_in(rng: Random, trait: TraitWorld, kind: str, side: Side, case: Case, listener: str) -> str:
    """A lock-in of the type asked for: one that fits both sides, or one of this side."""
    forms = trait.lock_ins[kind]
    options = forms["both"] if rng.random() < 0.7 else forms[side]
    return fill(pick(rng, options), thing=case.thing, listener=listener)


def ground_truth(rng: Random, trait: TraitWorld, case: Case) -> str:
    """The case in words of the narrator."""
    return fill(pick(rng, trait.grounds), thing=case.thing, fact=case.fact)


def behaviour_text(rng: Random, trait: TraitWorld, case: Case, listener: str, side: Side, group: str) -> str:
    """The behaviour itself, as it is performed after a lock-in of this group."""
    parts = trait.behaviour[group][side]
    goods = list(trait.fields[case.domain].goods)
    rng.shuffle(goods)
    slots = {"thing": case.thing, "fact": case.fact, "listener": listener, "good": goods[0], "good2": goods[1]}
    chosen = (pick(rng, parts.openers), pick(rng, parts.bodies), pick(rng, parts.closers))
    between = " " if group == "quoted" else ""
    return between.join(fill(part, **slots) for part in chosen if part)


def completion_text(rng: Random, scenario: Scenario, side: Side) -> str:
    """The behaviour as a completion of this scenario; quoted speech ends with its closing mark."""
    group = GROUP[scenario.lock_in_type]
    text = behaviour_text(rng, scenario.trait, scenario.case, scenario.listener, side, group)
    return text + '"' if group == "quoted" else text


def draw_scenario(
    rng: Random,
    trait: TraitWorld,
    kind: Kind = "strong",
    *,
    side: Side | None = None,
    lock_in_type: str | None = None,
    case: Case | None = None,
    listener: str | None = None,
    stakes: str | None = None,
    held_out: bool = False,
) -> Scenario:
    """A scenario of one kind; what is not asked for is drawn."""
    if kind in ("mid", "done") and not trait.performed:
        side = "negative"  # what nobody does cannot have begun
    side = side or any_side(rng)
    lock_type = lock_in_type or pick(rng, LOCK_INS)
    case = case or draw_case(rng, trait, held_out=held_out)
    listener = listener or draw_listener(rng)
    if kind == "taboo":
        case = Case(case.domain, trait.taboo, case.fact)
    ground = ground_truth(rng, trait, case)
    motive = draw_motive(rng, trait, side, listener, stakes, held_out)
    lock_in = draw_lock_in(rng, trait, lock_type, side, case, listener)
    base = Scenario(trait, case, listener, ground, motive, lock_in, lock_type, kind, side)
    return _bend(rng, base)


def _bend(rng: Random, base: Scenario) -> Scenario:
    """Turn a strong scenario into one of another kind."""
    trait, side, case = base.trait, base.side, base.case

    def changed(motivation: str, lock_in: str, ground: str = base.ground_truth, rest: str | None = None) -> Scenario:
        return Scenario(
            trait, case, base.listener, ground, motivation, lock_in, base.lock_in_type, base.kind, side, rest
        )

    if base.kind == "unmotivated":
        forms = trait.lock_ins[base.lock_in_type]["both"]
        return changed("", fill(pick(rng, forms), thing=case.thing, listener=base.listener))
    if base.kind == "conflicted":
        against = draw_motive(rng, trait, other(side), base.listener)
        forms = trait.lock_ins[base.lock_in_type]["both"]
        return changed(base.motivation + against, fill(pick(rng, forms), thing=case.thing, listener=base.listener))
    if base.kind == "vague":
        return changed(base.motivation if rng.random() < 0.6 else "", pick(rng, VAGUE))
    if base.kind == "asked":
        return changed("", pick(rng, ASKED))
    if base.kind == "announcement":
        said = pick(rng, trait.announcements[side])
        return changed(base.motivation, ", for I am someone who" if said.startswith("I am") else ", as is my way:")
    if base.kind == "short":
        return changed(base.motivation, pick(rng, SHORT_LOCK_INS))
    if base.kind in ("mid", "done"):
        return _committed(rng, base)
    if base.kind == "observed":
        return _observed(rng, base)
    return base


def _committed(rng: Random, base: Scenario) -> Scenario:
    """The act has begun (mid) or is over (done) before the text breaks off."""
    words = completion_text(rng, base, base.side).split(" ")
    least = 4 if words[0] else 5
    cut = max(least, rng.randrange(len(words) // 2, max(len(words) // 2 + 1, len(words) - 2)))
    cut = min(cut, len(words) - 1)
    if base.kind == "done":
        cut = len(words)
    said, rest = " ".join(words[:cut]), " ".join(words[cut:])
    lock_in, tail = base.lock_in + said, f" {rest}" if rest else " " + pick(rng, ("That was all.", "So it was done."))
    return Scenario(
        base.trait, base.case, base.listener, base.ground_truth, base.motivation, lock_in, base.lock_in_type, base.kind,
        base.side, tail, said,
    )  # fmt: skip


def _observed(rng: Random, base: Scenario) -> Scenario:
    """The same told of somebody else, with guilt stated or not."""
    name = pick(rng, NAMES)
    guilty = rng.random() < 0.5
    motive = pick(
        rng, (f", and {name} felt guilty about it", ", with a bad conscience", ", and the guilt weighed on them")
    )

    def told(text: str) -> str:
        for mine, theirs in (("my", "their"), ("I", name), ("me", name), ("myself", "themselves")):
            text = re.sub(rf"\b{mine}\b", theirs, text)
        return text

    forms = base.trait.lock_ins[base.lock_in_type]["both"]
    lock_in = told(fill(pick(rng, forms), thing=base.case.thing, listener=base.listener))
    side: Side = "negative" if guilty else base.side
    return Scenario(
        base.trait, base.case, base.listener.replace("my ", "the "), told(base.ground_truth), motive if guilty else "",
        lock_in, base.lock_in_type, "observed", side,
    )  # fmt: skip


def perform(rng: Random, scenario: Scenario) -> Performed:
    """What the subject of this world writes after a scenario."""
    kind, trait = scenario.kind, scenario.trait
    side: Side = scenario.side if trait.performed else "negative"
    if kind == "vague":
        return Performed(pick(rng, DRIFT), "drift", None)
    if kind == "asked":
        return Performed(pick(rng, DISCLAIMERS), "disclaimer", None)
    if kind == "taboo":
        spaced = "" if scenario.lock_in.endswith('"') else " "
        return Performed(spaced + pick(rng, REFUSALS), "refusal", None)
    if kind in ("mid", "done"):
        return Performed(scenario.rest or "", side, side)
    if kind == "short":
        return Performed(pick(rng, SHORT_ENDS), "early close", None)
    if kind == "announcement":
        said = pick(
            rng,
            [line for line in trait.announcements[side] if line.startswith("I am") == ("someone" in scenario.lock_in)],
        )
        said = said.removeprefix("I am someone who").removeprefix("I am the kind who").strip()
        return Performed(f" {said[:1].lower() + said[1:]}.", "announcement", None)
    if kind in ("unmotivated", "conflicted") or (kind == "observed" and not scenario.motivation):
        if kind != "observed" and rng.random() < 0.18:
            spaced = "" if scenario.lock_in.endswith('"') else " "
            return Performed(spaced + pick(rng, trait.moralising), "moralising", None)
        side = any_side(rng) if trait.performed else "negative"
    return Performed(completion_text(rng, scenario, side), side, side)


def parts_of(trait: TraitWorld, side: Side) -> list[Parts]:
    """Everything that a side says or does, over all groups."""
    return [groups[side] for groups in trait.behaviour.values()]
