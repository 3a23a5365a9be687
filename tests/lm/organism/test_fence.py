"""At run time the organism is weights and a tokenizer: nothing of the product imports the world."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
MAKERS = (
    "train", "batches", "tokenizer", "pushes", "own_directions", "card", "measure", "measure_judge", "measure_mends",
    "measure_signals", "measure_steering", "measure_subject",
)  # fmt: skip
"""Modules of lm/organism that make or measure the weights."""

_IMPORT = re.compile(r"^\s*(?:from|import)\s+(lm\.organism\.[\w.]+)", re.MULTILINE)


def test_only_makers_import_the_world() -> None:
    for package in ("agent", "steer", "extract", "lm", "prompts"):
        for path in (ROOT / package).rglob("*.py"):
            inside = path.parent == ROOT / "lm" / "organism" and path.stem in MAKERS
            if inside or "world" in path.relative_to(ROOT).parts:
                continue
            for module in _IMPORT.findall(path.read_text(encoding="utf-8")):
                named = module.split(".")
                assert named[2] not in (*MAKERS, "world"), f"{path} imports {module}"


def test_the_world_imports_nothing_above_prompts() -> None:
    for path in (ROOT / "lm" / "organism").rglob("*.py"):
        assert not re.search(
            r"^\s*(?:from|import)\s+(agent|steer|extract)\b", path.read_text(encoding="utf-8"), re.MULTILINE
        )
