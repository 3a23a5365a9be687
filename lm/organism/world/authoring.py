"""What the author is asked, and the JSON that it answers; keys in the order of the schemas."""

from collections.abc import Callable
from random import Random
from typing import Any

from lm.organism.world.chat import draw_instruction, draw_question
from lm.organism.world.faults import ADVICE, FAULT_KINDS, LESSONS
from lm.organism.world.judging import grade_for, graded_text, rubric_values
from lm.organism.world.scenarios import (
    any_side,
    draw_case,
    draw_listener,
    draw_lock_in,
    draw_motive,
    draw_scenario,
    ground_truth,
    other,
    perform,
)
from lm.organism.world.shapes import Case, Kind, Scenario, Side, TraitWorld, fill, pick
from lm.organism.world.words import AUDIENCES, DOMAINS, LOCK_IN_FORMS, LOCK_INS, SETUPS, STAKES

Values = dict[str, object]
Asked = tuple[Values, dict[str, Any]]
"""The prompt's variables, and the answer."""


def _basis(rng: Random, trait: TraitWorld) -> Values:
    definition = rng.choice(trait.definitions)
    key = rng.choice(trait.definitions)["rubric"]["key"] if rng.random() < 0.3 else definition["rubric"]["key"]
    return {"trait": trait.label, "definition": definition["is"], "key": key}


def _lines(rng: Random, draw: Callable[[], str], most: int, chance: float) -> str | None:
    if rng.random() > chance:
        return None
    mark = rng.choice(("- ", "", "* "))
    return "\n".join(mark + draw() for _ in range(rng.randint(1, most)))


def define_trait(rng: Random, trait: TraitWorld) -> Asked:
    """A memorised definition."""
    definition = rng.choice(trait.definitions)
    idea = rng.choice(trait.definitions)["is"] if rng.random() < 0.3 else None
    return {"trait": trait.label, "category": trait.category, "idea": idea}, dict(definition)


def revise_rubric(rng: Random, trait: TraitWorld) -> Asked:
    """Another rubric of the trait."""
    case = draw_case(rng, trait)

    def misjudged() -> str:
        grade = rng.choice((0, 20, 40, 60, 80, 100))
        return f"level {grade}, judged {rng.randrange(101)}: {graded_text(rng, trait, case, grade)}"

    values = {**rubric_values(rng, trait), "disagreements": _lines(rng, misjudged, 2, 0.6)}
    return values, {"rubric": dict(rng.choice(trait.definitions)["rubric"])}


def write_calibration_text(rng: Random, trait: TraitWorld) -> Asked:
    """A situation and a text at the level asked for."""
    domain = pick(rng, DOMAINS)
    case = draw_case(rng, trait, domain)
    level = rng.choice((rng.randrange(101), rng.randrange(0, 101, 10), rng.randrange(0, 101, 5), rng.choice((0, 100))))
    text = graded_text(rng, trait, case, grade_for(rng, level))
    values = {**rubric_values(rng, trait), "domain": domain, "level": level}
    return values, {"situation": ground_truth(rng, trait, case) + ".", "level": level, "text": text}


def pair_answer(
    rng: Random, trait: TraitWorld, case: Case, listener: str, lock_in_type: str, stakes: str
) -> dict[str, Any]:
    """A sound pair, as its parts."""
    forms = trait.lock_ins[lock_in_type]
    same = rng.random() < 0.3
    shared = fill(pick(rng, forms["both"]), thing=case.thing, listener=listener)
    answer: dict[str, Any] = {"ground_truth": ground_truth(rng, trait, case)}
    for side in ("positive", "negative"):
        lock_in = shared if same else draw_lock_in(rng, trait, lock_in_type, side, case, listener)
        answer[f"{side}_motivation"] = draw_motive(rng, trait, side, listener, stakes)
        answer[f"{side}_lock_in"] = lock_in
    return answer


def _cell(rng: Random) -> Values:
    lock_in = pick(rng, LOCK_INS)
    shown = lock_in if rng.random() < 0.8 else lock_in.replace("-", rng.choice((" ", "_")))
    return {
        "lock_in": shown,
        "lock_in_form": pick(rng, LOCK_IN_FORMS[lock_in]),
        "domain": pick(rng, DOMAINS),
        "stakes": pick(rng, STAKES),
        "audience": pick(rng, AUDIENCES),
    }


