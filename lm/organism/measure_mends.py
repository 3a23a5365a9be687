"""Can the author mend what it is told is wrong? Flawed pairs and their mended successors, by failure class."""

import json
from random import Random
from typing import Any

from lm.organism.measure_subject import PAIR_SCHEMA, pair_scenarios
from lm.organism.playing import Player
from lm.organism.world.authoring import flawed_pair, redraft_values
from lm.organism.world.faults import FAULT_KINDS
from lm.organism.world.labels import case_of, first_tokens, label
from lm.organism.world.scenarios import draw_case, draw_listener
from lm.organism.world.shapes import SIDES, Case, Side, TraitWorld, pick
from lm.organism.world.words import LOCK_INS
from prompts.loader import load_prompt

Pair = tuple[Case | None, dict[Side, str]]
"""What a pair is about, and its two scenarios."""


def passing(player: Player, trait: TraitWorld, pairs: list[Pair]) -> float:
    """Share of pairs whose endings leave the act open and whose sides each do what they should, by the labels."""
    prompts = [player.text_ids(scenarios[side]) for _, scenarios in pairs for side in SIDES]
    played = iter(player.generate(prompts, 16) if prompts else [])
    passed = 0
    for case, scenarios in pairs:
        done = {side: next(played).text for side in SIDES}
        passed += case is not None and all(
            first_tokens(trait, scenarios[side]) == "EXPRESS" and label(trait, case, done[side]) == side
            for side in SIDES
        )
    return passed / max(1, len(pairs))


def measure_mends(player: Player, trait: TraitWorld, count: int = 40) -> dict[str, float]:
    """Per failure class: share of flawed pairs that pass, and share of pairs that the author made of them."""
    prompt = load_prompt("redraft_pair")
    found: dict[str, float] = {}
    for fault in FAULT_KINDS:
        rng = Random(fault)
        flawed: list[Pair] = []
        asked: list[list[int]] = []
        for _ in range(count):
            case, listener = draw_case(rng, trait, held_out=True), draw_listener(rng)
            bad = flawed_pair(rng, trait, fault, case, listener, pick(rng, LOCK_INS), SIDES)
            flawed.append((case, {side: one.text for side, one in zip(SIDES, bad, strict=True)}))
            values: dict[str, Any] = {**redraft_values(rng, trait, fault, bad), **dict.fromkeys(prompt.optional)}
            rendered = prompt.render(values)
            asked.append(player.chat_ids(rendered.system, rendered.user))
        answers = player.generate(asked, 160, 0.7, PAIR_SCHEMA)
        pairs = [json.loads(answer.text) for answer in answers if answer.ended]
        mended = [(case_of(trait, pair["ground_truth"]), pair_scenarios(pair)) for pair in pairs]
        name = fault.replace(" ", "_").replace("-", "_")
        found[f"flawed_{name}"] = passing(player, trait, flawed)
        found[f"mended_{name}"] = passing(player, trait, mended) * len(mended) / count
    return found
