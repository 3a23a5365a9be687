"""What else a direction may be: vocabulary, length, a few massive coordinates, or another trait; said in words."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from extract.activations import PairActivations
from extract.evidence import Cosines, Evidence
from extract.lint.sets import SetLimits, bag_of_words_auroc
from extract.methods.contrast import Contrast
from extract.methods.massive import massive_dimensions
from extract.quality import auroc, group_of
from extract.trait import Pair
from extract.vectors import Directions
from lm.errors import UserError

ALONG = 0.5
"""Cosine from which a direction is said to lie along something else."""
SEPARATES = 0.75
"""AUROC from which the embeddings' first block is said to separate the sides."""
STABLE = 0.8
"""Cosine between halves below which more pairs are needed."""

WORDS_GROUPS = 10
"""Fewest ground truths for a bag of words to be judged."""


def find_warnings(
    directions: Directions,
    reading: PairActivations,
    pairs: Sequence[Pair],
    evidence: Evidence | None,
) -> tuple[str, ...]:
    """What speaks against these directions, in words; `pairs` are the kept ones of the reading."""
    best = evidence.best_layer if evidence else directions.best_layer
    found = [
        _words_warning(pairs, evidence),
        *_along_warnings(directions, best),
        _massive_warning(reading, best),
    ]
    if evidence is None:
        found.append("fewer than four ground truths: folds, null and stability could not be measured")
    if evidence and evidence.p_value > 0.05:
        found.append(
            f"chance does as well: swapping sides at random reaches AUROC {evidence.null_auroc95:.2f}, this has "
            f"{evidence.best.auroc:.2f} (p = {evidence.p_value:.2f})"
        )
    if evidence and evidence.best.stability < STABLE:
        found.append(
            f"two halves of the pairs give directions of cosine {evidence.best.stability:.2f} at layer {best}: "
            "more pairs are needed"
        )
    return tuple(text for text in found if text)


def measure_cosines(
    directions: Directions,
    reading: PairActivations,
    pairs: Sequence[Pair],
    refusal: Float[Tensor, "layer width"] | None,
) -> Cosines:
    """Cosines with length and refusal at each layer; `pairs` are the kept ones of the reading."""
    lengths = [length_direction(reading, pairs, row) for row in range(len(reading.layers))]
    along = [float(one @ other) for one, other in zip(directions.direction, lengths, strict=True)]
    if refusal is None:
        return Cosines(length=tuple(along))
    return Cosines(length=tuple(along), refusal=tuple((directions.direction * refusal).sum(dim=1).tolist()))


def length_direction(reading: PairActivations, pairs: Sequence[Pair], row: int) -> Float[Tensor, " width"]:
    """Unit vector along which activations grow with the scenario's length, within the sides.

    v = sum over sides of cov(x, length); zero where all lengths are equal.
    """
    positive, negative = reading.at(row)
    total = torch.zeros(positive.shape[1])
    for rows, texts in ((positive, [p.positive for p in pairs]), (negative, [p.negative for p in pairs])):
        lengths = torch.tensor([float(len(text)) for text in texts])
        total += (lengths - lengths.mean()) @ (rows - rows.mean(dim=0))
    return torch.nn.functional.normalize(total, dim=0)


def cosines(named: Mapping[str, Directions], layer: int) -> Float[Tensor, "name name"]:
    """Cosines between directions at one layer, in the order given."""
    vectors = torch.stack([directions[layer].vector for directions in named.values()])
    return vectors @ vectors.T


def cross_trait(
    named: Mapping[str, Directions], readings: Mapping[str, PairActivations], layer: int | None = None
) -> Float[Tensor, "direction pairs"]:
    """AUROC of each trait's direction (rows) on each trait's pairs (columns), in the order of `named`.

    At one layer, or at each direction's own best one. Readings should hold pairs that no direction was fitted on.
    Raises UserError where a trait has no reading, or a reading lacks the layer.
    """
    missing = [name for name in named if name not in readings]
    if missing:
        raise UserError(f"There are directions of {', '.join(missing)}, but no activations to test them on.")
    table = torch.zeros(len(named), len(named))
    for place, directions in enumerate(named.values()):
        chosen = directions[directions.best_layer if layer is None else layer]
        for column, name in enumerate(named):
            positive, negative = readings[name].at(readings[name].layers.index(chosen.layer))
            projected = [(rows @ chosen.vector).double().numpy() for rows in (positive, negative)]
            table[place, column] = auroc(projected[0], projected[1])
    return table


def _words_warning(pairs: Sequence[Pair], evidence: Evidence | None) -> str:
    first = next((layer for layer in evidence.layers if layer.layer == 0), None) if evidence else None
    groups = [group_of(pair) for pair in pairs]
    if first is None or first.auroc < SEPARATES or len(set(groups)) < WORDS_GROUPS:
        return ""
    words = bag_of_words_auroc(pairs, groups)
    if words < SetLimits().confound_auroc:
        return ""
    return (
        f"a bag of words separates these scenarios (held-out AUROC {words:.2f}), and so does layer 0 "
        f"({first.auroc:.2f}): vocabulary, not behaviour"
    )


def _along_warnings(directions: Directions, layer: int) -> list[str]:
    measured = directions.provenance.cosines
    if measured is None:
        return []
    row = directions.layers.index(layer)
    beside = {"the scenarios' length": measured.length, "refusal": measured.refusal}
    found = {name: cosines[row] for name, cosines in beside.items() if cosines is not None}
    return [
        f"at layer {layer} it lies along {name} (cosine {cosine:.2f})"
        for name, cosine in found.items()
        if abs(cosine) >= ALONG
    ]


def _massive_warning(reading: PairActivations, layer: int) -> str:
    positive, negative = reading.at(reading.layers.index(layer))
    found = massive_dimensions(Contrast(positive, negative, ("",) * len(positive)))
    if not found:
        return ""
    names = ", ".join(map(str, found[:5])) + (" and more" if len(found) > 5 else "")
    return f"at layer {layer} the coordinates {names} are 100 times the median one; remove_massive leaves them out"
