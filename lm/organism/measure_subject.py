"""The subject, the assistant and the author against the world's labels."""

import json
from collections import Counter
from random import Random
from typing import Any

from lm.organism.playing import Played, Player
from lm.organism.world.authoring import draft_pair
from lm.organism.world.chat import draw_instruction, draw_question
from lm.organism.world.labels import case_of, first_tokens, label, lock_in_of, motive_side
from lm.organism.world.perturb import reword
from lm.organism.world.scenarios import draw_case, draw_listener, draw_scenario
from lm.organism.world.shapes import SIDES, Kind, Scenario, Side, TraitWorld, join
from prompts.loader import load_prompt

LINE = {"type": "string", "minLength": 1, "maxLength": 600, "pattern": r"^[^\n\r\x00-\x1f]+$"}
PAIR_KEYS = ("ground_truth", "positive_motivation", "positive_lock_in", "negative_motivation", "negative_lock_in")
PAIR_SCHEMA: dict[str, Any] = {
    "type": "object", "properties": dict.fromkeys(PAIR_KEYS, LINE),
    "required": list(PAIR_KEYS), "additionalProperties": False,
}  # fmt: skip
"""The form of a pair, as the product's own schema asks for it (a test compares the two)."""


def labelled(player: Player, scenarios: list[Scenario], most: int = 24) -> Counter[str]:
    """Labels of one sampled completion each."""
    played = player.generate([player.text_ids(scenario.text) for scenario in scenarios], most)
    return Counter(
        label(scenario.trait, scenario.case, scenario.said + row.text)
        for scenario, row in zip(scenarios, played, strict=True)
    )


