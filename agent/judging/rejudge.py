"""A finished run's completions scored once more, by another judge; nothing is generated, no dataset is touched."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from agent.board import Board
from agent.errors import RunError
from agent.judging.agreement import Estimate, Share, agreement_on, rank_agreement
from agent.judging.bench import JudgeBench
from agent.judging.scoring import Said, value_of
from agent.records import Ending, FreshTest, FreshTrial, Trial
from agent.report.reading import OpenRun
from agent.settings import Settings
from agent.steps.trial import as_judged, conclude
from extract.intervals import Interval, mean_interval
from extract.trait import SIDES, Sample, Side
from lm.judge import JudgeItem
from lm.types import Value
from lm.verdicts import Verdict

ROUNDS = "rounds"
"""The name of the tests of drafted pairs, one a round; fresh tests are 'fresh 1', 'fresh 2', …"""


class Stored(Value):
    """One completion of a run, what its judge was told of it, and its verdict."""

    pair: str
    test: str
    side: Side
    sample: int
    situation: str | None
    text: str
    before: Verdict | None


class Rejudged(Stored):
    """The same with the new verdict."""

    after: Verdict


class Flip(Value):
    """A pair that one judge passes and the other does not."""

    pair: str
    test: str
    passed_before: bool
    passed_after: bool
    before: dict[Side, float | None]
    """Mean score per side."""
    after: dict[Side, float | None]


class JudgesCompared(Value):
    """How far two judges agree on one run."""

    samples: int
    unscored_before: int
    unscored_after: int
    spearman: Estimate
    """Of the samples that both scored. Its interval, and the next, take samples of one pair for independent."""
    kappa_samples: Estimate
    """On whether such a sample reaches the score that a positive side needs."""
    mean_difference: float | None
    """New minus old score of these samples."""
    mean_difference_ci95: Interval | None
    """Bootstrap over pairs, as samples of one pair are alike."""
    pairs: int
    """Tested pairs; one that was tested afresh counts in each test."""
    kappa_pairs: Estimate
    """On whether a pair passes."""
    flips: tuple[Flip, ...]
    last_test: str
    """The test whose pass rates these are."""
    passed_before: Share
    passed_after: Share


def stored_samples(run: OpenRun) -> list[Stored]:
    """The judged completions of a run; RunError unless it has ended, and where it has none."""
    if run.journal.find(Ending, "ending") is None:
        raise RunError(f"{run.folder.path} has not ended. `traitsmith resume {run.folder.path}` goes on.")
    pairs = {id_: draft.pair for id_, draft in Board(run.journal).drafts().items()}
    rows = [
        _row(key, side, number, sample, as_judged(pairs[key[0]], sample.text, run.info.spec.settings))
        for key, trial in _trials(run).items()
        for side in SIDES
        for number, sample in enumerate(trial.samples[side])
    ]
    if not rows:
        raise RunError(f"{run.folder.path} holds no completions: it ended before any pair was tested.")
    return rows


async def rejudge(run: OpenRun, rows: Sequence[Stored], bench: JudgeBench, said: Said) -> list[Rejudged]:
    """The same completions, scored by another judge with the run's rubric and what its judge was told."""
    trait = Board(run.journal).trait()
    done: list[Rejudged] = []
    with bench.calls.during("rejudge"):
        for start in range(0, len(rows), bench.part):
            part = rows[start : start + bench.part]
            items = [JudgeItem(situation=row.situation, text=row.text) for row in part]
            verdicts = await bench.judge.score_trait(trait.rubric, trait.label, items)
            done += [Rejudged(**row.model_dump(), after=new) for row, new in zip(part, verdicts, strict=True)]
            said(len(done), len(rows))
    return done


def compare(run: OpenRun, rows: Sequence[Rejudged]) -> JudgesCompared:
    """How far the judges agree, on samples and on pairs."""
    settings = run.info.spec.settings
    both = [
        (row.pair, before, after)
        for row in rows
        if (before := value_of(row.before)) is not None and (after := value_of(row.after)) is not None
    ]
    old, new = [before for _, before, _ in both], [after for _, _, after in both]
    differences = _by_pair(both)
    trials = _trials(run)
    again = _concluded(rows, settings)
    last = next((f"fresh {number}" for number in reversed(run.journal.all(FreshTest))), ROUNDS)
    return JudgesCompared(
        samples=len(rows),
        unscored_before=sum(value_of(row.before) is None for row in rows),
        unscored_after=sum(value_of(row.after) is None for row in rows),
        spearman=rank_agreement(old, new),
        kappa_samples=agreement_on(
            [score >= settings.positive_min for score in old], [score >= settings.positive_min for score in new]
        ),
        mean_difference=fmean(now - then for then, now in zip(old, new, strict=True)) if both else None,
        mean_difference_ci95=mean_interval(differences),
        pairs=len(trials),
        kappa_pairs=agreement_on([trial.passed for trial in trials.values()], [again[key].passed for key in trials]),
        flips=tuple(
            _flip(key, trial, again[key]) for key, trial in trials.items() if trial.passed != again[key].passed
        ),
        last_test=last,
        passed_before=_passed(trials, last),
        passed_after=_passed(again, last),
    )


def rejudged_folder(run: Path, reference: str) -> Path:
    """Where one judge's second look at a run goes: readable, and different for different judges."""
    words = re.sub(r"[^a-zA-Z0-9]+", "-", reference).strip("-")[:60]
    return run / "rejudged" / f"{words}-{hashlib.sha256(reference.encode()).hexdigest()[:8]}"


_Key = tuple[str, str]
"""Pair and test."""


def _trials(run: OpenRun) -> dict[_Key, Trial]:
    rounds = {(id_, ROUNDS): trial for id_, trial in run.journal.all(Trial).items()}
    fresh: dict[_Key, Trial] = {}
    for key, trial in run.journal.all(FreshTrial).items():
        id_, _, test = key.rpartition("@")
        fresh[id_, f"fresh {test}"] = trial
    return rounds | fresh


def _row(key: _Key, side: Side, number: int, sample: Sample, item: JudgeItem) -> Stored:
    return Stored(
        pair=key[0],
        test=key[1],
        side=side,
        sample=number,
        situation=item.situation,
        text=item.text,
        before=sample.verdict,
    )


def _concluded(rows: Sequence[Rejudged], settings: Settings) -> dict[_Key, Trial]:
    """The tests as they would have gone with the new verdicts."""
    samples: dict[_Key, dict[Side, list[Sample]]] = {}
    for row in rows:
        sides = samples.setdefault((row.pair, row.test), {side: [] for side in SIDES})
        sides[row.side].append(Sample(text=row.text, verdict=row.after))
    return {key: conclude({side: tuple(sides[side]) for side in SIDES}, settings) for key, sides in samples.items()}


def _flip(key: _Key, before: Trial, after: Trial) -> Flip:
    return Flip(
        pair=key[0],
        test=key[1],
        passed_before=before.passed,
        passed_after=after.passed,
        before=before.scores,
        after=after.scores,
    )


def _passed(trials: Mapping[_Key, Trial], test: str) -> Share:
    outcomes = [trial.passed for (_, name), trial in trials.items() if name == test]
    return Share(count=sum(outcomes), total=len(outcomes))


def _by_pair(both: Sequence[tuple[str, float, float]]) -> list[float]:
    """Mean difference of each pair's samples."""
    by_pair: dict[str, list[float]] = {}
    for pair, before, after in both:
        by_pair.setdefault(pair, []).append(after - before)
    return [fmean(differences) for differences in by_pair.values()]
