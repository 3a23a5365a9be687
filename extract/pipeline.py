"""From pairs to directions with their evidence, in one call."""

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version

import torch
from jaxtyping import Float
from torch import Tensor

from extract.activations import PairActivations, pair_activations
from extract.completions import complete_pairs
from extract.methods.contrast import Contrast
from extract.methods.registry import Method, find_method
from extract.models import LoadedModel
from extract.positions import Position
from extract.quality import HELD_OUT_SHARE, HeldOut, group_of, held_out_quality, split_by_ground_truth
from extract.trait import SIDES, Pair
from extract.vectors import Directions, Provenance
from lm.errors import UserError


def extract_directions(
    model: LoadedModel,
    pairs: Sequence[Pair],
    *,
    positions: Sequence[str] = ("response[:5]",),
    methods: Sequence[str] = ("mean_difference",),
    trait: str = "",
    held_out: float = HELD_OUT_SHARE,
    seed: int = 0,
    token_budget: int = 2048,
) -> list[Directions]:
    """Directions of all layers for each position and method, positions first; one pass over the model.

    Directions are fitted on the training pairs only, and stay so: the held-out figures and the threshold describe
    the very vectors that are returned. `held_out=0` fits on all pairs and reports no figures. A pair without
    completions is continued greedily by 16 tokens first. Raises UserError for an unknown position or method, and
    where no pair has tokens at a position.
    """
    parsed = [Position.parse(text) for text in positions]
    fits = {name: find_method(name) for name in methods}
    completed = complete_pairs(model, pairs)
    about = Provenance(
        trait=trait,
        dataset=pairs_digest(completed),
        subject=model.reference,
        revision=model.revision,
        position="",
        method="",
        layers=tuple(range(model.n_layers)),
        pairs=len(pairs),
        pairs_fitted=0,
        seed=seed,
        versions={package: version(package) for package in ("torch", "transformers", "scikit-learn")},
    )
    found = []
    for reading in pair_activations(model, completed, parsed, token_budget=token_budget):
        if not reading.kept:
            raise UserError(f"None of the {len(pairs)} pairs has tokens at '{reading.position}' on both sides.")
        kept = [completed[number] for number in reading.kept]
        split = split_by_ground_truth(kept, share=held_out, seed=seed)
        found += [
            fit_directions(reading, kept, split, fit, about.model_copy(update={"method": name}))
            for name, fit in fits.items()
        ]
    return found


def fit_directions(
    reading: PairActivations,
    pairs: Sequence[Pair],
    split: tuple[Sequence[int], Sequence[int]],
    fit: Method,
    about: Provenance,
) -> Directions:
    """Fit one method on the training pairs of a reading, layer by layer, and measure it on the others.

    `about` is completed by what is found here: position, numbers of pairs, held-out figures.
    """
    fitted, held = list(split[0]), list(split[1])
    groups = tuple(group_of(pair) for pair in pairs)
    raw = torch.stack([_fit_layer(reading, fitted, groups, row, fit, about) for row in range(len(about.layers))])
    norm = raw.norm(dim=1)
    unit = raw / norm[:, None]
    positive, negative = _project(reading.positive, unit), _project(reading.negative, unit)
    baseline = (positive[fitted].mean(dim=0) + negative[fitted].mean(dim=0)) / 2
    quality: HeldOut | None = None
    if held:
        held_groups = [groups[number] for number in held]
        quality = held_out_quality(positive[held], negative[held], baseline, held_groups, about.layers, seed=about.seed)
    return Directions(
        direction=unit,
        norm=norm,
        baseline=baseline,
        activation_norm=reading.norm[fitted].mean(dim=0),
        provenance=about.model_copy(
            update={
                "position": str(reading.position),
                "pairs_dropped": reading.dropped,
                "pairs_fitted": len(fitted),
                "held_out": quality,
            }
        ),
    )


def pairs_digest(pairs: Sequence[Pair]) -> str:
    """SHA-256 of what directions depend on: scenarios, ground truths, token ids of the completions."""
    told = [
        [
            pair.ground_truth,
            *([pair.scenario(side), [sample.token_ids for sample in pair.completions.get(side, ())]] for side in SIDES),
        ]
        for pair in pairs
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def _fit_layer(
    reading: PairActivations, fitted: list[int], groups: tuple[str, ...], row: int, fit: Method, about: Provenance
) -> Float[Tensor, " d_model"]:
    contrast = Contrast(
        positive=reading.positive[fitted, row],
        negative=reading.negative[fitted, row],
        groups=tuple(groups[number] for number in fitted),
        seed=about.seed * 1000 + about.layers[row],
    )
    vector = fit(contrast)
    if not bool(vector.isfinite().all()) or float(vector.norm()) == 0:
        raise UserError(
            f"{about.method} finds no direction at {reading.position}, layer {about.layers[row]}: both sides are alike."
        )
    return vector


def _project(
    rows: Float[Tensor, "pair layer d_model"], unit: Float[Tensor, "layer d_model"]
) -> Float[Tensor, "pair layer"]:
    return torch.einsum("pld,ld->pl", rows, unit)
