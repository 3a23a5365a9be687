"""A tiny random Llama with a byte-level tokenizer, made on the spot."""

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from lm.local.checkpoint import Checkpoint, wrap_checkpoint
from lm.local.model import LocalModel

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def byte_tokenizer(with_numbers: bool = True) -> PreTrainedTokenizerFast:
    """Every byte a token; " 0" to " 100" are single tokens too; BOS goes first."""
    specials = ["<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*specials, *alphabet])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(token, normalized=False) for token in specials])
    if with_numbers:
        backend.add_tokens([AddedToken(f" {number}", normalized=False) for number in range(100, -1, -1)])
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def tiny_llama(vocabulary: int, context: int = 2048) -> LlamaForCausalLM:
    """Random weights, wide enough that its choices are not all alike."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        initializer_range=0.3,
        bos_token_id=0,
        eos_token_id=1,
    )
    return LlamaForCausalLM(config)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tiny matrices on several threads crawl on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint() -> Checkpoint:
    tokenizer = byte_tokenizer()
    return wrap_checkpoint(tiny_llama(len(tokenizer)), tokenizer)


@pytest.fixture
def model(checkpoint: Checkpoint) -> LocalModel:
    return LocalModel("hf:tiny", checkpoint, rows=8)
