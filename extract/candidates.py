"""Candidate pairs: two files of scenarios that nothing else is known of."""

import re
from pathlib import Path

from extract.dataset import read_scenarios
from extract.trait import Pair
from lm.errors import UserError


def load_candidates(positive: Path, negative: Path) -> tuple[Pair, ...]:
    """Pairs from two files, one scenario a line, matched by line number.

    Raises UserError naming file and line for what cannot be read, and where the files are not of one length.
    """
    sides = [read_scenarios(file, _read(file)) for file in (positive, negative)]
    counts = [len(side) for side in sides]
    if counts[0] != counts[1]:
        raise UserError(
            f"{positive} has {counts[0]} lines, {negative} has {counts[1]}. Scenarios are matched by line number, so "
            "the counts must be equal."
        )
    if not counts[0]:
        raise UserError(f"{positive} holds no scenario. Write one scenario per line.")
    return tuple(
        Pair(
            id=f"line-{number:04d}",
            ground_truth=common_clauses(one, other),
            positive=one,
            negative=other,
            lock_in="other",
        )
        for number, (one, other) in enumerate(zip(*sides, strict=True), 1)
    )


def common_clauses(positive: str, negative: str) -> str:
    """What both scenarios say before they part, in whole clauses: the ground truth where nobody wrote it down."""
    parts = (at for at, (a, b) in enumerate(zip(positive, negative, strict=False)) if a != b)
    shared = positive[: next(parts, min(len(positive), len(negative)))]
    return re.sub(r"[,.;:!?]?[^,.;:!?]*$", "", shared, count=1).strip()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the scenarios {str(file)!r}: {error.strerror}.") from error
