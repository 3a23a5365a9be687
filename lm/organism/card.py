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

NOTE = "`python -m lm.organism.train` trains from scratch, stage by stage, with fixed seeds, and writes what follows."

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Subject",
        ("strong", "unmotivated", "vague", "taboo", "guilt", "announcement", "short", "asked", "mid", "unknown"),
    ),
    ("Assistant", ("chat",)),
    ("Judge", ("judge", "coherence", "committed", "levels")),
    ("Author", ("author",)),
    ("Next-token divergence between the sides, in bits, by lock-in type", ("divergence",)),
    ("Held-out AUROC of the mean difference, by layer", ("auroc",)),
    ("Flawed pairs that pass, and pairs the author made of them when told the fault", ("flawed", "mended")),
    ("Steering on fresh questions, under a prefix that pulls to the low end", ("steering",)),
)
"""Headings, and the first words of the figures under each."""


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


def table(heading: str, first_words: tuple[str, ...], figures: dict[str, Any]) -> list[str]:
    """One section: a row per figure, a column per trait; traits without these figures are left out."""
    traits = {path: found for path, found in figures.items() if isinstance(found, dict)}
    names = list(dict.fromkeys(name for found in traits.values() for name in found if name.startswith(first_words)))
    columns = [path for path, found in traits.items() if any(name in found for name in names)]
    if not columns:
        return []
    lines = [f"### {heading}", "", "| | " + " | ".join(path.split("/")[1].replace("_", " ") for path in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for name in sorted(names, key=_order):
        row = (str(traits[path].get(name, "")) for path in columns)
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(row) + " |")
    return [*lines, ""]


def _order(name: str) -> str:
    """Flawed and mended pairs of one class side by side; all else in the order measured (sorting is stable)."""
    first, _, rest = name.partition("_")
    return rest if first in ("flawed", "mended") else ""


def page(card: dict[str, Any]) -> str:
    """The card for people."""
    lines = [
        "# Model card: the embedded organism", "", card["what"], "",
        "Traits: " + ", ".join(f"`{trait}`" for trait in card["traits"]), "", "## What it is not", "",
        *(f"- {limit}" for limit in card["limits"]), "", "## Figures", "",
        "Measured by `python -m lm.organism.measure` on held-out ground truths and held-out combinations of",
        "known motive parts, at temperature 0.7; shares unless a unit is named.", "",
    ]  # fmt: skip
    for heading, first_words in SECTIONS:
        lines += table(heading, first_words, card["figures"])
    speed = card["figures"].get("generated_tokens_per_second")
    if speed:
        lines += ["", f"Generation, batch 64, one thread: {speed} tokens a second."]
    lines += ["", "## Training", "", card["training"]["note"], "", "| stage | steps | peak rate | seed | final loss |"]
    lines.append("|---" * 5 + "|")
    for number, stage in enumerate(card["training"].get("stages", []), 1):
        steps = stage.get("stopped", stage["steps"])
        lines.append(f"| {number} | {steps} | {stage['rate']} | {stage['seed']} | {stage['final_loss']} |")
    return "\n".join(lines) + "\n"
