"""A key-value cache with room for the whole text, so that a new token costs a write and not a copy of all before it."""

from typing import Any

from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer


class RoomyLayer(DynamicLayer):  # type: ignore[misc]  # transformers is not typed
    """One layer's keys and values in storage of fixed capacity (tokens); `keys` and `values` view its filled part."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self._stores: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Append the new tokens' states; returns all states so far."""
        if self._stores is None:
            self.dtype, self.device, self.is_initialized = key_states.dtype, key_states.device, True
            self._stores = (self._room(key_states), self._room(value_states))
            self._fill(0)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        self._stores[0][:, :, start:end] = key_states
        self._stores[1][:, :, start:end] = value_states
        self._fill(end)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep only these rows, given in ascending order."""
        if self._stores is None:
            return
        length, kept = self.get_seq_length(), len(indices)
        for store in self._stores:
            store[:kept, :, :length] = store[indices, :, :length]
        self._stores = (self._stores[0][:kept], self._stores[1][:kept])
        self._fill(length)

    def _room(self, like: Tensor) -> Tensor:
        return like.new_empty(len(like), like.shape[1], self.capacity, like.shape[3])

    def _fill(self, length: int) -> None:
        assert self._stores is not None
        self.keys, self.values = (store[:, :, :length] for store in self._stores)


def make_cache(config: Any, capacity: int) -> Any:
    """An empty cache for a model of this configuration; layers with plain attention get room for `capacity` tokens."""
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer(capacity) if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def select_rows(cache: Any, rows: Tensor) -> None:
    """Keep only these rows of every layer."""
    for layer in cache.layers:
        layer.batch_select_indices(rows)
