"""Results as text: evidence by layer, and matrices between traits."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from extract.vectors import Directions


def directions_table(directions: Directions) -> str:
    """Layer by layer what was measured; a column is left out where nothing was. The best layer has a star."""
    about = directions.provenance
    held = {found.layer: found for found in about.held_out.layers} if about.held_out else {}
    proven = {found.layer: found for found in about.evidence.layers} if about.evidence else {}
    head = ["layer", "norm", "of activation"]
    head += ["held-out AUROC", "accuracy", "effect"] if held else []
    head += [f"{about.evidence.folds}-fold AUROC [95 %]", "stability"] if about.evidence else []
    head += ["length cosine"] if about.cosines else []
    head += ["refusal cosine"] if about.cosines and about.cosines.refusal else []
    best = directions.best_layer if about.held_out else None
    rows = []
    for number, one in enumerate(directions):
        row = [
            f"{one.layer}{'*' if one.layer == best else ''}",
            f"{one.norm:.3g}",
            f"{one.norm / one.activation_norm:.2f}",
        ]
        if one.layer in held:
            found = held[one.layer]
            row += [f"{found.auroc:.3f}", f"{found.accuracy:.2f}", f"{found.effect_size:.2f}"]
        if one.layer in proven:
            shown = proven[one.layer]
            row += [f"{shown.auroc:.3f} [{shown.ci95[0]:.2f}, {shown.ci95[1]:.2f}]", f"{shown.stability:.2f}"]
        if about.cosines:
            row += [f"{beside[number]:.2f}" for beside in (about.cosines.length, about.cosines.refusal) if beside]
        rows.append(row)
    notes = [repr(directions)]
    if about.evidence:
        notes.append(f"chance: AUROC {about.evidence.null_auroc95:.2f} (95 %), p = {about.evidence.p_value:.3f}")
    notes += [f"warning: {text}" for text in about.warnings]
    return "\n".join([notes[0], *_aligned([head, *rows]), *notes[1:]])


def matrix_table(names: Sequence[str], values: Float[Tensor, "row column"], beside: Sequence[str] = ()) -> str:
    """A matrix between traits, rows and columns in the order of `names`; `beside` names further columns."""
    short = [name.split("/")[-1] for name in names]
    rows = [[name, *(f"{value:.2f}" for value in row)] for name, row in zip(short, values.tolist(), strict=True)]
    return "\n".join(_aligned([["", *short, *beside], *rows]))


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
