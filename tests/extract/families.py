"""Tiny random models made from the real configuration classes of many families."""

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from extract.models import LoadedModel, wrap_model
from tests.extract.conftest import byte_tokenizer

LAYERS, WIDTH, WINDOW = 3, 32, 16

_LLAMA_LIKE = {
    "hidden_size": WIDTH,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
}
_PLAIN = {name: value for name, value in _LLAMA_LIKE.items() if name not in ("num_key_value_heads", "head_dim")}

FAMILIES: dict[str, dict[str, object]] = {
    "llama": _LLAMA_LIKE,
    "mistral": _LLAMA_LIKE | {"sliding_window": WINDOW},
    "qwen2": _LLAMA_LIKE,
    "qwen3": _LLAMA_LIKE,
    "gemma2": _LLAMA_LIKE | {"sliding_window": WINDOW},
    "gemma3_text": _LLAMA_LIKE | {"sliding_window": WINDOW},
    "gpt2": {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": 4, "n_positions": 256},
    "gpt_neox": _PLAIN,
    "opt": {
        "hidden_size": WIDTH,
        "ffn_dim": 48,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
        "word_embed_proj_dim": WIDTH,
    },
    "phi": _PLAIN,
    "phi3": _LLAMA_LIKE,
    "olmo": _LLAMA_LIKE,
    "olmo2": _LLAMA_LIKE,
    "falcon": {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "alibi": False},
    "mixtral": _LLAMA_LIKE | {"num_local_experts": 4, "num_experts_per_tok": 2},
    "mamba": {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "state_size": 8, "expand": 2},
}
STATEFUL = ("mamba",)
WINDOWED = ("mistral", "gemma2", "gemma3_text")
ATTENDING = tuple(family for family in FAMILIES if family not in STATEFUL)


def family_model(family: str) -> LoadedModel:
    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    tokens = {"vocab_size": len(tokenizer), "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    config = AutoConfig.for_model(family, **FAMILIES[family], **tokens, initializer_range=0.2)
    return wrap_model(AutoModelForCausalLM.from_config(config), tokenizer, f"hf:tiny-{family}")
