"""Runs that begin badly: are the faults found and named, are they mended, and does the yield rise?

python -m benchmarks.bad_starts [--traits ...] [--starts ...] [--pairs 100] [--starters 34]

Each run is given pairs of one known fault to begin with (a spec's `starters`), enough of them for its first three
rounds; the last start is a spec that names one lock-in type only. What a failed starter shows is told by the rules of
the organism's world, which the agent never sees.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from agent.board import Board
from agent.checkpoints import Watcher
from agent.coverage import choose_balanced
from agent.engine import work
from agent.folder import create_run
from agent.records import Draft, Failure, Outcome, RoundRecord, Trial
from agent.spec import Spec, Starter
from agent.steps.decide import wilson_interval
from agent.store import Journal
from extract.lint.sets import lint_shares
from extract.trait import SIDES
from lm.organism.world.authoring import flawed_pair
from lm.organism.world.labels import case_of, label
from lm.organism.world.scenarios import draw_case, draw_listener
from lm.organism.world.shapes import TraitWorld
from lm.organism.world.traits import PERFORMED, WORLDS
from lm.organism.world.words import LOCK_INS

STARTS: dict[str, str | None] = {
    "vague lock-ins": "drift",
    "no motivation": "identical",
    "taboo topic": "topic trigger",
    "mid-behaviour": "already committed",
    "one lock-in type": None,
}
"""Each bad start with the fault of its pairs; None where it is the spec's."""
SHORT = {"questions": 8, "prefix_candidates": 2, "random_controls": 2}
"""What comes after the pairs is not looked at here."""


@dataclass(frozen=True)
class Seen:
    """What a run made of its bad start."""

    trait: str
    start: str
    end: str
    rounds: tuple[RoundRecord, ...]
    named: Counter[tuple[str, str]]
    """Failed starters by (class they show, class they were given)."""
    starters: tuple[int, int]
    """Starters that were tested, and how many of them stand."""
    mends: tuple[int, int]
    """Redrafts of starters that were tested, and how many of them stand."""
    clusters: tuple[str, ...]
    """What the lints found too much of, after the first round that found anything."""
    left: tuple[str, ...]
    """The same of the pairs that were chosen in the end."""

    def share(self, rounds: Sequence[RoundRecord]) -> str:
        """Yield of some rounds with its interval."""
        passed, drafted = sum(r.passed for r in rounds), sum(r.drafted for r in rounds)
        low, high = wilson_interval(passed, drafted)
        return f"{passed} of {drafted}, {passed / max(drafted, 1):.2f} [{low:.2f}, {high:.2f}]"

    @property
    def agreement(self) -> tuple[int, int]:
        """Failed starters given the class that they show, of all that show one."""
        return sum(n for (shown, given), n in self.named.items() if shown == given), self.named.total()


def make_spec(trait: TraitWorld, start: str, pairs: int, starters: int, seed: int) -> Spec:
    """A spec with a bad start."""
    values = {"category": trait.category, "trait": trait.name, "pairs": pairs, "seed": seed, "settings": SHORT}
    fault = STARTS[start]
    if fault is None:
        return Spec.model_validate(values | {"lock_ins": ("speech",)})
    drawn = tuple(_starter(trait, fault, index) for index in range(starters))
    return Spec.model_validate(values | {"starters": drawn})


def _starter(trait: TraitWorld, fault: str, index: int) -> Starter:
    rng = Random(f"bad start/{trait.name}/{fault}/{index}")
    case, listener = draw_case(rng, trait), draw_listener(rng)
    lock_in = LOCK_INS[index % len(LOCK_INS)]
    positive, negative = flawed_pair(rng, trait, fault, case, listener, lock_in, SIDES)
    return Starter(
        positive=positive.text,
        negative=negative.text,
        ground_truth=positive.ground_truth,
        domain=case.domain,
        lock_in=lock_in.replace("-", "_"),
    )


