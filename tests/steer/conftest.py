"""Tiny random models with a byte-level tokenizer and made-up directions. Axes are checked in tests."""

from jaxtyping import install_import_hook

import tests.extract.checking  # noqa: F401  (named below)

with install_import_hook(["extract", "steer"], "tests.extract.checking.check"):
    import steer.evaluation
    import steer.generation
    import steer.projection  # noqa: F401

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
)

from extract.models import LoadedModel, wrap_model
from tests.steer.made_up_directions import LAYERS, WIDTH

torch.set_num_threads(1)

SPECIALS = ("<s>", "</s>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{% endfor %}<|assistant|>"
)


def byte_tokenizer(*, chat: bool) -> PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate([*SPECIALS, *alphabet])}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIALS])
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")
    if chat:
        tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def tiny_model(family: str) -> LoadedModel:
    torch.manual_seed(1)
    tokenizer = byte_tokenizer(chat=family == "llama")
    common = {"vocab_size": len(tokenizer), "bos_token_id": 0, "eos_token_id": 1, "initializer_range": 0.3}
    if family == "gpt2":
        config = GPT2Config(n_embd=WIDTH, n_layer=LAYERS, n_head=4, n_positions=256, **common)
        return wrap_model(GPT2LMHeadModel(config), tokenizer, "hf:tiny-gpt2")
    shape = {
        "hidden_size": WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
    }
    if family == "sliding":
        config = MistralConfig(sliding_window=12, **shape, **common)
        return wrap_model(MistralForCausalLM(config), tokenizer, "hf:tiny-mistral")
    return wrap_model(LlamaForCausalLM(LlamaConfig(**shape, **common)), tokenizer, "hf:tiny-llama")


@pytest.fixture(scope="session")
def llama() -> LoadedModel:
    return tiny_model("llama")


@pytest.fixture(scope="session", params=["llama", "gpt2", "sliding"])
def family(request: pytest.FixtureRequest) -> LoadedModel:
    return tiny_model(request.param)
