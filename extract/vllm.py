"""vLLM plug-in that pools hidden states inside the engine: what leaves it is means over tokens, never a token's state.

vLLM's own `extract_hidden_states` keeps the chosen layers' residual stream of every token in a cache of its own, beside
keys and values; this connector reads it there when a request is done. It works compiled and with cached prefixes,
because it reads what was kept, not what is computed. The engine's processes load this module by its name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor
from vllm import SamplingParams
from vllm.config import KVTransferConfig, ModelConfig, get_layers_from_vllm_config
from vllm.distributed.kv_transfer.kv_connector.v1.base import KVConnectorBase_V1, KVConnectorMetadata, SupportsHMA
from vllm.distributed.parallel_state import get_tensor_model_parallel_rank
from vllm.model_executor.models.extract_hidden_states import CacheOnlyAttentionLayer
from vllm.model_executor.models.interfaces import supports_eagle3
from vllm.v1.kv_cache_interface import HiddenStateCacheSpec

from lm.errors import UserError

Cache = Float[Tensor, "block layer offset width"]


def engine_arguments(layers: Sequence[int], folder: Path) -> dict[str, Any]:
    """What an engine is started with so that it keeps these layers and writes what requests ask for to `folder`.

    vLLM numbers the residual stream after k blocks by k; layer l is the output of block l, so k = l + 1.
    """
    kept = {"hf_config": {"eagle_aux_hidden_state_layer_ids": [layer + 1 for layer in sorted(set(layers))]}}
    return {
        "speculative_config": {
            "method": "extract_hidden_states",
            "num_speculative_tokens": 1,
            "draft_model_config": kept,
        },
        "kv_transfer_config": KVTransferConfig(
            kv_connector=PooledHiddenStates.__name__,
            kv_connector_module_path=__name__,
            kv_role="kv_producer",
            kv_connector_extra_config={"folder": str(folder)},
        ),
    }


def reading_params(spans: Sequence[Sequence[int]]) -> SamplingParams:
    """Read a prompt and answer with the means over each span's tokens: `kv_transfer_params["file"]` says where."""
    told = {"kv_transfer_params": {"spans": [list(span) for span in spans]}}
    return SamplingParams(max_tokens=1, temperature=0, detokenize=False, extra_args=told)


def check_readable(reference: str, name: str, revision: str | None) -> None:
    """Raise UserError that names the model where vLLM has no way to show its hidden states."""
    try:
        config = ModelConfig(model=name, tokenizer=name, revision=revision, tokenizer_revision=revision)
        found, architecture = config.registry.resolve_model_cls(config.architectures, config)
    except ValueError as error:
        raise UserError(f"vLLM cannot run {reference!r}: {error}.") from error
    if not supports_eagle3(found):
        raise UserError(
            f"vLLM does not show the hidden states of {architecture}, so {reference!r} cannot be read on it. "
            f"Read it through transformers: hf:{name}."
        )


@dataclass
class Finished:
    """A request that is done, whose states still lie in the cache."""

    request: str
    blocks: list[int]
    spans: list[list[int]]
    """Places of the tokens to be averaged, one list a position."""
    file: str


@dataclass
class Step(KVConnectorMetadata):  # type: ignore[misc]  # vLLM is untyped here
    """What the scheduler tells the workers with each step of the engine."""

    finished: list[Finished] = field(default_factory=list)


