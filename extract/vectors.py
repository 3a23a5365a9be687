"""Directions: one unit vector per layer, with all that is needed to use and to reproduce it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from extract.quality import HeldOut
from lm.types import Value


class Provenance(Value):
    """Where directions come from; travels in the header of their file."""

    trait: str
    """category/name; empty where it is not known."""
    dataset: str
    """SHA-256 of the pairs: scenarios, ground truths and the token ids of their completions."""
    subject: str
    """Reference of the model whose activations were read."""
    revision: str = ""
    position: str
    component: str = "residual"
    method: str
    layers: tuple[int, ...]
    """Layer numbers of the rows."""
    pairs: int
    """Pairs given."""
    pairs_dropped: int = 0
    """Of these, left out because a side has no token at the position."""
    pairs_fitted: int
    """Of these, those the directions were fitted on."""
    held_out: HeldOut | None = None
    """Figures on the other pairs; None where there are too few ground truths to hold any out."""
    seed: int = 0
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions of the libraries that can change a number."""


@dataclass(frozen=True, eq=False)
class Direction:
    """One layer of directions."""

    vector: Float[Tensor, " d_model"]
    """Unit norm, float32."""
    layer: int
    norm: float
    """Length the method gave the vector."""
    baseline: float
    """Projection half-way between the means of the two sides: the threshold."""
    activation_norm: float
    """Mean norm of the residuals at the position, the unit of `norms=`."""
    trait: str = ""

    def __repr__(self) -> str:
        name = f"{self.trait}, " if self.trait else ""
        return f"Direction({name}layer {self.layer}, activation norm {self.activation_norm:.3g})"


@dataclass(frozen=True, eq=False)
class Directions:
    """One unit vector per layer; `directions[14]` is that of layer 14."""

    direction: Float[Tensor, "layer d_model"]
    norm: Float[Tensor, " layer"]
    baseline: Float[Tensor, " layer"]
    activation_norm: Float[Tensor, " layer"]
    provenance: Provenance

    @property
    def layers(self) -> tuple[int, ...]:
        """Layer numbers of the rows."""
        return self.provenance.layers

    def __getitem__(self, layer: int) -> Direction:
        if layer not in self._rows:
            raise KeyError(f"No direction for layer {layer}; there are layers {', '.join(map(str, self.layers))}.")
        row = self._rows[layer]
        return Direction(
            vector=self.direction[row],
            layer=layer,
            norm=float(self.norm[row]),
            baseline=float(self.baseline[row]),
            activation_norm=float(self.activation_norm[row]),
            trait=self.provenance.trait,
        )

    def __iter__(self) -> Iterator[Direction]:
        return (self[layer] for layer in self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Directions):
            return NotImplemented
        mine, theirs = self.tensors(), other.tensors()
        return self.provenance == other.provenance and all(torch.equal(mine[name], theirs[name]) for name in mine)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        about = self.provenance
        best = about.held_out.best if about.held_out else None
        figure = f", held-out AUROC {best.auroc:.3f} at layer {best.layer}" if best else ""
        return (
            f"Directions({about.trait or 'unnamed'}: {about.method} at {about.position} of {about.subject}, "
            f"{len(self)} layers x {self.direction.shape[1]}, {about.pairs_fitted} pairs{figure})"
        )

    def tensors(self) -> dict[str, Tensor]:
        """The tensors by the names they have in a file."""
        return {
            "direction": self.direction,
            "norm": self.norm,
            "baseline": self.baseline,
            "activation_norm": self.activation_norm,
        }

    def save(self, root: str | Path) -> Path:
        """Write `{root}/{subject}/{position}/{component}/{method}.safetensors` in one step; returns the path."""
        from extract.vector_files import save_directions

        return save_directions(self, Path(root))

    @staticmethod
    def load(path: str | Path) -> "Directions":
        """Read such a file. Raises UserError for any other format, wrong shapes, or values that are not finite."""
        from extract.vector_files import load_directions

        return load_directions(Path(path))

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {layer: row for row, layer in enumerate(self.layers)}