def run_start(trait: TraitWorld, start: str, spec: Spec, out: Path) -> Seen:
    """Run it and read the journal."""
    folder = create_run(out, spec, "none", replace=True)
    result = asyncio.run(work(folder, Watcher()))
    journal = Journal(folder.store_file)
    rounds = tuple(journal.all(RoundRecord).values())
    standing = choose_balanced(Board(journal).standing(), spec)
    return Seen(
        trait=trait.path,
        start=start,
        end=f"{result.end}: {result.message}" if result.end != "done" else "done",
        rounds=rounds,
        named=_named(trait, STARTS[start], journal),
        starters=_fate(journal, lambda draft: draft.starter),
        mends=_fate(journal, lambda draft: draft.mends is not None and _mends_starter(draft, journal)),
        clusters=next((record.findings for record in rounds if record.findings), ()),
        left=tuple(f.code for f in lint_shares(standing, spec.settings.set_limits)),
    )


def _named(trait: TraitWorld, fault: str | None, journal: Journal) -> Counter[tuple[str, str]]:
    drafts, trials = journal.all(Draft), journal.all(Trial)
    found: Counter[tuple[str, str]] = Counter()
    for id_, failure in journal.all(Failure).items():
        if drafts[id_].starter and fault and (shown := _shown(trait, fault, drafts[id_], trials[id_])):
            found[failure.failure if failure.failure in shown else shown[0], failure.failure] += 1
    return found


def _shown(trait: TraitWorld, fault: str, draft: Draft, trial: Trial) -> tuple[str, ...]:
    """The classes that a failed starter shows, by the world's labels of what was written.

    A scenario without a motive goes one way or the other by chance, so that its sides are alike and one of them may
    point the wrong way, or both ways. None where the world has no word for what was written.
    """
    if fault != "identical":
        return (fault,)
    case = case_of(trait, draft.pair.ground_truth)
    if case is None:
        return ()
    done = {side: [label(trait, case, sample.text) for sample in trial.samples[side]] for side in SIDES}
    failing = [side for side in SIDES if done[side].count(side) < len(done[side])]
    if any(2 * done[side].count("moralising") >= len(done[side]) for side in failing):
        return ("moralising",)
    missed = [1 - done[side].count(side) / len(done[side]) for side in failing]
    wrong = ("wrong direction",) if any(share > 0.5 for share in missed) else ()
    mixed = ("ambiguous",) if any(share < 1 for share in missed) else ()
    return (fault, *wrong, *mixed)


def _mends_starter(draft: Draft, journal: Journal) -> bool:
    failed = journal.find(Draft, draft.mends or "")
    return failed is not None and failed.starter


def _fate(journal: Journal, wanted: Callable[[Draft], bool]) -> tuple[int, int]:
    """Pairs of a kind that were tested, and how many of them were accepted."""
    outcomes = journal.all(Outcome)
    ids = [id_ for id_, draft in journal.all(Draft).items() if wanted(draft) and id_ in outcomes]
    return len(ids), sum(outcomes[id_].accepted for id_ in ids)


def row(seen: Seen) -> str:
    """One row of the table."""
    right, total = seen.agreement
    low, high = wilson_interval(right, total)
    wrong = ", ".join(f"{n} {shown} as {given}" for (shown, given), n in seen.named.items() if shown != given)
    named = f"{right} of {total} [{low:.2f}, {high:.2f}]" if total else "; ".join(seen.clusters) or "-"
    cells = (
        seen.trait,
        seen.start,
        f"{seen.starters[1]} of {seen.starters[0]}",
        named + (f" ({wrong})" if wrong else ""),
        f"{seen.mends[1]} of {seen.mends[0]}" if seen.mends[0] else "-",
        seen.share(seen.rounds[:3]),
        seen.share(seen.rounds[-3:]),
        ", ".join(dict.fromkeys(record.approach for record in seen.rounds)),
        seen.end,
        ", ".join(seen.left) or "none",
    )
    return f"| {' | '.join(cells)} |"


COLUMNS = (
    "trait", "start", "starters that pass", "failures named as they show", "redrafts of starters that pass",
    "first three rounds", "last three rounds", "approaches", "end", "caps broken",
)  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traits", nargs="*", default=[world.path for world in PERFORMED])
    parser.add_argument("--starts", nargs="*", default=list(STARTS))
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--starters", type=int, default=34)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", sep="\n", flush=True)
    for trait in (world for world in WORLDS if world.path in options.traits):
        for start in options.starts:
            spec = make_spec(trait, start, options.pairs, options.starters, options.seed)
            with tempfile.TemporaryDirectory() as out:
                print(row(run_start(trait, start, spec, Path(out))), flush=True)


if __name__ == "__main__":
    main()
