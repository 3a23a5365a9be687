"""Pairs to directions: a trait's data, activations over the very tokens that were generated, vectors with evidence.

    from extract import extract_directions, load_dataset, load_model

    model = load_model("organism")
    dataset = load_dataset("datasets/traits/alignment/strategic_omission")
    [directions] = extract_directions(model, dataset.pairs, trait=dataset.trait.path, evidence=True)
    print(directions.table())
    directions.save("vectors")

Names are looked up when first used, so importing this package loads neither torch nor transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extract.activations import read_rows
    from extract.chats import chat_row
    from extract.dataset import Dataset, Steering, load_dataset, save_dataset
    from extract.engine import open_subject
    from extract.foreign import read_directions, with_activation_norms
    from extract.layers import parse_layers
    from extract.models import LoadedModel, load_model
    from extract.persona import persona_vectors
    from extract.pipeline import extract_directions
    from extract.positions import Position
    from extract.streaming import stream_directions
    from extract.trait import Pair, Trait
    from extract.vectors import Direction, Directions

_HOMES = {
    "Dataset": "extract.dataset",
    "Direction": "extract.vectors",
    "Directions": "extract.vectors",
    "LoadedModel": "extract.models",
    "Pair": "extract.trait",
    "Position": "extract.positions",
    "Steering": "extract.dataset",
    "Trait": "extract.trait",
    "chat_row": "extract.chats",
    "extract_directions": "extract.pipeline",
    "load_dataset": "extract.dataset",
    "load_model": "extract.models",
    "open_subject": "extract.engine",
    "parse_layers": "extract.layers",
    "persona_vectors": "extract.persona",
    "read_rows": "extract.activations",
    "read_directions": "extract.foreign",
    "save_dataset": "extract.dataset",
    "stream_directions": "extract.streaming",
    "with_activation_norms": "extract.foreign",
}

__all__ = [
    "Dataset",
    "Direction",
    "Directions",
    "LoadedModel",
    "Pair",
    "Position",
    "Steering",
    "Trait",
    "chat_row",
    "extract_directions",
    "load_dataset",
    "load_model",
    "open_subject",
    "parse_layers",
    "persona_vectors",
    "read_directions",
    "read_rows",
    "save_dataset",
    "stream_directions",
    "with_activation_norms",
]


def __getattr__(name: str) -> object:
    """Import the home of a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'extract' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
