"""Figures of the evidence, with matplotlib (the extra `plots`)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from extract.activations import PairActivations
from extract.vectors import Direction, Directions
from lm.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POSITIVE, NEGATIVE = "#b5463c", "#2f6f9f"


def plot_auroc(found: Sequence[Directions]) -> "Figure":
    """Held-out AUROC by layer, a line for each position, component and method; folds with their interval as a band."""
    figure = _figure()
    axes = figure.subplots()
    for directions in found:
        about = directions.provenance
        if about.held_out is None:
            raise UserError(f"{directions!r} has no held-out figures to plot.")
        points = about.held_out.layers
        label = f"{about.position} {about.component} {about.method}".replace(" residual", "")
        [line] = axes.plot([p.layer for p in points], [p.auroc for p in points], marker="o", label=label)
        if about.evidence:
            layers = [p.layer for p in about.evidence.layers]
            low, high = ([p.ci95[end] for p in about.evidence.layers] for end in (0, 1))
            axes.fill_between(layers, low, high, alpha=0.15, color=line.get_color())
            axes.axhline(about.evidence.null_auroc95, linestyle=":", color=line.get_color(), linewidth=1)
    axes.set(xlabel="layer", ylabel="AUROC", ylim=(0, 1.02))
    axes.legend(fontsize="small")
    return figure


def plot_projections(direction: Direction, reading: PairActivations) -> "Figure":
    """Both sides' projections on a direction, less its threshold."""
    figure = _figure()
    axes = figure.subplots()
    sides = reading.at(reading.layers.index(direction.layer))
    for rows, label, colour in zip(sides, ("positive", "negative"), (POSITIVE, NEGATIVE), strict=True):
        axes.hist(direction.project(rows).tolist(), bins=30, alpha=0.6, label=label, color=colour)
    axes.axvline(0, color="black", linewidth=1)
    axes.set(xlabel=f"projection at layer {direction.layer}", ylabel="pairs")
    axes.legend()
    return figure


def plot_curve(directions: Directions) -> "Figure":
    """Cosine with the direction of all pairs by number of pairs: where it is flat, more pairs change nothing."""
    found = directions.provenance.evidence
    if found is None:
        raise UserError(f"{directions!r} has no evidence; extract with evidence=True.")
    figure = _figure()
    axes = figure.subplots()
    axes.plot([point.pairs for point in found.curve], [point.cosine for point in found.curve], marker="o")
    axes.set(
        xlabel="pairs",
        ylabel=f"cosine with all pairs, layer {found.best_layer}",
        ylim=(min(0, axes.get_ylim()[0]), 1.02),
    )
    return figure


def plot_matrix(
    names: Sequence[str], values: Float[Tensor, "row column"], *, beside: Sequence[str] = (), title: str = ""
) -> "Figure":
    """A heat map between traits: AUROCs or cosines; `beside` names further columns."""
    figure = _figure()
    axes = figure.subplots()
    image = axes.imshow(values.numpy(), cmap="RdBu_r", vmin=min(0.0, float(values.min())), vmax=1)
    axes.set_xticks(range(values.shape[1]), [*names, *beside], rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    for row, entries in enumerate(values.tolist()):
        for column, value in enumerate(entries):
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize="small")
    axes.set_title(title)
    figure.colorbar(image)
    return figure


def _figure() -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError("Figures need matplotlib: pip install 'traitsmith[plots]'.") from error
    return Figure(figsize=(7, 4), layout="constrained")
