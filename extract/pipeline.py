"""From pairs to directions with their evidence, in one call."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from extract.activations import PairActivations, chosen_layers, pair_activations
from extract.blocks import COMPONENTS, Component
from extract.completions import complete_pairs, tokens_needed
from extract.confounds import find_warnings, measure_cosines
from extract.digests import PairsDigest, digest_pairs
from extract.methods.contrast import Contrast
from extract.methods.massive import massive_dimensions, without_dimensions
from extract.methods.registry import Method, find_method
from extract.models import Subject
from extract.positions import Position
from extract.quality import HELD_OUT_SHARE, HeldOut, group_of, held_out_quality, split_by_ground_truth
from extract.refusal import refusal_directions
from extract.stores import Progress
from extract.trait import Pair
from extract.validation import validate
from extract.vectors import Directions, Provenance
from lm.errors import UserError
from lm.types import Value

FEW_FITTED = 5
"""Pairs to fit on below which it is said that too many are held out."""


class ExtractionSettings(Value):
    """What is extracted of a trait, and how."""

    positions: tuple[str, ...] = Field(default=("response[:5]",), min_length=1)
    methods: tuple[str, ...] = Field(default=("mean_difference",), min_length=1)
    components: tuple[str, ...] = Field(default=("residual",), min_length=1)
    layers: tuple[int, ...] | None = None
    """None: all of them."""
    held_out: float = Field(default=HELD_OUT_SHARE, ge=0, lt=1)
    evidence: bool = True
    remove_massive: bool = False
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Extraction:
    """What one pass over the model gives."""

    pairs: list[Pair]
    """All of them, those completed that had no completions."""
    readings: list[PairActivations]
    """By position and component, in that order."""
    directions: list[Directions]
    """By position, component and method, in that order."""


def extract_directions(
    model: Subject,
    pairs: Sequence[Pair],
    *,
    positions: Sequence[str] = ("response[:5]",),
    methods: Sequence[str] = ("mean_difference",),
    components: Sequence[str] = ("residual",),
    layers: Sequence[int] | str | None = None,
    trait: str = "",
    held_out: float = HELD_OUT_SHARE,
    evidence: bool = False,
    remove_massive: bool = False,
    seed: int = 0,
    token_budget: int | None = None,
    scratch: str | Path | None = None,
    progress: Progress | None = None,
) -> list[Directions]:
    """Directions of all layers for each position, component and method, in that order; one pass over the model.

    Directions are fitted on the training pairs only, and stay so: the held-out figures and the threshold describe
    the very vectors that are returned. `held_out=0` fits on all pairs and reports no figures. `evidence` adds folds,
    null, stability, cosines with length and refusal, and warnings, for a dozen fits more. `remove_massive` leaves
    massive coordinates out of the fit. `layers` are numbers, or a text such as '30%-60%'. A pair without completions
    is continued greedily, as far as the positions need it. Large sets: `scratch` is a folder for activations. Raises
    UserError for an unknown position, method, component or layer, and where no pair has tokens at a position.
    """
    if not 0 <= held_out < 1:
        raise UserError(f"held_out is {held_out}; a share from 0 up to, not including, 1 is allowed.")
    settings = ExtractionSettings(
        positions=_several("positions", positions),
        methods=_several("methods", methods),
        components=_several("components", components),
        layers=chosen_layers(model, layers),
        held_out=held_out,
        evidence=evidence,
        remove_massive=remove_massive,
        seed=seed,
    )
    folder = None if scratch is None else Path(scratch)
    return extract_with(
        model, pairs, settings, trait=trait, token_budget=token_budget, scratch=folder, progress=progress
    ).directions


def extract_with(
    model: Subject,
    pairs: Sequence[Pair],
    settings: ExtractionSettings,
    *,
    trait: str = "",
    token_budget: int | None = None,
    scratch: Path | None = None,
    progress: Progress | None = None,
) -> Extraction:
    """As `extract_directions`, with what was read beside what was found."""
    positions = [Position.parse(text) for text in settings.positions]
    fits = dict(named_fit(name, remove_massive=settings.remove_massive) for name in settings.methods)
    components = [find_component(name) for name in settings.components]
    completed = complete_pairs(model, pairs, max_tokens=tokens_needed(positions))
    readings = pair_activations(
        model,
        completed,
        positions,
        components=components,
        layers=settings.layers,
        token_budget=token_budget,
        scratch=scratch,
        progress=progress,
    )
    about = provenance_of(model, digest_pairs(completed), trait=trait, seed=settings.seed)
    refusal = refusal_directions(model, components, settings.layers) if settings.evidence else {}
    directions = [
        one
        for reading in readings
        for one in fit_reading(
            reading,
            completed,
            fits,
            about,
            held_out=settings.held_out,
            evidence=settings.evidence,
            refusal=refusal.get(reading.component),
        )
    ]
    return Extraction(completed, readings, directions)


def _several(name: str, given: Sequence[str]) -> tuple[str, ...]:
    """Names as they were given. Raises UserError for one text instead of a list, and for none."""
    if isinstance(given, str) or not given:
        raise UserError(f"{name} takes a list of one name or more, such as {name}=[{str(given) or '...'!r}].")
    return tuple(given)


def named_fit(name: str, *, remove_massive: bool) -> tuple[str, Method]:
    """A method and the name that its directions carry. Raises UserError for an unknown one."""
    fit = find_method(name)
    if not remove_massive:
        return name, fit
    return f"{name} without massive", lambda rows: fit(without_dimensions(rows, massive_dimensions(rows)))


def find_component(name: str) -> Component:
    """The component of that name. Raises UserError that lists the known ones."""
    found = next((component for component in COMPONENTS if component == name), None)
    if found is None:
        raise UserError(f"There is no component {name!r}. Components: {', '.join(COMPONENTS)}.")
    return found


def provenance_of(model: Subject, digest: PairsDigest, *, trait: str, seed: int) -> Provenance:
    """What directions from these pairs share, whatever the position, component and method."""
    return Provenance(
        trait=trait,
        dataset=digest.hexdigest(),
        subject=model.reference,
        revision=model.revision,
        position="",
        method="",
        layers=(),
        pairs=digest.pairs,
        pairs_fitted=0,
        seed=seed,
        versions={package: version(package) for package in ("torch", "transformers", "scikit-learn")},
    )


def fit_reading(
    reading: PairActivations,
    pairs: Sequence[Pair],
    fits: dict[str, Method],
    about: Provenance,
    *,
    held_out: float,
    evidence: bool,
    refusal: Float[Tensor, "layer width"] | None = None,
) -> list[Directions]:
    """Directions of one reading, one of each method; `pairs` are all that were read.

    With `evidence` their cosines with `refusal`, unit vectors of the same layers, are among it where it is given.
    """
    if not reading.kept:
        raise UserError(f"None of the {len(pairs)} pairs has tokens at '{reading.position}' on both sides.")
    kept = [pairs[number] for number in reading.kept]
    split = split_by_ground_truth(kept, share=held_out, seed=about.seed)
    found = []
    for name, fit in fits.items():
        directions = fit_directions(reading, kept, split, fit, about.model_copy(update={"method": name}))
        proven = _with_evidence(directions, reading, kept, fit, refusal) if evidence else directions
        found.append(_warned(proven, _few_fitted(split)))
    return found


def _few_fitted(split: tuple[Sequence[int], Sequence[int]]) -> str:
    """What to say of directions that hardly any pair was left for; empty where enough are."""
    fitted, held = map(len, split)
    if not held or fitted >= FEW_FITTED:
        return ""
    return f"fitted on {fitted} of {fitted + held} pairs, the others are held out: hold out a smaller share"


def _warned(directions: Directions, warning: str) -> Directions:
    about = directions.provenance
    if not warning:
        return directions
    return replace(directions, provenance=about.model_copy(update={"warnings": (warning, *about.warnings)}))


def fit_directions(
    reading: PairActivations,
    pairs: Sequence[Pair],
    split: tuple[Sequence[int], Sequence[int]],
    fit: Method,
    about: Provenance,
) -> Directions:
    """Fit one method on the training pairs of a reading, layer by layer, and measure it on the others.

    `about` is completed by what is found here: position, component, layers, numbers of pairs, held-out figures.
    """
    fitted, held = list(split[0]), list(split[1])
    groups = tuple(group_of(pair) for pair in pairs)
    described = about.model_copy(
        update={
            "position": str(reading.position),
            "component": reading.component,
            "layers": reading.layers,
            "pairs_dropped": reading.dropped,
            "pairs_fitted": len(fitted),
        }
    )
    found = [_fit_layer(reading, row, fitted, groups, fit, described) for row in range(len(reading.layers))]
    positive = torch.stack([layer.positive for layer in found], dim=1)
    negative = torch.stack([layer.negative for layer in found], dim=1)
    baseline = (positive[fitted].mean(dim=0) + negative[fitted].mean(dim=0)) / 2
    quality: HeldOut | None = None
    if held:
        held_groups = [groups[number] for number in held]
        quality = held_out_quality(
            positive[held], negative[held], baseline, held_groups, reading.layers, seed=about.seed
        )
    return Directions(
        direction=torch.stack([layer.unit for layer in found]),
        norm=torch.tensor([layer.norm for layer in found]),
        baseline=baseline,
        activation_norm=reading.norm[fitted].mean(dim=0),
        provenance=described.model_copy(update={"held_out": quality}),
    )


@dataclass(frozen=True, eq=False)
class _Layer:
    """What was found at one layer, and the projections of all pairs on it."""

    unit: Float[Tensor, " width"]
    norm: float
    positive: Float[Tensor, " pair"]
    negative: Float[Tensor, " pair"]


def _fit_layer(
    reading: PairActivations, row: int, fitted: list[int], groups: tuple[str, ...], fit: Method, about: Provenance
) -> _Layer:
    positive, negative = reading.at(row)
    contrast = Contrast(
        positive=positive[fitted],
        negative=negative[fitted],
        groups=tuple(groups[number] for number in fitted),
        seed=about.seed * 1000 + reading.layers[row],
    )
    vector = fit(contrast)
    norm = float(vector.norm())
    if not bool(vector.isfinite().all()) or norm == 0:
        raise UserError(
            f"{about.method} finds no direction at {reading.position}, layer {reading.layers[row]}: "
            "both sides are alike."
        )
    return _Layer(vector / norm, norm, positive @ (vector / norm), negative @ (vector / norm))


def _with_evidence(
    directions: Directions,
    reading: PairActivations,
    pairs: Sequence[Pair],
    fit: Method,
    refusal: Float[Tensor, "layer width"] | None,
) -> Directions:
    about = directions.provenance
    found = validate(reading, [group_of(pair) for pair in pairs], fit, seed=about.seed)
    beside = measure_cosines(directions, reading, pairs, refusal)
    proven = replace(directions, provenance=about.model_copy(update={"evidence": found, "cosines": beside}))
    warnings = find_warnings(proven, reading, pairs, found)
    return replace(proven, provenance=proven.provenance.model_copy(update={"warnings": warnings}))
