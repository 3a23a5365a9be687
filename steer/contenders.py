"""Sets of directions that are given the very same search: the real one, random ones, and those of other traits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import torch
from torch.nn.functional import normalize

from extract.vectors import Direction
from steer.operators import Operator, Push
from steer.report import Cell
from steer.scoring import Question
from steer.strengths import Progress, SearchRule, best_cell, search_lanes
from steer.trials import Bench


@dataclass(frozen=True)
class Contender:
    """One direction for each layer searched, the cells that were tried, and the best of them."""

    name: str
    lanes: tuple[Direction, ...]
    grid: tuple[Cell, ...] = ()
    best: Cell | None = None
    """None before the search, and where no cell was coherent and scored."""

    def push(self, rule: SearchRule, dose: float = 1.0) -> tuple[Operator, ...]:
        """Its best cell as a push, times `dose`; none where there is no best cell."""
        if self.best is None:
            return ()
        lane = next(lane for lane in self.lanes if lane.layer == self.best.layer)
        return (Push(lane, norms=dose * self.best.strength, tokens=rule.tokens),)


def random_contender(lanes: Sequence[Direction], seed: int) -> Contender:
    """The same layers and activation norms, with unit vectors drawn uniformly from the sphere."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(len(lane.vector), generator=generator) for lane in lanes]
    return Contender(
        name=f"random direction {seed}",
        lanes=tuple(replace(lane, vector=normalize(new, dim=0)) for lane, new in zip(lanes, drawn, strict=True)),
    )


async def search_contenders(
    bench: Bench,
    contenders: Sequence[Contender],
    questions: Sequence[Question],
    rule: SearchRule,
    progress: Progress | None = None,
) -> list[Contender]:
    """The contenders with their grids and best cells: all lanes of all, searched side by side with one rule."""
    owners = [n for n, contender in enumerate(contenders) for _ in contender.lanes]
    lanes = [lane for contender in contenders for lane in contender.lanes]
    tried = await search_lanes(bench, lanes, questions, rule, progress)
    found = []
    for n, group in groupby(zip(owners, tried, strict=True), key=lambda item: item[0]):
        grid = tuple(cell for _, cells in group for cell in cells)
        found.append(replace(contenders[n], grid=grid, best=best_cell(grid, rule)))
    return found
