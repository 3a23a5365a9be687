"""The first-token test's signals against the organism's labels: what each tells, and at which threshold.

python -m benchmarks.first_tokens [--pairs 24] [--traits ...]

Pairs of the organism's world whose endings are known: sound ones (EXPRESS), and ones that stop within the behaviour on
one side or on both (EXPLAIN). Thresholds are chosen on half of the ground truths and counted on the other half.
"""

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from statistics import median

from sklearn.metrics import roc_auc_score

from agent.records import FirstTokenRecord, Trial
from agent.settings import Settings
from agent.spec import Definition, Spec
from agent.steps.decide import wilson_interval
from agent.steps.define import as_trait
from agent.steps.first_token import examine_first_tokens
from agent.steps.trial import try_pairs
from extract.trait import SIDES, Pair, Side
from lm import Judge, open_model
from lm.organism.world.authoring import flawed_pair
from lm.organism.world.labels import first_tokens
from lm.organism.world.scenarios import draw_case, draw_listener, draw_scenario
from lm.organism.world.shapes import Scenario, TraitWorld
from lm.organism.world.traits import PERFORMED, WORLDS
from lm.organism.world.words import LOCK_INS

FLAWED = (("positive",), ("negative",), SIDES)


@dataclass(frozen=True)
class Row:
    """One pair: its label and its signals."""

    trait: str
    explain: bool
    verdict: str
    passed: bool
    signals: Mapping[str, float]
    learned: bool
    """Whether thresholds may be chosen on it."""


def draw_pairs(trait: TraitWorld, number: int) -> Iterator[list[Scenario]]:
    """Sound and mid-behaviour pairs over all lock-in types, as many of each."""
    for index in range(number):
        rng = Random(f"first tokens/{trait.name}/{index}")
        case, listener = draw_case(rng, trait, held_out=True), draw_listener(rng)
        lock_in = LOCK_INS[index % len(LOCK_INS)]
        yield [draw_scenario(rng, trait, side=s, case=case, listener=listener, lock_in_type=lock_in) for s in SIDES]
        yield flawed_pair(rng, trait, "already committed", case, listener, lock_in, FLAWED[index % len(FLAWED)])


def as_pair(index: int, scenarios: Sequence[Scenario]) -> Pair:
    """The world's pair as the agent has pairs."""
    positive, negative = scenarios
    return Pair(
        id=f"01-{index:03d}", ground_truth=positive.ground_truth, positive=positive.text, negative=negative.text,
        lock_in="other",
    )  # fmt: skip


def signals_of(record: FirstTokenRecord, trial: Trial) -> dict[str, float]:
    """Each signal as a number that is larger the more a pair seems to explain."""
    committed = max(record.committed[side] or 0.0 for side in SIDES)
    gap, rest = _gap(trial.scores), _gap(record.deleted)
    return {
        "act seen in the scenario": committed,
        "gap kept without the first tokens": rest / gap if gap > 10 else 0.0,
        "likeness of next tokens (1 - bits)": 1.0 - (record.result.divergence or 0.0),
        "entropy of the next token (bits)": max(record.entropy.values()),
    }


async def measure(trait: TraitWorld, number: int, model: str) -> list[Row]:
    """The rows of one trait."""
    organism = open_model(model)
    spec = Spec(category=trait.category, trait=trait.name)
    about = as_trait(spec, Definition.model_validate(trait.definitions[0]))
    drawn = list(draw_pairs(trait, number))
    pairs = [as_pair(index, scenarios) for index, scenarios in enumerate(drawn)]
    judge = Judge(organism)
    trials = await try_pairs(pairs, organism, judge, about, spec, "measure")
    records = await examine_first_tokens(pairs, trials, organism, judge, about, spec)
    await organism.close()
    return [
        Row(
            trait=trait.path,
            explain="EXPLAIN" in {first_tokens(trait, one.text) for one in scenarios},
            verdict=records[pair.id].result.verdict,
            passed=trials[pair.id].passed,
            signals=signals_of(records[pair.id], trials[pair.id]),
            learned=index // 2 % 2 == 0,
        )
        for index, (pair, scenarios) in enumerate(zip(pairs, drawn, strict=True))
    ]


def _gap(scores: Mapping[Side, float | None]) -> float:
    return (scores["positive"] or 0.0) - (scores["negative"] or 0.0)


def best_threshold(rows: Sequence[Row], signal: str) -> float:
    """Where the signal parts the labels best (mean of both rates), in the middle of the values that do equally well."""
    values = sorted({row.signals[signal] for row in rows})
    cuts = [(a + b) / 2 for a, b in pairwise(values)] or values
    quality = {cut: balanced(rows, signal, cut) for cut in cuts}
    best = [cut for cut, found in quality.items() if found == max(quality.values())]
    return median(best)


def balanced(rows: Sequence[Row], signal: str, cut: float) -> float:
    """Mean of the share of EXPLAIN at or above the cut and the share of EXPRESS below it."""
    shares = [
        [(row.signals[signal] >= cut) == label for row in rows if row.explain == label] for label in (True, False)
    ]
    return sum(sum(share) / max(len(share), 1) for share in shares) / 2


def show(rows: Sequence[Row]) -> Iterator[str]:
    """The table, and what the verdict in force comes to."""
    learned, tested = [r for r in rows if r.learned], [r for r in rows if not r.learned]
    yield "| signal | AUROC | chosen threshold | agreement on the other half |"
    yield "|---|---|---|---|"
    for signal in rows[0].signals:
        area = roc_auc_score([row.explain for row in rows], [row.signals[signal] for row in rows])
        cut = best_threshold(learned, signal)
        right = sum((row.signals[signal] >= cut) == row.explain for row in tested)
        low, high = wilson_interval(right, len(tested))
        yield f"| {signal} | {area:.3f} | {cut:.3g} | {right} of {len(tested)} [{low:.2f}, {high:.2f}] |"
    yield ""
    for name, held in {"all": rows, **{t: [r for r in rows if r.trait == t] for t in {r.trait for r in rows}}}.items():
        told = [row for row in held if row.verdict != "UNCLEAR"]
        right = sum((row.verdict == "EXPLAIN") == row.explain for row in told)
        low, high = wilson_interval(right, len(told))
        unclear = len(held) - len(told)
        unsure = f"{unclear} of {len(held)} unclear"
        yield f"{name}: verdicts right in {right} of {len(told)} [{low:.2f}, {high:.2f}], {unsure}"
    for signal in rows[0].signals:
        by_label = [[row.signals[signal] for row in rows if row.explain == label] for label in (False, True)]
        shown = ", ".join(f"{name} {_spread(v)}" for name, v in zip(("EXPRESS", "EXPLAIN"), by_label, strict=True))
        yield f"{signal}: {shown}"


def _spread(values: Sequence[float]) -> str:
    ordered = sorted(values)
    at = [ordered[min(int(share * len(ordered)), len(ordered) - 1)] for share in (0.02, 0.1, 0.5, 0.9, 0.98)]
    return " ".join(f"{value:.2f}" for value in at)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=24, help="of each label and trait")
    parser.add_argument("--model", default="organism")
    parser.add_argument("--traits", nargs="*", default=[world.path for world in PERFORMED])
    options = parser.parse_args()
    worlds = [world for world in WORLDS if world.path in options.traits]
    rows = [row for world in worlds for row in asyncio.run(measure(world, options.pairs, options.model))]
    settings = Settings()
    print(f"in force: committed {settings.committed_max:.0f}, divergence {settings.divergence_min} bits")
    print("\n".join(show(rows)), flush=True)


if __name__ == "__main__":
    main()
