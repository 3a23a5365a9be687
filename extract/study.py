"""Many traits on one model: directions of each, kept as they are found, and what they have to do with each other."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor

from extract.activations import PairActivations
from extract.confounds import cosines, cross_trait
from extract.digests import digest_pairs
from extract.models import Subject
from extract.pipeline import ExtractionSettings, extract_with, find_component
from extract.positions import Position
from extract.quality import group_of, split_by_ground_truth
from extract.trait import Pair
from extract.vector_files import encode_name, load_directions
from extract.vectors import Directions

TraitProgress = Callable[[str, int, int], None]
"""Told after each batch: the trait, its texts done, its texts in all."""


@dataclass(frozen=True, eq=False)
class Study:
    """Directions by trait, in the order of positions, components and methods; matrices for the first of them."""

    directions: dict[str, list[Directions]]
    files: dict[str, list[Path]]
    folders: dict[str, Path]
    """Where each trait's files lie."""
    cross: Float[Tensor, "direction pairs"] | None
    """AUROC of each trait's direction on each trait's held-out pairs, at the direction's best layer.

    None for one trait, and where nothing was held out."""
    cosines: Float[Tensor, "trait trait"] | None
    """At the middle layer; None for one trait."""
    beside: Float[Tensor, "trait 2"] | None
    """Cosines with length and with refusal at the middle layer; None where evidence was not asked for."""
    held: dict[str, PairActivations]
    """Held-out activations of each trait, for the first of its directions."""


def study_traits(
    model: Subject,
    traits: Mapping[str, Sequence[Pair]],
    settings: ExtractionSettings,
    root: Path,
    *,
    progress: TraitProgress | None = None,
) -> Study:
    """Directions of each trait under `root`, in TRAIT/DIGEST; what is there from the same pairs is not done again.

    The digest is that of model, pairs and settings: other ones lie beside them. Raises UserError as
    `extract_directions` does.
    """
    directions: dict[str, list[Directions]] = {}
    files: dict[str, list[Path]] = {}
    folders: dict[str, Path] = {}
    held: dict[str, PairActivations] = {}
    for name, pairs in traits.items():
        about = _identity(model, pairs, settings)
        folder = folders[name] = root / encode_name(name) / _digest(about)
        if not (folder / "done.json").is_file():
            _extract(model, name, pairs, settings, folder, about, progress)
        files[name] = [folder / path for path in json.loads((folder / "done.json").read_text())["files"]]
        directions[name] = [load_directions(path) for path in files[name]]
        held[name] = _load_held(folder, directions[name][0])
    first = {name: found[0] for name, found in directions.items()}
    layers = next(iter(first.values())).layers
    several, measured = len(traits) > 1, all(reading.kept for reading in held.values())
    return Study(
        directions,
        files,
        folders,
        cross_trait(first, held) if several and measured else None,
        cosines(first, layers[len(layers) // 2]) if several else None,
        _beside(list(first.values()), len(layers) // 2),
        held,
    )


def _beside(found: Sequence[Directions], row: int) -> Float[Tensor, "trait 2"] | None:
    measured = [directions.provenance.cosines for directions in found]
    rows = [(one.length[row], one.refusal[row]) for one in measured if one is not None and one.refusal is not None]
    return torch.tensor(rows) if len(rows) == len(found) else None


def _identity(model: Subject, pairs: Sequence[Pair], settings: ExtractionSettings) -> dict[str, object]:
    return {
        "subject": model.reference,
        "revision": model.revision,
        "pairs": digest_pairs(pairs).hexdigest(),
        "settings": settings.model_dump(mode="json"),
    }


def _digest(about: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]


def _extract(
    model: Subject,
    name: str,
    pairs: Sequence[Pair],
    settings: ExtractionSettings,
    folder: Path,
    about: dict[str, object],
    progress: TraitProgress | None,
) -> None:
    """Read one trait, fit and keep its directions; `done.json` is written last."""
    report = None if progress is None else lambda done, of: progress(name, done, of)
    found = extract_with(model, pairs, settings, trait=name, progress=report)
    files = [directions.save(folder) for directions in found.directions]
    _save_held(folder, found.readings[0], found.pairs, settings)
    told = about | {"files": [str(path.relative_to(folder)) for path in files]}
    draft = folder / ".done.json.tmp"
    draft.write_text(json.dumps(told, indent=1) + "\n")
    draft.replace(folder / "done.json")


def _save_held(folder: Path, reading: PairActivations, pairs: Sequence[Pair], settings: ExtractionSettings) -> None:
    """Keep the held-out activations of the first reading: other traits' directions are tested on them."""
    kept = [pairs[number] for number in reading.kept]
    held = split_by_ground_truth(kept, share=settings.held_out, seed=settings.seed)[1]
    sides = torch.stack([reading.positive[held], reading.negative[held]], dim=1).flatten(0, 1).transpose(0, 1)
    groups = json.dumps([group_of(kept[number]) for number in held])
    save_file({"held": sides.contiguous()}, folder / "held_out.safetensors", {"ground_truths": groups})


def _load_held(folder: Path, directions: Directions) -> PairActivations:
    sides = load_file(folder / "held_out.safetensors")["held"]
    about = directions.provenance
    pairs = sides.shape[1] // 2
    norm = (sides[:, 0::2].norm(dim=-1) + sides[:, 1::2].norm(dim=-1)).T / 2
    position, component = Position.parse(about.position), find_component(about.component)
    return PairActivations(position, component, about.layers, sides, norm, tuple(range(pairs)), 0)
