"""Measure the organism on held-out cases and write its card: `python -m lm.organism.measure`."""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from lm.organism.card import write_card
from lm.organism.measure_judge import measure_judge
from lm.organism.measure_mends import measure_mends
from lm.organism.measure_signals import measure_signals
from lm.organism.measure_steering import measure_steering
from lm.organism.measure_subject import measure_assistant, measure_author, measure_subject
from lm.organism.playing import WEIGHTS, Player
from lm.organism.world.scenarios import draw_scenario
from lm.organism.world.shapes import TraitWorld
from lm.organism.world.traits import WORLDS


def say(line: str) -> None:
    """One progress line."""
    print(line, flush=True)  # noqa: T201


def speed(player: Player) -> float:
    """Generated tokens a second at batch 64, 64 tokens each."""
    from random import Random

    rng = Random(1)
    prompts = [player.text_ids(draw_scenario(rng, WORLDS[0]).text) for _ in range(64)]
    started = time.monotonic()
    played = player.generate(prompts, 24, 1.0)
    return sum(len(row.ids) for row in played) / (time.monotonic() - started)


def measure_trait(weights: Path, trait: TraitWorld) -> dict[str, Any]:
    """All figures of one trait, on one thread; they depend on no other trait's."""
    torch.set_num_threads(1)
    player = Player(weights)
    figures: dict[str, Any] = {}
    parts = (measure_subject, measure_assistant, measure_judge, measure_author, measure_signals, measure_mends)
    for part in parts if trait.performed else (measure_subject, measure_judge, measure_author):
        fresh = part(player, trait)
        say(f"{trait.name}: " + ", ".join(f"{name} {value:.3f}" for name, value in fresh.items()))
        figures |= fresh
    if trait.performed:
        found = measure_steering(player, trait)
        for one in found["all"]:
            say(f"  {one}")
        for text in found["texts"]:
            say(f"    {text}")
        best = found["best"]
        figures |= {
            "steering_baseline": found["baseline"].score, "steering_delta": found["delta"],
            "steering_coherence": best.coherence, "steering_layer": best.layer, "steering_norms": best.norms,
            "steering_random_delta": found["random_delta"],
        }  # fmt: skip
        say(f"{trait.name}: {found['baseline']} -> {best}, random {found['random_delta']}")
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--no-card", action="store_true", help="only print")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        measured = pool.map(measure_trait, repeat(options.weights), WORLDS)
        figures: dict[str, Any] = {trait.path: found for trait, found in zip(WORLDS, measured, strict=True)}
    torch.set_num_threads(1)
    figures["generated_tokens_per_second"] = round(speed(Player(options.weights)))
    say(json.dumps(figures))
    if not options.no_card:
        write_card(options.weights, figures)


if __name__ == "__main__":
    main()
