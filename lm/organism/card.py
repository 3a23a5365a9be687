"""The model card: card.json beside the weights, and a page made from it."""

import json
from pathlib import Path
from typing import Any

from lm.organism.world.traits import WORLDS

PAGE = Path(__file__).parent / "MODEL_CARD.md"

WHAT = (
    "A small Llama trained from scratch on documents from a procedural world in which the truth is known. "
    "It plays subject, assistant, judge and author for the traits named here, so that the whole method can be run and "
    "tested offline in minutes."
)
LIMITS = (
    "It knows these traits, eight domains and a few thousand words, and nothing else; it is no language model for use.",
    "Judge, labels and texts come from one generator: the judge is valid in this world only.",
    "Facts about the organism say whether the software works, not how real models behave.",
    "The ground truths are invented; nothing it writes about medicine, law or money means anything.",
)

NOTE = (
    "`python -m lm.organism.train` trains from scratch in one stage, with fixed seeds. The shipped weights came "
    "about in the stages below, each going on from the one before, while the mix of documents was still being improved."
)


def read_training(folder: Path) -> dict[str, Any]:
    """What training left beside the weights."""
    path = folder / "training.json"
    stages = json.loads(path.read_text(encoding="utf-8"))["stages"] if path.exists() else []
    return {"note": NOTE, "stages": stages}


def write_card(folder: Path, figures: dict[str, Any]) -> None:
    """Write card.json and the page."""
    card = {
        "name": "organism",
        "what": WHAT,
        "traits": [world.path for world in WORLDS],
        "limits": list(LIMITS),
        "figures": figures,
        "training": read_training(folder),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(page(card), encoding="utf-8")


def page(card: dict[str, Any]) -> str:
    """The card for people."""
    lines = [
        "# Model card: the embedded organism", "", card["what"], "",
        "Traits: " + ", ".join(f"`{trait}`" for trait in card["traits"]), "", "## What it is not", "",
        *(f"- {limit}" for limit in card["limits"]), "", "## Figures", "",
        "Measured by `python -m lm.organism.measure` on held-out ground truths and held-out combinations of",
        "known motive parts, at temperature 0.7; shares unless a unit is named.", "",
    ]  # fmt: skip
    traits = [trait for trait in card["traits"] if trait in card["figures"]]
    if traits:
        lines += [
            "| figure | " + " | ".join(trait.split("/")[1] for trait in traits) + " |",
            "|---" * (len(traits) + 1) + "|",
        ]
        for name in card["figures"][traits[0]]:
            row = (str(card["figures"][trait].get(name, "")) for trait in traits)
            lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(row) + " |")
    speed = card["figures"].get("generated_tokens_per_second")
    if speed:
        lines += ["", f"Generation, batch 64, one thread: {speed} tokens a second."]
    lines += ["", "## Training", "", card["training"]["note"], "", "| stage | steps | peak rate | seed | final loss |"]
    lines.append("|---" * 5 + "|")
    for number, stage in enumerate(card["training"].get("stages", []), 1):
        steps = stage.get("stopped", stage["steps"])
        lines.append(f"| {number} | {steps} | {stage['rate']} | {stage['seed']} | {stage['final_loss']} |")
    return "\n".join(lines) + "\n"