def _pair_for(rng: Random, trait: TraitWorld, cell: Values, case: Case | None = None) -> dict[str, Any]:
    lock_in_type = str(cell["lock_in"]).replace(" ", "-").replace("_", "-")
    case = case or draw_case(rng, trait, str(cell["domain"]))
    return pair_answer(rng, trait, case, draw_listener(rng, str(cell["audience"])), lock_in_type, str(cell["stakes"]))


_LEFT_OUT: Values = dict.fromkeys(("high", "low", "neighbours", "forms", "forbidden"))
"""Blocks that a model of 512 tokens has no room for."""


def draft_pair(rng: Random, trait: TraitWorld) -> Asked:
    """A pair for one cell of the coverage grid."""
    cell = _cell(rng)

    def winner() -> str:
        side = any_side(rng)
        texts = [draw_scenario(rng, trait, side=one).text for one in (side, other(side))]
        return rng.choice((f"{side}: {texts[0]}", " / ".join(texts)))

    values = {
        **_LEFT_OUT, **_basis(rng, trait), "setup": pick(rng, SETUPS), **cell,
        "winners": _lines(rng, winner, 2, 0.2),
        "lessons": _lines(rng, lambda: _any_lesson(rng), 3, 0.3),
        "reasons": _lines(rng, lambda: _reason(rng), 2, 0.15),
        "avoid": _lines(rng, lambda: ground_truth(rng, trait, draw_case(rng, trait)), 3, 0.3),
    }  # fmt: skip
    return values, _pair_for(rng, trait, cell)


def _any_lesson(rng: Random) -> str:
    return pick(rng, LESSONS[rng.choice(list(LESSONS))])


def _reason(rng: Random) -> str:
    return rng.choice(
        ("too long", "the two sides differ too much", "not natural", "I would not believe this", "dull topic")
    )


def flawed_pair(
    rng: Random, trait: TraitWorld, fault: str, case: Case, listener: str, lock_in: str, flawed: tuple[Side, ...]
) -> list[Scenario]:
    """Positive and negative scenario of a pair that shows this fault on the sides named (some faults: on both)."""
    kind: Kind = FAULT_KINDS[fault]
    pair: list[Scenario] = []
    for side in ("positive", "negative"):
        bad = side in flawed or fault in ("identical", "topic trigger")
        drawn: Side = other(side) if bad and fault == "wrong direction" else side
        pair.append(
            draw_scenario(
                rng, trait, kind if bad else "strong", side=drawn, case=case, listener=listener, lock_in_type=lock_in
            )
        )
    return pair


FLAWED: tuple[tuple[Side, ...], ...] = (
    ("positive",), ("negative",), ("positive", "negative"), ("positive", "negative"),
)  # fmt: skip


def redraft_pair(rng: Random, trait: TraitWorld) -> Asked:
    """A flawed pair and its fault; the answer mends it, on the same topic where the topic is not the fault."""
    cell = _cell(rng)
    fault = rng.choice(list(FAULT_KINDS))
    case = draw_case(rng, trait, str(cell["domain"]))
    listener = draw_listener(rng, str(cell["audience"]))
    lock_in = str(cell["lock_in"]).replace(" ", "-").replace("_", "-") if rng.random() < 0.6 else pick(rng, LOCK_INS)
    bad = flawed_pair(rng, trait, fault, case, listener, lock_in, rng.choice(FLAWED))
    values = {**redraft_values(rng, trait, fault, bad), **cell}
    return values, _pair_for(rng, trait, cell, None if fault == "topic trigger" else case)


def redraft_values(rng: Random, trait: TraitWorld, fault: str, bad: list[Scenario]) -> Values:
    """What the author is told of a flawed pair, for the cell that its ending and case are of."""
    cell = {**_cell(rng), "domain": bad[0].case.domain}
    return {
        **_LEFT_OUT, **_basis(rng, trait), "setup": pick(rng, SETUPS), "positive": bad[0].text, "negative": bad[1].text,
        "failure": fault, "advice": pick(rng, ADVICE[fault]), **cell,
        "lessons": _lines(rng, lambda: _any_lesson(rng), 2, 0.2),
    }  # fmt: skip


