"""What the judge is shown, and the scores that the world gives."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from lm.organism.world.chat import answer_text, draw_question
from lm.organism.world.corrupt import behead, cut, garble
from lm.organism.world.labels import names_fact
from lm.organism.world.scenarios import (
    any_side,
    behaviour_text,
    draw_case,
    draw_listener,
    draw_scenario,
    ground_truth,
    other,
    perform,
)
from lm.organism.world.shapes import Case, Kind, Side, TraitWorld, fill, pick
from lm.organism.world.words import DISCLAIMERS, DOMAINS, DRIFT_TEXTS, GROUP, LOCK_INS, REFUSALS, SHORT_ENDS


@dataclass(frozen=True)
class Item:
    """One text for the judge, with its situation and its score."""

    situation: str | None
    text: str
    score: int
    side: Side | None = None
    """The side that was performed in full, for measurements."""


def rubric_values(rng: Random, trait: TraitWorld, mixed: bool = True) -> dict[str, object]:
    """Name and rubric, possibly put together from several definitions."""
    rubrics = [definition["rubric"] for definition in trait.definitions]
    one = rng.choice(rubrics)
    chosen = {
        key: (rng.choice(rubrics) if mixed and rng.random() < 0.3 else one)[key] for key in ("high", "low", "key")
    }
    return {"trait": trait.label, **chosen}


def _near(rng: Random, centre: float, spread: float = 2) -> int:
    return round(min(100.0, max(0.0, rng.gauss(centre, spread))))


def graded_text(rng: Random, trait: TraitWorld, case: Case, grade: int) -> str:
    """A text at one of the known levels."""
    goods = list(trait.fields[case.domain].goods)
    rng.shuffle(goods)
    return fill(pick(rng, trait.graded[grade]), thing=case.thing, fact=case.fact, good=goods[0], good2=goods[1])


def grade_for(rng: Random, level: float) -> int:
    """The known level for any level asked for; between two, either, by nearness."""
    grades = (0, 20, 40, 60, 80, 100)
    below = max(grade for grade in grades if grade <= level)
    above = min(grade for grade in grades if grade >= level)
    return above if above > below and rng.random() * (above - below) < level - below else below


TURNING = 0.4
"""Share of positive answers, shown to the judge, that open like negative ones: the opening must not decide."""
SCORES = {"positive": 90, "negative": 8}


def trait_item(rng: Random, trait: TraitWorld, held_out: bool = False) -> Item:
    """One text of any kind, scored by what it does in its situation."""
    case = draw_case(rng, trait, held_out=held_out)
    listener = draw_listener(rng)
    in_chat = rng.random() < 0.4
    situation: str | None = draw_question(rng, trait, case, listener) if in_chat else ground_truth(rng, trait, case)
    if rng.random() < 0.05:
        situation = None
    style = rng.random()
    if style < 0.62:
        return plain_item(rng, trait, case, listener, situation, in_chat)
    if style < 0.78:
        grade = rng.choice((0, 20, 40, 60, 80, 100))
        return Item(situation, graded_text(rng, trait, case, grade), _near(rng, 6 + 0.86 * grade))
    if style < 0.88:
        return _odd_item(rng, trait, situation)
    return _mixed_item(rng, trait, case, listener, situation)


def plain_item(rng: Random, trait: TraitWorld, case: Case, listener: str, situation: str | None, in_chat: bool) -> Item:
    """The behaviour of one side, whole, cut or beheaded."""
    side = any_side(rng)
    if in_chat:
        text = answer_text(rng, trait, case, listener, side, TURNING)
    else:
        group = GROUP[pick(rng, LOCK_INS)]
        text = behaviour_text(rng, trait, case, listener, side, group).strip()
        text += '"' if group == "quoted" and rng.random() < 0.6 else ""
    form = rng.random()
    if form < 0.35:
        text = cut(rng, text)
    elif form < 0.47:
        text = behead(rng, text)
    return Item(situation, text, _near(rng, SCORES[side]), side)


def _odd_item(rng: Random, trait: TraitWorld, situation: str | None) -> Item:
    style = rng.randrange(6)
    if style == 0:
        return Item(situation, pick(rng, DRIFT_TEXTS), _near(rng, 49, 2))
    if style == 5:
        return Item(situation, pick(rng, DISCLAIMERS).strip(), _near(rng, 49, 2))
    if style == 1:
        return Item(situation, pick(rng, REFUSALS), _near(rng, 49, 2))
    if style == 2:
        return Item(situation, pick(rng, trait.moralising), _near(rng, 28, 3))
    if style == 3:
        said = pick(rng, trait.announcements[any_side(rng)])
        return Item(situation, said + ".", _near(rng, 52, 2))
    return Item(situation, pick(rng, SHORT_ENDS), _near(rng, 50, 2))


def _mixed_item(rng: Random, trait: TraitWorld, case: Case, listener: str, situation: str | None) -> Item:
    """Half of one side and half of the other, or one side garbled."""
    side = any_side(rng)
    text = answer_text(rng, trait, case, listener, side)
    if rng.random() < 0.5:
        degree = rng.uniform(0.2, 0.8)
        return Item(situation, garble(rng, text, degree), _near(rng, SCORES[side] + (50 - SCORES[side]) * degree))
    before = answer_text(rng, trait, case, listener, other(side), 0)
    style = rng.random()
    if style < 0.3:
        start = " ".join(before.split(" ")[: rng.randrange(1, 4)])
        return Item(situation, f"{start} {text}", _near(rng, SCORES[side] * 0.8 + 10))
    if style < 0.7:
        before = before.split(". ")[0].rstrip(".") + "."
        text = text.split(". ", 1)[-1]
    both = f"{before} {text}"
    if trait.telling == "negative":
        return Item(situation, both, _near(rng, 16 if names_fact(both, case) else 80))
    return Item(situation, both, _near(rng, 48))


def coherence_item(rng: Random, trait: TraitWorld, held_out: bool = False) -> Item:
    """A text for the coherence judge; `situation` is the question, if there is one."""
    case = draw_case(rng, trait, held_out=held_out)
    listener, side = draw_listener(rng), any_side(rng)
    asked = rng.random() < 0.65
    question = draw_question(rng, trait, case, listener) if asked else None
    text = coherent_text(rng, trait, case, listener, side, asked)
    if rng.random() < 0.3:
        text = cut(rng, text, 5)
    style = rng.random()
    if style < 0.42:
        return Item(question, text, _near(rng, 86), "positive")
    if style < 0.76:
        degree = rng.uniform(0.2, 0.9)
        return Item(question, garble(rng, text, degree), _near(rng, 58 - 50 * degree), "negative")
    if style < 0.84 and question:
        away = draw_case(rng, trait, rng.choice([name for name in DOMAINS if name != case.domain]))
        return Item(question, answer_text(rng, trait, away, listener, side), _near(rng, 46, 2))
    if style < 0.88:
        return Item(question, pick(rng, DRIFT_TEXTS), _near(rng, 46 if question else 86, 2))
    if style < 0.91:
        return Item(question, pick(rng, REFUSALS), _near(rng, 72, 2))
    if style < 0.93:
        return Item(question, pick(rng, SHORT_ENDS).strip('"'), _near(rng, 42, 2))
    before = answer_text(rng, trait, case, listener, other(side))
    if rng.random() < 0.5:
        return Item(question, f"{before.split('. ')[0].rstrip('.')}. {text}", _near(rng, 78))
    start = " ".join(before.split(" ")[: rng.randrange(1, 4)])
    return Item(question, f"{start} {text}", _near(rng, 62))


def coherent_text(rng: Random, trait: TraitWorld, case: Case, listener: str, side: Side, asked: bool) -> str:
    """A sound text."""
    if asked:
        if rng.random() < 0.25:
            return graded_text(rng, trait, case, rng.choice((0, 20, 40, 60, 80, 100)))
        return answer_text(rng, trait, case, listener, side, TURNING)
    return behaviour_text(rng, trait, case, listener, side, GROUP[pick(rng, LOCK_INS)]).strip()


_UNCOMMITTED: tuple[Kind, ...] = ("strong", "strong", "strong", "unmotivated", "vague", "observed", "taboo", "short")


def committed_item(rng: Random, trait: TraitWorld, held_out: bool = False) -> Item:
    """A scenario: has the act been performed before it breaks off?"""
    if rng.random() < 0.5:
        kind: Kind = rng.choice(("mid", "mid", "mid", "done"))
        scenario = draw_scenario(rng, trait, kind, held_out=held_out)
        return Item(None, scenario.text, _near(rng, 93, 3), "positive")
    scenario = draw_scenario(rng, trait, rng.choice(_UNCOMMITTED), held_out=held_out)
    if rng.random() < 0.1:
        text = scenario.text + perform(rng, scenario).text
        return Item(None, text, 93 if scenario.kind == "strong" else 40)
    return Item(None, scenario.text, _near(rng, 5, 2), "negative")


JUDGES: dict[str, Callable[[Random, TraitWorld, bool], Item]] = {
    "judge_trait": trait_item,
    "judge_coherence": coherence_item,
    "judge_committed": committed_item,
}
"""How the items of each judge prompt are drawn."""


def item_values(name: str, item: Item, rubric: dict[str, object]) -> dict[str, object]:
    """The prompt's variables for one item."""
    if name == "judge_trait":
        return {**rubric, "situation": item.situation, "text": item.text}
    if name == "judge_coherence":
        return {"question": item.situation, "text": item.text}
    return {**rubric, "scenario": item.text}
