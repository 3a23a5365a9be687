"""The decoder run over batches of ids, and no further than needed: without its head, up to the last block that is read,
and what the rows of a pair share once only."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from extract.models import LoadedModel
from extract.rows import PaddingSide, pad

Ids = Int[Tensor, "row token"]


class _LastLayerReached(Exception):
    """Leaves the decoder after the last block that is read."""


class _EndingCache(DynamicCache):  # type: ignore[misc]  # transformers is not typed
    """A cache that leaves the decoder once a block's keys and values are in it."""

    ends_with: int | None = None

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *arguments: Any, **named: Any
    ) -> tuple[Tensor, Tensor]:
        """As any cache does."""
        found: tuple[Tensor, Tensor] = super().update(key_states, value_states, layer_idx, *arguments, **named)
        if layer_idx == self.ends_with:
            raise _LastLayerReached
        return found


@dataclass(frozen=True)
class Shared:
    """What the rows of groups begin with, already read."""

    cache: DynamicCache
    real: Ids
    """1 for tokens and 0 for padding; one row a group."""


def forward_blocks(model: LoadedModel, ids: Ids, real: Ids) -> None:
    """Run the decoder without its output head; `real` is 1 for tokens and 0 for padding."""
    places = (real.cumsum(dim=1) - 1).clamp(min=0)
    model.body(input_ids=ids, attention_mask=real, position_ids=places, use_cache=False)


def forward_rows(
    model: LoadedModel, rows: Sequence[Sequence[int]], *, last: int, padding: PaddingSide = "right"
) -> None:
    """Run the decoder over whole rows, up to block `last`."""
    ids, real = pad(rows, padding, model.device)
    with _stopping_after(model, last):
        forward_blocks(model, ids, real)


def forward_prefixes(model: LoadedModel, prefixes: Sequence[Sequence[int]], *, last: int, read: bool) -> Shared:
    """Run the decoder over what groups of rows begin with, and keep its keys and values. Padded on the left.

    Where nothing of it is to be read, it ends with the keys and values of block `last`: the rest of that block, its
    attention and its MLP, would change nothing that is.
    """
    ids, real = pad(prefixes, "left", model.device)
    cache = _EndingCache(config=model.model.config)
    cache.ends_with = None if read else last
    places = (real.cumsum(dim=1) - 1).clamp(min=0)
    with _stopping_after(model, last):
        model.body(input_ids=ids, attention_mask=real, position_ids=places, past_key_values=cache, use_cache=True)
    cache.ends_with = None
    return Shared(cache, real)


def forward_rests(
    model: LoadedModel, shared: Shared, group: Sequence[int], rests: Sequence[Sequence[int]], *, last: int
) -> None:
    """Run the decoder over how rows go on; row r goes on from prefix `group[r]`. Uses up the cache."""
    ids, own = pad(rests, "right", model.device)
    chosen = torch.tensor(group)  # On the processor: layers may lie on several devices.
    shared.cache.batch_select_indices(chosen)
    real = torch.cat([shared.real[chosen], own], dim=1)
    places = (real.cumsum(dim=1) - 1).clamp(min=0)[:, shared.real.shape[1] :]
    with _stopping_after(model, last):
        model.body(
            input_ids=ids, attention_mask=real, position_ids=places, past_key_values=shared.cache, use_cache=True
        )


def can_share(model: LoadedModel) -> bool:
    """Whether a prefix can be read once for several rows: each layer keeps keys and values of all earlier tokens."""
    if getattr(model.model, "_is_stateful", False):
        return False
    layers = DynamicCache(config=model.model.config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


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
