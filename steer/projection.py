"""How far each token of a text lies along directions."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from extract.activations import forward_blocks
from extract.hooks import captured
from extract.models import LoadedModel
from extract.vectors import Direction
from lm.types import Message, Prompt
from steer.intervention import check_pushes
from steer.operators import Push


@dataclass(frozen=True, eq=False)
class Projections:
    """Raw projections of one text's residuals; the first token is left out where it is the special one in front."""

    token_ids: tuple[int, ...]
    tokens: tuple[str, ...]
    """As the vocabulary spells them."""
    layers: tuple[int, ...]
    """Layer of each column."""
    values: Float[Tensor, "token direction"]
    """x . v for unit v, in the units of the residual stream."""


@torch.inference_mode()
def project(model: LoadedModel, text: Prompt | Sequence[int], directions: Sequence[Direction]) -> Projections:
    """Project each token of a text, a chat or token ids on each direction, at the direction's own layer.

    Raises UserError for directions that do not fit the model.
    """
    check_pushes([Push(direction, absolute=0.0) for direction in directions], model.n_layers, model.d_model)
    ids = _ids_of(model, text)
    layers = sorted({direction.layer for direction in directions})
    row = torch.tensor([ids], device=model.device)
    with captured(model.blocks, layers) as found:
        forward_blocks(model, row, torch.ones_like(row))
    first = model.leading(ids)
    values = [found[one.layer][0, first:].float().cpu() @ one.vector for one in directions]
    return Projections(
        token_ids=tuple(ids[first:]),
        tokens=tuple(model.spelling.spell(token) for token in ids[first:]),
        layers=tuple(direction.layer for direction in directions),
        values=torch.stack(values, dim=1),
    )


def _ids_of(model: LoadedModel, text: Prompt | Sequence[int]) -> list[int]:
    if isinstance(text, str):
        return model.encode(text)
    messages = tuple(entry for entry in text if isinstance(entry, Message))
    return model.encode(messages) if messages else [entry for entry in text if isinstance(entry, int)]
