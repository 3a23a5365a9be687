"""Directions: one unit vector per layer, with all that is needed to use and to reproduce it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import nan
from pathlib import Path

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from extract.evidence import Cosines, Evidence
from extract.quality import HeldOut, LayerQuality, rank
from lm.errors import UserError
from lm.types import Value

_NOTHING = 1e-5
"""Share of a vector's length below which what is left is rounding error."""


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
    evidence: Evidence | None = None
    """Folds, null and stability; None where they were not asked for."""
    cosines: Cosines | None = None
    """With length and refusal; None where evidence was not asked for."""
    warnings: tuple[str, ...] = ()
    """What speaks against taking this for the trait's direction, in words."""
    made: str = ""
    """How it was made of other directions, as a formula; empty for directions fitted on pairs."""
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

    def cosine(self, other: "Direction") -> float:
        """Cosine between two directions."""
        return float(self.vector @ other.vector)

    def project(self, rows: Float[Tensor, "row d_model"]) -> Float[Tensor, " row"]:
        """How far rows lie along it beyond the threshold: positive on the trait's side."""
        return rows.float() @ self.vector.to(rows.device) - self.baseline


@dataclass(frozen=True, eq=False)
class Directions:
    """One unit vector per layer; `directions[14]` is that of layer 14."""

    direction: Float[Tensor, "layer d_model"]
    norm: Float[Tensor, " layer"]
    baseline: Float[Tensor, " layer"]
    activation_norm: Float[Tensor, " layer"]
    provenance: Provenance

    @classmethod
    def of(
        cls,
        raw: Float[Tensor, "layer d_model"],
        layers: Sequence[int],
        *,
        trait: str = "",
        subject: str = "",
        position: str = "unknown",
        method: str = "by hand",
    ) -> "Directions":
        """Directions from vectors of one's own, of any length; raises UserError for zeros and values not finite.

        Thresholds are 0. Activation norms are not known: push with `absolute=`, or measure them.
        """
        norm = raw.float().norm(dim=1)
        if not bool(raw.isfinite().all()) or bool((norm == 0).any()):
            raise UserError("A vector is zero or not finite; leave that layer out.")
        about = Provenance(
            trait=trait,
            dataset="",
            subject=subject,
            position=position,
            method=method,
            layers=tuple(layers),
            pairs=0,
            pairs_fitted=0,
        )
        return cls(raw.float() / norm[:, None], norm, torch.zeros(len(norm)), torch.full((len(norm),), nan), about)

    @property
    def layers(self) -> tuple[int, ...]:
        """Layer numbers of the rows."""
        return self.provenance.layers

    @property
    def best_layer(self) -> int:
        """The layer with the best held-out figures; the middle one where nothing was held out."""
        best = self._best
        return best.layer if best else self.layers[len(self) // 2]

    @property
    def _best(self) -> LayerQuality | None:
        held_out = self.provenance.held_out
        return max((found for found in held_out.layers if found.layer in self._rows), key=rank) if held_out else None

    def __getitem__(self, layer: int) -> Direction:
        row = self._row(layer)
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

    def at(self, layers: Sequence[int]) -> "Directions":
        """The same directions at these layers only. Raises KeyError for a layer that is not there."""
        rows = [self._row(layer) for layer in layers]
        tensors = {name: tensor[rows] for name, tensor in self.tensors().items()}
        told = {"layers": tuple(layers), "cosines": self.provenance.cosines and self.provenance.cosines.at(rows)}
        return Directions(provenance=self.provenance.model_copy(update=told), **tensors)

    @property
    def raw(self) -> Float[Tensor, "layer d_model"]:
        """The vectors with the lengths that the method gave them."""
        return self.direction * self.norm[:, None]

    def __add__(self, other: "Directions") -> "Directions":
        self._check_alike(other)
        return self._made(
            self.raw + other.raw,
            self.norm * self.baseline + other.norm * other.baseline,
            f"{self.formula} + {other.formula}",
        )

    def __sub__(self, other: "Directions") -> "Directions":
        return self + other * -1.0

    def __mul__(self, factor: float) -> "Directions":
        return self._made(self.raw * factor, self.norm * self.baseline * factor, f"{factor:g} ({self.formula})")

    __rmul__ = __mul__

    def __neg__(self) -> "Directions":
        return self * -1.0

    def orthogonal_to(self, other: "Directions") -> "Directions":
        """What is left of each layer's vector without its part along the other's. Raises UserError if nothing is."""
        self._check_alike(other)
        along = (self.raw * other.direction).sum(dim=1)
        return self._made(
            self.raw - along[:, None] * other.direction,
            self.norm * self.baseline - along * other.baseline,
            f"{self.formula} without {other.formula}",
        )

    def cosine(self, other: "Directions") -> Float[Tensor, " layer"]:
        """Cosine between two sets of directions, layer by layer."""
        self._check_alike(other)
        return (self.direction * other.direction).sum(dim=1)

    @property
    def formula(self) -> str:
        """What they are in a few words, for what is made of them."""
        about = self.provenance
        return about.made or about.trait or about.method

    def __len__(self) -> int:
        return len(self.layers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Directions):
            return NotImplemented
        mine, theirs = self.tensors(), other.tensors()
        return self.provenance == other.provenance and all(_same(mine[name], theirs[name]) for name in mine)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        about = self.provenance
        best = self._best
        figure = f", held-out AUROC {best.auroc:.3f} at layer {best.layer}" if best else ""
        part = "" if about.component == "residual" else f" {about.component}"
        return (
            f"Directions({about.made or about.trait or 'unnamed'}: {about.method} at {about.position}{part} of "
            f"{about.subject}, {len(self)} layers x {self.direction.shape[1]}, {about.pairs_fitted} pairs{figure})"
        )

    def table(self) -> str:
        """The evidence layer by layer, as text to be printed."""
        from extract.tables import directions_table

        return directions_table(self)

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

    def _row(self, layer: int) -> int:
        if layer not in self._rows:
            raise KeyError(f"No direction for layer {layer}; there are layers {', '.join(map(str, self.layers))}.")
        return self._rows[layer]

    def _check_alike(self, other: "Directions") -> None:
        for name in ("subject", "component", "layers"):
            mine, theirs = getattr(self.provenance, name), getattr(other.provenance, name)
            if mine != theirs:
                raise UserError(f"Directions of {name} {mine} and of {name} {theirs} have nothing in common.")

    def _made(
        self, raw: Float[Tensor, "layer d_model"], thresholds: Float[Tensor, " layer"], formula: str
    ) -> "Directions":
        """Directions of these raw vectors and raw thresholds; figures of what they were made of no longer hold."""
        norm = raw.norm(dim=1)
        gone = [layer for layer, rest in zip(self.layers, (norm / self.norm).tolist(), strict=True) if rest < _NOTHING]
        if gone:
            raise UserError(f"Nothing is left of {formula} at layer {', '.join(map(str, gone))}.")
        told = {"made": formula, "held_out": None, "evidence": None, "cosines": None, "warnings": ()}
        return replace(
            self,
            direction=raw / norm[:, None],
            norm=norm,
            baseline=thresholds / norm,
            provenance=self.provenance.model_copy(update=told),
        )

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {layer: row for row, layer in enumerate(self.layers)}


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same values; what is not known is the same as what is not known."""
    return one.shape == other.shape and bool(((one == other) | (one.isnan() & other.isnan())).all())
