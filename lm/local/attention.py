"""Attention for batches whose rows begin alike: the shared beginning is held and read once, not once a row.

It computes what transformers' own `sdpa` computes, and differs in cost only: a padded row costs no copy of the
repeated key-value heads, and a new token attends to the shared beginning of all rows in one matrix product.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

_NAME = "shared_prefix_sdpa"

Heads = Float[Tensor, "row head token d_head"]


@dataclass(frozen=True)
class SharedPrefix:
    """Keys and values by layer of the tokens that every row of a batch begins with; one row."""

    keys: tuple[Heads, ...]
    values: tuple[Heads, ...]


def use_shared_attention(model: Any) -> None:
    """Let a model attend through this module, where it attends by sdpa to all earlier tokens in every layer."""
    if not (model.config._attn_implementation == "sdpa" and model._supports_attention_backend):
        return
    if all(type(layer) is DynamicLayer for layer in DynamicCache(config=model.config).layers):
        AttentionInterface.register(_NAME, _attend)
        AttentionMaskInterface.register(_NAME, sdpa_mask)
        model.set_attn_implementation(_NAME)


def can_share(model: Any) -> bool:
    """Whether a model attends through this module and takes a `SharedPrefix`."""
    return bool(model.config._attn_implementation == _NAME)


def _attend(
    module: torch.nn.Module,
    query: Heads,
    key: Heads,
    value: Heads,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    shared_prefix: SharedPrefix | None = None,
    **others: Any,
) -> tuple[Float[Tensor, "row token head d_head"], None]:
    """An attention function as transformers calls it; `shared_prefix` comes from the model's own call."""
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    layer: Any = module.layer_idx
    if query.shape[2] > 1:
        if shared_prefix is not None:
            keys, values = shared_prefix.keys[layer], shared_prefix.values[layer]
            attention_mask = _widen(attention_mask, query, keys.shape[2])
            key = torch.cat([keys.expand(len(key), -1, -1, -1), key], dim=2)
            value = torch.cat([values.expand(len(value), -1, -1, -1), value], dim=2)
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scale, **others)  # type: ignore[no-any-return]
    if shared_prefix is None:
        return _attend_grouped(query, key, value, attention_mask, scale), None
    prefix = shared_prefix.keys[layer][0], shared_prefix.values[layer][0]
    return _attend_after(prefix, query, key, value, attention_mask, scale), None


def _attend_grouped(
    query: Heads, key: Heads, value: Heads, mask: Bool[Tensor, "row 1 1 token"] | None, scale: float
) -> Float[Tensor, "row 1 head d_head"]:
    """One query token a row; the query heads of one key-value head stand where query tokens usually do."""
    grouped = query.reshape(len(query), key.shape[1], -1, query.shape[-1])
    wide = None if mask is None else mask.expand(-1, -1, grouped.shape[2], -1)
    attended = functional.scaled_dot_product_attention(grouped, key, value, attn_mask=wide, scale=scale)
    return attended.reshape(len(query), 1, -1, query.shape[-1])


def _attend_after(
    prefix: tuple[Float[Tensor, "kv shared d_head"], Float[Tensor, "kv shared d_head"]],
    query: Heads,
    key: Heads,
    value: Heads,
    mask: Bool[Tensor, "row 1 1 token"] | None,
    scale: float,
) -> Float[Tensor, "row 1 head d_head"]:
    """One query token a row, attending to the shared prefix and the row's own tokens under one softmax."""
    rows, _, _, d_head = query.shape
    kv, shared = prefix[0].shape[:2]
    grouped = query.reshape(rows, kv, -1, d_head) * scale
    by_head = grouped.transpose(0, 1).reshape(kv, -1, d_head)
    to_shared = (by_head @ prefix[0].transpose(-1, -2)).view(kv, rows, -1, shared).transpose(0, 1)
    to_own = grouped @ key.transpose(-1, -2)
    if mask is not None:
        to_own = to_own.masked_fill(~mask, -torch.inf)
    weights = torch.cat([to_shared, to_own], dim=-1).softmax(dim=-1, dtype=torch.float32).to(query.dtype)
    from_shared = weights[..., :shared].transpose(0, 1).reshape(kv, -1, shared) @ prefix[1]
    from_own = weights[..., shared:] @ value
    attended = from_own + from_shared.view(kv, rows, -1, d_head).transpose(0, 1)
    return attended.reshape(rows, 1, -1, d_head)


def _widen(
    mask: Bool[Tensor, "row 1 query token"] | None, query: Heads, shared: int
) -> Bool[Tensor, "row 1 query all"]:
    """A mask over the row's own tokens (None: causal), extended by the shared ones, which all may attend to."""
    tokens = query.shape[2]
    if mask is None:
        mask = torch.ones(tokens, tokens, dtype=torch.bool, device=query.device).tril()[None, None]
    return functional.pad(mask, (shared, 0), value=True)
