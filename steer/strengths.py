"""The strength search: bracket the coherence cliff, bisect it in log space, refine round the best, stop early.

The controller of the steering notes is an option: a fixed number of steps up while coherence holds and down when not.
Each layer of each set of directions is a lane of its own; all lanes take a step together, in one batch.
"""

from collections.abc import Callable, Sequence
from math import log, sqrt
from typing import Literal

from extract.models import LoadedModel
from extract.vectors import Direction
from lm.types import Value
from steer.operators import GENERATED, Push, Tokens
from steer.report import Cell
from steer.scoring import Question, Scorer
from steer.trials import Bench, Trial, run_trials
from steer.writing import LocalWriter

Progress = Callable[[str, int], None]
"""Told what is being done, and of how many answers."""


class SearchRule(Value):
    """How strengths are chosen. Strengths are multiples of the activation norm (steering notes; METHOD, section 6)."""

    controller: Literal["cliff", "momentum"] = "cliff"
    """'momentum' multiplies by `up` after a coherent step and by `down` after another, smoothed (steering notes; there
    with 4 steps)."""
    up: float = 1.2
    down: float = 0.85
    momentum: float = 0.7
    """Share of the last multiplier in the next."""
    start: float = 0.7
    factor: float = 1.6
    """From one strength to the next while the cliff is not bracketed."""
    lowest: float = 0.1
    highest: float = 1.5
    """Beyond the typical cliff at 1.15; with twice the norm one random direction in five moves the organism too."""
    tolerance: float = 1.12
    """Ratio of two strengths that are not worth telling apart."""
    steps: int = 6
    """Strengths tried at most for one layer."""
    min_coherence: float = 70.0
    margin: float = 0.5
    """Standard errors by which the choosing questions must keep more, so that the confirming ones keep
    `min_coherence` too: one answer in ten that falls apart is often two or three in the next ten."""
    wanted: Literal[1, -1] = 1
    """1 to raise the trait, -1 to lower it."""
    tokens: Tokens = GENERATED


async def search(
    model: LoadedModel,
    directions: Sequence[Direction],
    questions: Sequence[Question],
    score: Scorer,
    *,
    rule: SearchRule | None = None,
    max_tokens: int = 48,
) -> list[Cell]:
    """Every layer and strength that was tried on the questions, layer by layer in the order given.

    The best of these is a maximum over many tries: confirm it on other questions (`evaluate` does).
    """
    bench = Bench(LocalWriter(model), score, model.spelling.chats, max_tokens)
    lanes = await search_lanes(bench, directions, questions, rule or SearchRule())
    return [cell for lane in lanes for cell in lane]


async def search_lanes(
    bench: Bench,
    lanes: Sequence[Direction],
    questions: Sequence[Question],
    rule: SearchRule,
    progress: Progress | None = None,
) -> list[list[Cell]]:
    """The cells tried in each lane, in the order they were tried."""
    tried: list[list[Cell]] = [[] for _ in lanes]
    while True:
        due = {n: size for n, cells in enumerate(tried) if (size := next_strength(cells, rule)) is not None}
        if not due:
            return tried
        if progress:
            progress("search", len(due) * len(questions))
        pushes = [(Push(lanes[n], norms=rule.wanted * size, tokens=rule.tokens),) for n, size in due.items()]
        trials = await run_trials(bench, questions, pushes)
        for (n, size), trial in zip(due.items(), trials, strict=True):
            tried[n].append(as_cell(lanes[n].layer, rule.wanted * size, trial))


def as_cell(layer: int, strength: float, trial: Trial) -> Cell:
    """A trial's means as a cell of the grid."""
    return Cell(
        layer=layer,
        strength=strength,
        score=trial.score,
        coherence=trial.coherence,
        coherence_error=trial.coherence_error,
        n=len(trial.questions) - trial.unscored,
        unscored=trial.unscored,
    )


def next_strength(tried: Sequence[Cell], rule: SearchRule) -> float | None:
    """The strength to try next, without sign; None when the lane is done.

    A lane ends at the first unscored cell: where there are no marks, nothing says which way to go.
    """
    if not tried:
        return rule.start
    if tried[-1].status == "unscored" or len(tried) >= rule.steps:
        return None
    return _next_by_momentum(tried, rule) if rule.controller == "momentum" else _next_by_cliff(tried, rule)


def _next_by_momentum(tried: Sequence[Cell], rule: SearchRule) -> float | None:
    """The last strength times a multiplier that remembers the ones before; None beyond the bounds."""
    multiplier = 1.0
    for cell in tried:
        wanted = rule.up if is_coherent(cell, rule) else rule.down
        multiplier = rule.momentum * multiplier + (1 - rule.momentum) * wanted
    size = abs(tried[-1].strength) * multiplier
    return size if rule.lowest <= size <= rule.highest else None


def _next_by_cliff(tried: Sequence[Cell], rule: SearchRule) -> float | None:
    kept = sorted(abs(cell.strength) for cell in tried if is_coherent(cell, rule))
    broken = sorted(abs(cell.strength) for cell in tried if not is_coherent(cell, rule))
    if not kept:
        return max(broken[0] / rule.factor, rule.lowest) if broken[0] > rule.lowest else None
    beyond = [size for size in broken if size > kept[-1]]
    if not beyond:
        return min(kept[-1] * rule.factor, rule.highest) if kept[-1] * rule.tolerance < rule.highest else None
    if beyond[0] / kept[-1] > rule.tolerance:
        return sqrt(beyond[0] * kept[-1])
    return _refined(tried, kept, rule)


def best_cell(cells: Sequence[Cell], rule: SearchRule) -> Cell | None:
    """The coherent cell that moves the trait furthest in the wanted direction; the weaker push on a tie."""
    usable = [cell for cell in cells if is_coherent(cell, rule)]
    return max(usable, key=lambda cell: (rule.wanted * (cell.score or 0.0), -abs(cell.strength)), default=None)


def is_coherent(cell: Cell, rule: SearchRule) -> bool:
    """Scored, and coherent enough to be chosen."""
    if cell.score is None or cell.coherence is None:
        return False
    return cell.coherence - rule.margin * (cell.coherence_error or 0.0) >= rule.min_coherence


def _refined(tried: Sequence[Cell], kept: Sequence[float], rule: SearchRule) -> float | None:
    """The middle of the wider gap beside the best coherent strength; None where no gap is worth it."""
    best = best_cell(tried, rule)
    if best is None:
        return None
    place = kept.index(abs(best.strength))
    gaps = [(kept[n], kept[n + 1]) for n in (place - 1, place) if 0 <= n < len(kept) - 1]
    low, high = max(gaps, key=lambda gap: log(gap[1] / gap[0]), default=(1.0, 1.0))
    return sqrt(low * high) if high / low > rule.tolerance**2 else None
