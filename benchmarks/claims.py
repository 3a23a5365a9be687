"""How often rules of decision claim an effect where there is none: `python -m benchmarks.claims [--searches 1000]`.

Numbers only, no model: a direction and random ones have 16 cells each (layers x strengths), the best on half of the
questions is measured on the other half, and the rule decides. The direction is one more of the random ones: every claim
is an error. tests/steer/test_claims.py runs the whole evaluation in such worlds.
"""

import argparse
from collections.abc import Mapping

import numpy as np

from extract.intervals import mean_interval
from steer.chance import upper_bound

CELLS = 16
Scores = np.ndarray
"""Axes: direction, cell, question; the baseline has questions only."""
WORLDS: Mapping[str, tuple[str, float]] = {
    "nothing does anything, normal scores": ("normal", 0.0),
    "pushes move scores by 10": ("normal", 10.0),
    "pushes move scores by 30": ("normal", 30.0),
    "nothing does anything, one answer in ten shows it": ("rare", 0.0),
    "pushes change how many answers show it": ("rare", 1.0),
}


def draw_world(rng: np.random.Generator, shape: str, spread: float, directions: int, n: int) -> tuple[Scores, Scores]:
    """Scores under each push and without one."""
    size = (directions, CELLS, 2 * n)
    if shape == "normal":
        questions = rng.normal(20, 8, 2 * n)
        moved = rng.normal(0, spread, (directions, CELLS, 1)) + rng.normal(0, spread / 2, size)
        return questions + moved + rng.normal(0, 12, size), questions + rng.normal(0, 12, 2 * n)
    logits = np.log(0.1 / 0.9) + rng.normal(0, 1, 2 * n)
    pushed = logits + rng.normal(0, spread, (directions, CELLS, 1)) + np.zeros(size)
    return _answers(rng, pushed), _answers(rng, logits)


def _answers(rng: np.random.Generator, logits: Scores) -> Scores:
    """Answers show the behaviour or do not: about 85 or about 8."""
    shows = rng.random(logits.shape) < 1 / (1 + np.exp(-logits))
    return np.where(shows, rng.normal(85, 6, logits.shape), rng.normal(8, 5, logits.shape))


def decide(rng: np.random.Generator, shape: str, spread: float, randoms: int, n: int) -> dict[str, bool]:
    """One search and confirmation, and what each rule says."""
    scores, baseline = draw_world(rng, shape, spread, randoms + 1, n)
    best = scores[:, :, 0::2].mean(axis=2).argmax(axis=1)
    gains = scores[np.arange(randoms + 1), best][:, 1::2] - baseline[1::2]
    own, others = float(gains[0].mean()), gains[1:].mean(axis=1).tolist()
    interval, bound = mean_interval(gains[0].tolist(), resamples=600), upper_bound(others)
    excludes_none = interval is not None and interval[0] > 0
    return {
        "interval alone": excludes_none,
        "interval, and twice the largest random": excludes_none and own > 2 * max(others),
        "interval, and the bound of chance": excludes_none and bound is not None and own > bound,
    }


def main() -> None:
    """Print the share of claims of each rule in each world."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=1000)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    for randoms in (3, 5):
        for name, (shape, spread) in WORLDS.items():
            found = [decide(rng, shape, spread, randoms, 10) for _ in range(given.searches)]
            shares = [f"{rule} {100 * sum(one[rule] for one in found) / len(found):.1f} %" for rule in found[0]]
            print(f"{randoms} random directions, {name}: " + "; ".join(shares), flush=True)


if __name__ == "__main__":
    main()
