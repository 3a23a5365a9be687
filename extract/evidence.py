"""What is known about directions beyond one split, as values: folds, null, stability, how many pairs it takes."""

from collections.abc import Sequence

from lm.types import Value


class LayerEvidence(Value):
    """One layer over all folds."""

    layer: int
    auroc: float
    """Of projections on directions fitted without the pair's own fold, each less its fold's threshold.

    Where there is nothing to find it lies below 0.5, as always when the parts of one set are set against each other."""
    ci95: tuple[float, float]
    """Bootstrap over ground truths."""
    stability: float
    """Mean cosine between directions fitted on two halves of the ground truths."""


class CurvePoint(Value):
    """The direction found from fewer pairs, at the best layer."""

    pairs: int
    cosine: float
    """With the direction found from all pairs."""


class Cosines(Value):
    """Cosines of directions, layer by layer, with what they may be instead."""

    length: tuple[float, ...]
    """With the direction along which activations grow with the scenario's length."""
    refusal: tuple[float, ...] | None = None
    """With the built-in refusal direction (`extract.refusal`); None where it was not read."""

    def at(self, rows: Sequence[int]) -> "Cosines":
        """Those of some rows."""
        refusal = self.refusal and tuple(self.refusal[row] for row in rows)
        return Cosines(length=tuple(self.length[row] for row in rows), refusal=refusal)


class Evidence(Value):
    """Cross-validation by ground truth, and what chance gives."""

    folds: int
    pairs: int
    ground_truths: int
    layers: tuple[LayerEvidence, ...]
    best_layer: int
    null_auroc95: float
    """95 % quantile of the best layer's AUROC when the sides of held-out ground truths are swapped at random."""
    p_value: float
    """Share of such draws, this one included, whose best layer is at least as good as the best layer found."""
    curve: tuple[CurvePoint, ...]
    """By number of pairs; where it is flat, more pairs change nothing."""

    @property
    def best(self) -> LayerEvidence:
        """Figures of the best layer."""
        return next(found for found in self.layers if found.layer == self.best_layer)
