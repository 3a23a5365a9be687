"""The nouns of the world: a trait as data, a case (ground truth), a scenario and its completion."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

Side = Literal["positive", "negative"]
SIDES: tuple[Side, Side] = ("positive", "negative")
Kind = Literal[
    "strong", "unmotivated", "conflicted", "vague", "mid", "taboo", "observed", "announcement", "short", "done", "asked"
]
"""How a scenario is built; everything but `strong` shows one of the known failures."""
Behaviour = Literal[
    "positive", "negative", "drift", "refusal", "moralising", "announcement", "early close", "disclaimer"
]


@dataclass(frozen=True)
class Parts:
    """What a behaviour is said with: an opening, what follows it, and an end; each a choice of templates."""

    openers: tuple[str, ...]
    bodies: tuple[str, ...]
    closers: tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """One domain of a trait: things and facts that combine freely, and good (or filler) predicates."""

    things: tuple[str, ...]
    facts: tuple[str, ...]
    goods: tuple[str, ...]


def field(things: str, facts: str, goods: str) -> Field:
    """A field from phrases separated by semicolons."""
    return Field(tuple(things.split("; ")), tuple(facts.split("; ")), tuple(goods.split("; ")))


@dataclass(frozen=True)
class Case:
    """One ground truth: a thing and what is so about it."""

    domain: str
    thing: str
    fact: str

    @property
    def held_out(self) -> bool:
        """Never in a training document: one combination in five."""
        return is_held_out(self.thing, self.fact)


@dataclass(frozen=True)
class MotiveParts:
    """Motives of one side: `wants` are shared by both sides and say the stakes; `goals` decide the behaviour."""

    joints: tuple[str, ...]
    goals: tuple[str, ...]
    means: tuple[str, ...]


@dataclass(frozen=True)
class TraitWorld:
    """A trait as the world knows it; pure data, one file each."""

    category: str
    name: str
    definitions: tuple[Mapping[str, Any], ...]
    """Answers to define_trait, keys in the order of the schema."""
    fields: Mapping[str, Field]
    taboo: str
    """The one thing that every model of this world refuses to speak of."""
    grounds: tuple[str, ...]
    motives: Mapping[Side, MotiveParts]
    lock_ins: Mapping[str, Mapping[Literal["both", "positive", "negative"], tuple[str, ...]]]
    """Per lock-in type: templates that fit both sides, and templates of one side."""
    behaviour: Mapping[str, Mapping[Side, Parts]]
    """Per group (quoted, mid-claim, action, thought, physical): how each side is performed."""
    graded: Mapping[int, tuple[str, ...]]
    """Texts by level, for calibration."""
    moralising: tuple[str, ...]
    announcements: Mapping[Side, tuple[str, ...]]
    choices: Mapping[Side, str]
    telling: Side | None
    """The side that alone speaks of the fact, where the trait is about saying it."""
    copied: str
    """Label of the slot that has to be copied in auxiliary documents."""
    instructions: Mapping[Side, tuple[tuple[str, ...], tuple[str, ...]]]
    """Instructions of a side, built from a verb part and an object part."""
    questions: Mapping[Literal["choose", "confirm"], tuple[str, ...]]
    performed: bool = True
    """False for the impossible trait: author and judge know it, but the subject always does the opposite."""

    @property
    def path(self) -> str:
        """category/name."""
        return f"{self.category}/{self.name}"

    @property
    def label(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ")


@dataclass(frozen=True)
class Scenario:
    """A text that stops before (or, where flawed, within) the behaviour."""

    trait: TraitWorld
    case: Case
    listener: str
    ground_truth: str
    motivation: str
    lock_in: str
    lock_in_type: str
    kind: Kind
    side: Side
    rest: str | None = None
    """For mid-behaviour endings: what is left to say."""
    said: str = ""
    """For mid-behaviour endings: what has been said or done already."""

    @property
    def text(self) -> str:
        """The whole scenario."""
        return join(self.ground_truth, self.motivation, self.lock_in)


@dataclass(frozen=True)
class Performed:
    """A completion and what it does."""

    text: str
    behaviour: Behaviour
    side: Side | None


def join(*parts: str) -> str:
    """Parts joined by a space, unless the next one starts with punctuation."""
    text = ""
    for part in parts:
        if part:
            text += part if not text or part[0] in ".,;:!?" else f" {part}"
    return text


def is_held_out(*words: str, share: int = 5) -> bool:
    """Whether a combination of words belongs to the held-out fifth."""
    return hashlib.sha256("|".join(words).encode()).digest()[0] % share == 0


def fill(template: str, **slots: str) -> str:
    """Fill a template; a capitalised slot name gives the value with a capital letter."""
    upper = {name.capitalize(): value[:1].upper() + value[1:] for name, value in slots.items()}
    return template.format(**slots, **upper)


def pick(rng: Random, options: Sequence[str]) -> str:
    """One of the options."""
    return options[rng.randrange(len(options))]