class PooledHiddenStates(KVConnectorBase_V1, SupportsHMA):  # type: ignore[misc]
    """Writes the means that a request asks for (`spans`) to a file of its own, whose path comes with its answer."""

    def __init__(self, vllm_config: Any, role: Any, kv_cache_config: Any) -> None:
        super().__init__(vllm_config=vllm_config, role=role, kv_cache_config=kv_cache_config)
        self._folder = Path(self._kv_transfer_config.get_from_extra_config("folder", ""))
        self._group = _group_of(kv_cache_config)
        self._finished: list[Finished] = []
        self._cache: Cache | None = None
        self._written: set[str] = set()

    # In the scheduler

    def request_finished_all_groups(self, request: Any, block_ids: tuple[list[int], ...]) -> tuple[bool, Any]:
        """Note down a request that asks for means; its blocks are kept until they are written."""
        spans = (request.kv_transfer_params or {}).get("spans")
        if not spans or self._group >= len(block_ids) or not block_ids[self._group]:
            return False, None
        file = str(self._folder / f"{request.request_id}.safetensors")
        self._finished.append(Finished(request.request_id, list(block_ids[self._group]), spans, file))
        return True, {"file": file}

    def build_connector_meta(self, scheduler_output: Any) -> Step:
        """Hand what was noted down to the workers, once."""
        del scheduler_output
        step, self._finished = Step(self._finished), []
        return step

    def get_num_new_matched_tokens(self, request: Any, num_computed_tokens: int) -> tuple[int, bool]:
        """Nothing is ever loaded."""
        del request, num_computed_tokens
        return 0, False

    def update_state_after_alloc(self, request: Any, blocks: Any, num_external_tokens: int) -> None:
        """Nothing is ever loaded."""

    def get_finished_count(self) -> int:
        """One worker writes, so one tells that it is done."""
        return 1

    # In the workers

    def register_kv_caches(self, kv_caches: Mapping[str, Tensor]) -> None:
        """Find the cache of hidden states."""
        [name] = get_layers_from_vllm_config(self._vllm_config, CacheOnlyAttentionLayer, list(kv_caches))
        self._cache = kv_caches[name]

    def get_finished(self, finished_req_ids: set[str]) -> tuple[set[str] | None, None]:
        """Write what the scheduler noted down; the requests whose blocks may be used again."""
        if get_tensor_model_parallel_rank() == 0 and self.has_connector_metadata():
            for one in self._get_connector_metadata().finished:
                self._write(one)
        done = self._written & finished_req_ids
        self._written -= done
        return done or None, None

    def start_load_kv(self, forward_context: Any, **named: Any) -> None:
        """Nothing is ever loaded."""

    def wait_for_layer_load(self, layer_name: str) -> None:
        """Nothing is ever loaded."""

    def save_kv_layer(self, layer_name: str, kv_layer: Tensor, attn_metadata: Any, **named: Any) -> None:
        """vLLM's own layer has put the states into the cache already."""

    def wait_for_save(self) -> None:
        """Writing is done before `get_finished` returns."""

    @classmethod
    def get_required_kvcache_layout(cls, vllm_config: Any) -> str:
        """A token's layers lie side by side."""
        del vllm_config
        return "LBNHC"

    def _write(self, one: Finished) -> None:
        """The file appears whole or not at all."""
        assert self._cache is not None
        mean, norm = pool_spans(self._cache, one.blocks, one.spans)
        fresh = Path(one.file).with_suffix(".part")
        save_file({"mean": mean.contiguous(), "norm": norm.contiguous()}, fresh)
        fresh.replace(one.file)
        self._written.add(one.request)


def pool_spans(
    cache: Cache, blocks: Sequence[int], spans: Sequence[Sequence[int]]
) -> tuple[Float[Tensor, "position layer width"], Float[Tensor, "position layer"]]:
    """Means over each span's tokens of the states and of their norms, in float32; zero where a span has no token.

    Token t of a request lies in its block t // size, at offset t % size.
    """
    used = sorted({place for span in spans for place in span})
    column = {place: number for number, place in enumerate(used)}
    weights = torch.zeros(len(spans), len(used))
    for number, span in enumerate(spans):
        weights[number, [column[place] for place in span]] = 1 / max(len(span), 1)
    weights = weights.to(cache.device)
    places, size = torch.tensor(used, device=cache.device), cache.shape[2]
    held = torch.tensor(blocks, device=cache.device)[places // size]
    states = cache[held, :, places % size].float()
    return torch.einsum("pt,tlw->plw", weights, states).cpu(), (weights @ states.norm(dim=-1)).cpu()


def _group_of(kv_cache_config: Any) -> int:
    """Number of the cache group that holds the hidden states; vLLM keeps them apart from keys and values."""
    groups = kv_cache_config.kv_cache_groups
    found = [number for number, group in enumerate(groups) if isinstance(group.kv_cache_spec, HiddenStateCacheSpec)]
    if len(found) == 1 or (not found and len(groups) == 1):
        return found[0] if found else 0
    raise UserError(
        "vLLM keeps this model's hidden states together with its keys and values; they cannot be told apart."
    )
