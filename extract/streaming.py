"""Mean differences over any number of pairs in memory that does not grow with it."""

from collections.abc import Iterable, Sequence
from itertools import islice

from extract.activations import PairActivations, pair_activations
from extract.completions import complete_pairs, tokens_needed
from extract.digests import PairsDigest
from extract.models import Subject
from extract.moments import SideMoments
from extract.pipeline import find_component, provenance_of
from extract.positions import Position
from extract.trait import Pair
from extract.vectors import Directions, Provenance
from lm.errors import UserError

CHUNK = 64
"""Pairs whose activations are held at one time."""


def stream_directions(
    model: Subject,
    pairs: Iterable[Pair],
    *,
    positions: Sequence[str] = ("response[:5]",),
    components: Sequence[str] = ("residual",),
    layers: Sequence[int] | str | None = None,
    trait: str = "",
    token_budget: int | None = None,
) -> list[Directions]:
    """Mean-difference directions for each position and component, in that order; `pairs` are taken as they come.

    What `extract_directions(..., held_out=0)` finds, from running moments. Nothing is held out: there are no figures.
    Raises UserError for an unknown position or component, where no pair has tokens at a position, and where both sides
    are alike.
    """
    parsed = [Position.parse(text) for text in positions]
    named = [find_component(name) for name in components]
    source, digest = iter(pairs), PairsDigest()
    sums: list[SideMoments | None] = [None] * (len(parsed) * len(named))
    latest: list[PairActivations] = []
    while chunk := list(islice(source, CHUNK)):
        completed = complete_pairs(model, chunk, max_tokens=tokens_needed(parsed))
        for pair in completed:
            digest.add(pair)
        latest = pair_activations(model, completed, parsed, components=named, layers=layers, token_budget=token_budget)
        sums = [_added(sum_, reading) for sum_, reading in zip(sums, latest, strict=True)]
    about = provenance_of(model, digest, trait=trait, seed=0)
    return [_as_directions(sum_, reading, about) for sum_, reading in zip(sums, latest, strict=True)]


def _added(sum_: SideMoments | None, reading: PairActivations) -> SideMoments | None:
    if not reading.kept:
        return sum_
    found = SideMoments.of(reading)
    return found if sum_ is None else sum_ + found


def _as_directions(sum_: SideMoments | None, reading: PairActivations, about: Provenance) -> Directions:
    """`reading` is any one of those summed up: it tells position, component and layers."""
    if sum_ is None:
        raise UserError(f"None of the {about.pairs} pairs has tokens at '{reading.position}' on both sides.")
    raw, count = sum_.mean_difference, sum_.positive.count
    norm = raw.norm(dim=1)
    if not bool(raw.isfinite().all()) or not bool(norm.all()):
        raise UserError(f"There is no direction at {reading.position}: both sides are alike at some layer.")
    told = {
        "position": str(reading.position),
        "component": reading.component,
        "method": "mean_difference",
        "layers": reading.layers,
        "pairs_dropped": about.pairs - count,
        "pairs_fitted": count,
    }
    return Directions(
        direction=raw / norm[:, None],
        norm=norm,
        baseline=(sum_.middle * raw).sum(dim=1) / norm,
        activation_norm=sum_.norm.float(),
        provenance=about.model_copy(update=told),
    )
