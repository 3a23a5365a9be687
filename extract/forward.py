"""The decoder run over batches of ids, and no further than needed: without its head, and up to the last block that is
read. Several texts may stand in one row, what they begin with once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from extract.batches import Row
from extract.models import LoadedModel
from extract.rows import PaddingSide, pad
from lm.local.attention import can_share as shares_prefixes

Ids = Int[Tensor, "row token"]

_MASKED = ("sdpa", "eager")
"""Ways of attending that take a mask as it is given, beside that of `lm.local.attention`."""


class _LastLayerReached(Exception):
    """Leaves the decoder after the last block that is read."""


def forward_blocks(model: LoadedModel, ids: Ids, real: Ids) -> None:
    """Run the decoder without its output head; `real` is 1 for tokens and 0 for padding."""
    places = (real.cumsum(dim=1) - 1).clamp(min=0)
    model.body(input_ids=ids, attention_mask=real, position_ids=places, use_cache=False)


def forward_rows(
    model: LoadedModel, rows: Sequence[Sequence[int]], *, last: int, padding: PaddingSide = "right"
) -> None:
    """Run the decoder over texts, one a row, up to block `last`."""
    ids, real = pad(rows, padding, model.device)
    with _stopping_after(model, last):
        forward_blocks(model, ids, real)


def forward_shared(model: LoadedModel, rows: Sequence[Row], *, last: int) -> None:
    """Run the decoder over rows of several texts, up to block `last`; each token sees its own texts only."""
    ids, _ = pad([row.ids for row in rows], "right", model.device)
    mask, places = _sight(rows, ids.shape[1], model.model.dtype)
    with _stopping_after(model, last):
        model.body(
            input_ids=ids,
            attention_mask=mask.to(model.device),
            position_ids=places.to(model.device),
            use_cache=False,
        )


def can_share(model: LoadedModel, longest: int) -> bool:
    """Whether texts of up to `longest` tokens can stand in one row.

    They can where every layer attends to all earlier tokens of a text, through a mask that it is given. Layers that
    attend within a window do so for texts that fit into it.
    """
    attends = model.model.config._attn_implementation in _MASKED or shares_prefixes(model.model)
    if not (attends and model.model._supports_attention_backend) or getattr(model.model, "_is_stateful", False):
        return False
    layers = DynamicCache(config=model.model.config).layers
    windows = [layer.sliding_window for layer in layers if type(layer) is DynamicSlidingWindowLayer]
    known = all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)
    return bool(layers) and known and longest <= min(windows, default=longest)


def _sight(rows: Sequence[Row], width: int, dtype: torch.dtype) -> tuple[Float[Tensor, "row 1 token token"], Ids]:
    """What is added to attention scores (0 where a token is seen), and each token's place in its text."""
    columns = torch.arange(width)
    ends = torch.stack([torch.tensor(row.ends + (0,) * (width - len(row.ends))) for row in rows])
    ends = torch.maximum(ends, columns + 1)  # Padding sees itself: a token must see something.
    seen = (columns <= columns[:, None]) & (columns[:, None] < ends[:, None, :])
    mask = torch.zeros(seen.shape, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)
    return mask[:, None], seen.sum(dim=-1) - 1


@contextmanager
def _stopping_after(model: LoadedModel, layer: int) -> Iterator[None]:
    def stop(_module: Any, _inputs: Any, _output: Any) -> None:
        raise _LastLayerReached

    handle = model.blocks[layer].register_forward_hook(stop)
    try:
        yield
    except _LastLayerReached:
        pass
    finally:
        handle.remove()
