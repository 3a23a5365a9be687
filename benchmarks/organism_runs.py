"""Every trait of the embedded model, by name and with default settings; one table row each.

python -m benchmarks.organism_runs [--pairs 150] [--seed 0]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from lm.organism.world.traits import PERFORMED

COLUMNS = (
    "trait", "exit", "yield by round", "pairs", "pass rate afresh", "EXPRESS", "baseline", "delta (coherence)",
    "random", "s",
)  # fmt: skip


def create(path: str, out: Path, pairs: int, seed: int) -> tuple[int, float, dict[str, Any]]:
    """Exit code, seconds of the whole process, and validation.json of one run; what went wrong otherwise is shown."""
    command = [Path(sys.executable).with_name("traitsmith"), "create", path, "--review", "none", "--out", out]
    started = time.monotonic()
    code = subprocess.call([*map(str, command), "--pairs", str(pairs), "--seed", str(seed)], stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - started
    if code not in (0, 5):  # done, or a gate failed
        raise SystemExit(code)
    (file,) = out.glob("runs/*/*/validation.json")
    return code, seconds, json.loads(file.read_text(encoding="utf-8"))


def row(path: str, code: int, seconds: float, found: dict[str, Any]) -> str:
    """One line of the table; a dash for what was not reached."""
    scenarios, steering = found["scenarios"] or {}, found["steering"] or {}
    yields = " ".join(f"{round(100 * one['yield'])}" for one in found["rounds"])
    low, high = scenarios.get("pass_rate_ci95", (0, 0))
    cells = (
        path, code, yields, scenarios.get("n_pairs", "-"),
        f"{scenarios['pass_rate']:.2f} [{low:.2f}, {high:.2f}]" if scenarios else "-",
        f"{found['first_token']['express_rate']:.2f}" if found["first_token"] else "-",
        f"{found['baseline']['mean']:.0f}" if found["baseline"] else "-",
        f"{steering['delta']:+.0f} ({steering['coherence']:.0f})" if steering else "-",
        f"{steering['random_control_delta']:+.0f}" if steering else "-",
        f"{seconds:.0f}",
    )  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--traits", nargs="*", default=[world.path for world in PERFORMED])
    options = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|", sep="\n", flush=True)
    for path in options.traits:
        with tempfile.TemporaryDirectory() as out:
            print(row(path, *create(path, Path(out), options.pairs, options.seed)), flush=True)


if __name__ == "__main__":
    main()
