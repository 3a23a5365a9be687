"""A built-in refusal direction: what a model holds after requests that are often refused, less after matched others."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from extract.activations import PairActivations, chosen_layers, side_activations
from extract.blocks import Component
from extract.candidates import load_candidates
from extract.models import Subject
from extract.positions import Position
from extract.rows import TokenRow
from extract.stores import Wanted
from extract.trait import SIDES
from lm.types import Message, Prompt

_ASKED = Position.parse("prompt[-1]")


def refusal_directions(
    model: Subject, components: Sequence[Component] = ("residual",), layers: Sequence[int] | None = None
) -> dict[Component, Float[Tensor, "layer width"]]:
    """One unit vector a layer, for each component: mean(refused) - mean(answered) at the prompt's last token.

    Requests are chats where the model has a template, questions before an answer where it has none. A direction only
    means refusal in a model that refuses. Source: Arditi et al. 2024, Refusal in Language Models Is Mediated by a
    Single Direction.
    """
    folder = Path(str(resources.files("extract.refusal")))
    pairs = load_candidates(folder / "refused.txt", folder / "answered.txt")
    prompts = [_as_prompt(model, pair.scenario(side)) for pair in pairs for side in SIDES]
    rows = [[TokenRow(tuple(ids), len(ids), model.leading(ids))] for ids in model.spelling.encode(prompts)]
    readings = side_activations(model, rows, Wanted((_ASKED,), tuple(components), chosen_layers(model, layers)))
    return {reading.component: _unit_difference(reading) for reading in readings}


def _unit_difference(reading: PairActivations) -> Float[Tensor, "layer width"]:
    apart = reading.positive.mean(dim=0) - reading.negative.mean(dim=0)
    return torch.nn.functional.normalize(apart, dim=1)


def _as_prompt(model: Subject, request: str) -> Prompt:
    if model.spelling.chats:
        return (Message(role="user", content=request),)
    return f"Question: {request}\nAnswer:"
