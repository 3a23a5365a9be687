"""How far each token of a text lies along directions: of a given text, or while the model is writing it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from extract.forward import forward_blocks
from extract.hooks import captured
from extract.models import LoadedModel
from extract.vectors import Direction
from lm.local.kv import make_cache
from lm.types import Message, Prompt
from steer.intervention import Steering, check_directions
from steer.operators import Operator

Scale = Literal["raw", "norm", "cosine"]
"""raw: x . v for unit v, in the units of the residual stream. norm: that as a multiple of the mean |x| over all tokens
of the text at this layer, prompt and response alike. cosine: that over |x| of the token itself."""


_INCOMPLETE = "\ufffd"
"""What a decoder writes for a character whose last bytes are still to come."""


@dataclass(frozen=True, eq=False)
class Projections:
    """One text's residuals on directions; the first token is left out where it is the special one in front."""

    token_ids: tuple[int, ...]
    tokens: tuple[str, ...]
    """As the vocabulary spells them."""
    pieces: tuple[str, ...]
    """The text of each; a character that several tokens spell goes to the last of them, special tokens are spelled."""
    prompt: int
    """How many of them are the prompt's; the others are the response."""
    layers: tuple[int, ...]
    """Layer of each column."""
    values: Float[Tensor, "token direction"]
    """x . v for unit v, in the units of the residual stream."""
    norms: Float[Tensor, "token direction"]
    """|x| of each token at each column's layer."""

    def scaled(self, scale: Scale) -> Float[Tensor, "token direction"]:
        """The projections on a scale; prompt and response share it, so that they can be compared."""
        if scale == "raw":
            return self.values
        unit = self.norms if scale == "cosine" else self.norms.mean(dim=0, keepdim=True)
        return self.values / unit.clamp(min=torch.finfo(unit.dtype).tiny)


@dataclass(frozen=True, eq=False)
class Reading:
    """One token while a text is being written."""

    token_id: int
    piece: str
    is_prompt: bool
    values: Float[Tensor, " direction"]
    """x . v at each direction's layer."""
    norms: Float[Tensor, " direction"]


@torch.inference_mode()
def project(
    model: LoadedModel,
    text: Prompt | Sequence[int],
    directions: Sequence[Direction],
    *,
    response: str | Sequence[int] = (),
) -> Projections:
    """Project each token of a text, a chat or token ids on each direction, at the direction's own layer.

    `response` is what followed the text: best the very ids that were generated. Raises UserError for directions that
    do not fit the model.
    """
    check_directions(directions, model.n_layers, model.d_model)
    prompt = _ids_of(model, text)
    ids = prompt + (_plain_ids(model, response) if isinstance(response, str) else list(response))
    row = torch.tensor([ids], device=model.device)
    with captured(model.blocks, sorted({direction.layer for direction in directions})) as found:
        forward_blocks(model, row, torch.ones_like(row))
    first = model.leading(ids)
    read = [_read(found[one.layer][0, first:], one) for one in directions]
    return Projections(
        token_ids=tuple(ids[first:]),
        tokens=tuple(model.spelling.spell(token) for token in ids[first:]),
        pieces=_pieces(model, ids, first),
        prompt=len(prompt) - first,
        layers=tuple(direction.layer for direction in directions),
        values=torch.stack([values for values, _ in read], dim=1),
        norms=torch.stack([norms for _, norms in read], dim=1),
    )


def watch(
    model: LoadedModel,
    prompt: Prompt,
    directions: Sequence[Direction],
    *,
    max_tokens: int = 48,
    pushes: Sequence[Operator] = (),
) -> Iterator[Reading]:
    """Continue a prompt greedily; each token is read as soon as the model has taken it in, prompt tokens first.

    Hooks are in the model only while it computes, not while the caller holds a reading. Raises UserError for
    directions or operators that do not fit the model.
    """
    check_directions(directions, model.n_layers, model.d_model)
    ids = model.encode(prompt)
    layers = sorted({direction.layer for direction in directions})
    steering = Steering(model, [tuple(pushes)])
    cache = make_cache(model.model.config, len(ids) + max_tokens)
    written: list[int] = []
    for _ in range(max_tokens + 1):
        fed = written[-1:] or ids
        with torch.inference_mode(), steering.active(), captured(model.blocks, layers) as found:
            row = torch.tensor([fed], device=model.device)
            output = model.model(input_ids=row, past_key_values=cache, use_cache=True)
        first = 0 if written else model.leading(ids)
        pieces = _last_piece(model, ids, written) if written else _pieces(model, ids, first)
        read = [_read(found[one.layer][0, first:], one) for one in directions]
        for place, (token, piece) in enumerate(zip(fed[first:], pieces, strict=True)):
            values = torch.stack([values[place] for values, _ in read])
            yield Reading(token, piece, not written, values, torch.stack([norms[place] for _, norms in read]))
        written.append(int(output.logits[0, -1].argmax()))
        if written[-1] in model.checkpoint.ends:
            return


def gather(model: LoadedModel, readings: Sequence[Reading], directions: Sequence[Direction]) -> Projections:
    """What was watched, as projections of the finished text."""
    return Projections(
        token_ids=tuple(reading.token_id for reading in readings),
        tokens=tuple(model.spelling.spell(reading.token_id) for reading in readings),
        pieces=tuple(reading.piece for reading in readings),
        prompt=sum(reading.is_prompt for reading in readings),
        layers=tuple(direction.layer for direction in directions),
        values=torch.stack([reading.values for reading in readings]),
        norms=torch.stack([reading.norms for reading in readings]),
    )


def _read(hidden: Float[Tensor, "token d_model"], direction: Direction) -> tuple[Tensor, Tensor]:
    """Projections and norms of one layer's tokens."""
    wide = hidden.float().cpu()
    return wide @ direction.vector, wide.norm(dim=-1)


def _ids_of(model: LoadedModel, text: Prompt | Sequence[int]) -> list[int]:
    if isinstance(text, str):
        return model.encode(text)
    messages = tuple(entry for entry in text if isinstance(entry, Message))
    return model.encode(messages) if messages else [entry for entry in text if isinstance(entry, int)]


def _plain_ids(model: LoadedModel, text: str) -> list[int]:
    ids: list[int] = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _pieces(model: LoadedModel, ids: Sequence[int], first: int) -> tuple[str, ...]:
    """The text of each token after the first ones; special tokens, which have none, as the vocabulary spells them."""
    special = set(model.tokenizer.all_special_ids)
    pieces = model.spelling.pieces_after(ids[:first], ids[first:])
    return tuple(
        model.spelling.spell(token) if token in special else piece
        for token, piece in zip(ids[first:], pieces, strict=True)
    )


def _last_piece(model: LoadedModel, prompt: Sequence[int], written: Sequence[int]) -> tuple[str]:
    """What the last token adds to the text; nothing while a character lacks bytes."""
    whole, before = (model.spelling.decode_after(prompt, ids).rstrip(_INCOMPLETE) for ids in (written, written[:-1]))
    return (whole[len(before) :],)