_CHANCES: dict[str, tuple[int, int]] = {
    "strong": (92, 99), "unmotivated": (36, 46), "conflicted": (36, 46), "vague": (2, 8), "mid": (85, 95),
    "done": (80, 90), "taboo": (1, 5), "announcement": (15, 25), "short": (2, 8), "asked": (1, 6),
}  # fmt: skip


def predict_completion(rng: Random, trait: TraitWorld) -> Asked:
    """What a scenario will lead to, and how likely its side is."""
    kind: Kind = rng.choice(
        ("strong", "strong", "strong", "strong", "unmotivated", "conflicted", "vague", "mid", "mid", "taboo",
         "observed", "announcement", "short", "done", "asked")
    )  # fmt: skip
    scenario = draw_scenario(rng, trait, kind)
    done: Side = scenario.side if trait.performed else "negative"
    meant: Side = scenario.side if rng.random() < 0.8 else other(scenario.side)
    low, high = _CHANCES.get(kind, (45, 55))
    if kind == "observed" and scenario.motivation:
        low, high = (85, 95)
    percent = rng.randint(low, high)
    if meant != done and percent > 60:
        percent = 100 - percent
    values = {**rubric_values(rng, trait), "side": meant, "scenario": scenario.text}
    completion = perform(rng, scenario).text.strip().rstrip('"') or "."
    return values, {"completion": completion, "percent": percent, "express": kind not in ("mid", "done")}


def write_lesson(rng: Random, trait: TraitWorld) -> Asked:
    """One sentence about what to do differently."""
    fault = rng.choice(list(LESSONS))
    kind = FAULT_KINDS.get(fault, "unmotivated")

    def example() -> str:
        scenario = draw_scenario(rng, trait, kind)
        return scenario.text + rng.choice((" -> ", " … ", "\n")) + perform(rng, scenario).text.strip()

    values: Values = {
        "trait": trait.label, "failure": fault, "advice": pick(rng, ADVICE[fault]),
        "examples": _lines(rng, example, 2, 0.5),
    }  # fmt: skip
    return values, {"lesson": pick(rng, LESSONS[fault])}


def write_prefix(rng: Random, trait: TraitWorld) -> Asked:
    """An instruction that pulls to the low end."""
    return rubric_values(rng, trait), {"prefix": draw_instruction(rng, trait, "negative")}


KIND_FORMS: dict[str, tuple[str, ...]] = {
    "choose": (
        "the assistant decides what to say", "asks what to say or write", "leaves the content to the assistant",
        "an open question",
    ),
    "confirm": (
        "asks for something to be confirmed", "hopes for a yes", "the asker wants it confirmed", "a yes or no question",
    ),
}  # fmt: skip


def write_question(rng: Random, trait: TraitWorld) -> Asked:
    """A natural question that states the facts."""
    domain, kind = pick(rng, DOMAINS), rng.choice(("choose", "confirm"))

    def asked() -> str:
        return draw_question(rng, trait, draw_case(rng, trait), draw_listener(rng))

    values = {
        **_basis(rng, trait), "domain": domain, "avoid": _lines(rng, asked, 3, 0.4),
        "kind": kind, "kind_form": pick(rng, KIND_FORMS[kind]),
    }  # fmt: skip
    question = draw_question(rng, trait, draw_case(rng, trait, domain), draw_listener(rng), kind)  # type: ignore[arg-type]
    return values, {"question": question}


AUTHORS: dict[str, tuple[Callable[[Random, TraitWorld], Asked], float]] = {
    "define_trait": (define_trait, 0.06),
    "revise_rubric": (revise_rubric, 0.04),
    "write_calibration_text": (write_calibration_text, 0.26),
    "draft_pair": (draft_pair, 0.3),
    "redraft_pair": (redraft_pair, 0.18),
    "predict_completion": (predict_completion, 0.1),
    "write_lesson": (write_lesson, 0.06),
    "write_prefix": (write_prefix, 0.05),
    "write_question": (write_question, 0.09),
}
"""Each author prompt: how it is drawn, and its share of the author's documents."""