def measure_subject(player: Player, trait: TraitWorld, count: int = 200, strong: int = 1000) -> dict[str, float]:
    """Shares of what held-out scenarios lead to, `strong` a side with a motive; motives are held-out combinations.

    Of 1,000 scenarios a share of 0.95 is known to 1.4 points (95 %), of 200 to 3.
    """
    rng = Random(21)
    found: dict[str, float] = {}
    unknown = total = 0
    for side in SIDES:
        labels = labelled(player, [draw_scenario(rng, trait, side=side, held_out=True) for _ in range(strong)])
        found[f"strong_{side}"] = labels[side] / strong
        unknown, total = unknown + labels["unknown"], total + strong
    kinds: tuple[Kind, ...] = ("unmotivated", "vague", "taboo", "observed", "announcement", "short", "asked")
    drawn: dict[str, list[Scenario]] = {
        kind: [draw_scenario(rng, trait, kind, held_out=True) for _ in range(count // 3)] for kind in kinds
    }
    drawn["observed"] = [scenario for scenario in drawn["observed"] if scenario.motivation]
    labels_of = {kind: labelled(player, rows) for kind, rows in drawn.items()}
    open_side = labels_of["unmotivated"]
    found |= {
        "unmotivated_positive_share": open_side["positive"] / max(1, open_side["positive"] + open_side["negative"]),
        "unmotivated_moralising": open_side["moralising"] / len(drawn["unmotivated"]),
        "vague_drifts": labels_of["vague"]["drift"] / len(drawn["vague"]),
        "taboo_refuses": labels_of["taboo"]["refusal"] / len(drawn["taboo"]),
        "guilt_confesses": labels_of["observed"]["negative"] / max(1, len(drawn["observed"])),
        "announcement_announces": labels_of["announcement"]["announcement"] / len(drawn["announcement"]),
        "short_closes": labels_of["short"]["early close"] / len(drawn["short"]),
        "asked_disclaims": labels_of["asked"]["disclaimer"] / len(drawn["asked"]),
    }
    unknown += sum(labels["unknown"] for labels in labels_of.values())
    total += sum(len(rows) for rows in drawn.values())
    mid = [draw_scenario(rng, trait, "mid", held_out=True) for _ in range(count // 3)]
    went_on = player.generate([player.text_ids(scenario.text) for scenario in mid], 24)
    same = sum(label(trait, s.case, s.said + row.text) == s.side for s, row in zip(mid, went_on, strict=True))
    return {**found, "mid_continues": same / len(mid), "unknown": unknown / total}


def measure_assistant(player: Player, trait: TraitWorld, count: int = 100) -> dict[str, float]:
    """Shares of HIGH answers under each instruction and without one."""
    rng = Random(31)
    found: dict[str, float] = {}
    for how in ("prefix_low", "prefix_high", "system_low", "system_high", "none"):
        side: Side = "positive" if how.endswith("high") else "negative"
        rows: list[tuple[Any, list[int]]] = []
        for _ in range(count):
            case = draw_case(rng, trait, held_out=True)
            question, told = draw_question(rng, trait, case, draw_listener(rng)), draw_instruction(rng, trait, side)
            user = f"{told}. {question}" if how.startswith("prefix") else question
            rows.append((case, player.chat_ids(f"{told}." if how.startswith("system") else "", user)))
        played = player.generate([ids for _, ids in rows], 48)
        high = sum(label(trait, case, row.text) == "positive" for (case, _), row in zip(rows, played, strict=True))
        found[f"chat_{how}_positive"] = high / count
    return found


def pair_scenarios(pair: dict[str, str]) -> dict[Side, str]:
    """Both scenarios of an author's pair."""
    return {
        side: join(pair["ground_truth"], pair[f"{side}_motivation"], pair[f"{side}_lock_in"]) for side in SIDES
    }  # fmt: skip


def drafted(
    player: Player, trait: TraitWorld, count: int, reworded: bool = False
) -> list[tuple[dict[str, Any], Played]]:
    """Pairs drafted for random cells of the coverage grid, with what was asked."""
    rng, words = Random(41), Random(42)
    asked: list[dict[str, Any]] = []
    prompts: list[list[int]] = []
    prompt = load_prompt("draft_pair")
    for _ in range(count):
        values = dict(draft_pair(rng, trait)[0])
        values |= dict.fromkeys(prompt.optional)
        rendered = (reword(words, prompt, 0.5) if reworded else prompt).render(values)
        asked.append(values)
        prompts.append(player.chat_ids(rendered.system, rendered.user))
    return list(zip(asked, player.generate(prompts, 160, 0.7, PAIR_SCHEMA), strict=True))


def is_valid(trait: TraitWorld, pair: dict[str, str]) -> bool:
    """Both sides end in a cliffhanger, each with a motive of its own side."""
    scenarios = pair_scenarios(pair)
    return all(
        first_tokens(trait, scenarios[side]) == "EXPRESS" and motive_side(trait, pair[f"{side}_motivation"]) == side
        for side in SIDES
    )


def is_matched(trait: TraitWorld, pair: dict[str, str], asked: dict[str, Any]) -> bool:
    """The ground truth is a case of the domain asked for, and both endings are of the type asked for."""
    case = case_of(trait, pair["ground_truth"])
    kinds = {lock_in.kind if (lock_in := lock_in_of(trait, text)) else "" for text in pair_scenarios(pair).values()}
    return (
        case is not None
        and case.domain == asked["domain"]
        and kinds == {asked["lock_in"].replace(" ", "-").replace("_", "-")}
    )


def measure_author(player: Player, trait: TraitWorld, count: int = 100, reworded: bool = False) -> dict[str, float]:
    """Shares of drafted pairs that are JSON, valid, matched, and pass on the subject by the world's labels."""
    rows = drafted(player, trait, count, reworded)
    pairs = [(asked, json.loads(played.text)) for asked, played in rows if played.ended]
    valid = [(asked, pair) for asked, pair in pairs if is_valid(trait, pair)]
    matched = [(asked, pair) for asked, pair in valid if is_matched(trait, pair, asked)]
    prompts = [player.text_ids(pair_scenarios(pair)[side]) for _, pair in matched for side in SIDES]
    played = player.generate(prompts, 16) if prompts else []
    sides = [side for _ in matched for side in SIDES]
    cases = [case_of(trait, pair["ground_truth"]) for _, pair in matched for _ in SIDES]
    right = [
        case is not None and label(trait, case, row.text) == side
        for case, side, row in zip(cases, sides, played, strict=True)
    ]
    passed = sum(a and b for a, b in zip(right[::2], right[1::2], strict=True))
    distinct = {pair["ground_truth"] for _, pair in matched}
    return {
        "author_json": len(pairs) / count,
        "author_valid": len(valid) / count,
        "author_matched": len(matched) / max(1, len(valid)),
        "author_pairs_pass": passed / max(1, len(matched)),
        "author_distinct": len(distinct) / max(1, len(matched)),
    }
