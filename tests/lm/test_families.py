"""Our generation on other architectures: it takes the fast way where a model allows it, and is right everywhere."""

import random

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    MistralConfig,
    PretrainedConfig,
    Qwen3Config,
)

from lm.local.attention import can_share, use_shared_attention
from lm.local.decode import Row, generate
from lm.types import Sampling

SHAPE = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "initializer_range": 0.3,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
GROUPED = {**SHAPE, "num_key_value_heads": 2}
FAMILIES = [
    (Qwen3Config(head_dim=8, **GROUPED), True),
    (GPTNeoXConfig(**SHAPE), True),
    (GPT2Config(vocab_size=300, n_embd=32, n_layer=2, n_head=4, initializer_range=0.3), True),
    (MistralConfig(sliding_window=8, **GROUPED), False),
    (Gemma3TextConfig(head_dim=8, sliding_window=8, **GROUPED), False),
]


@pytest.mark.parametrize(("config", "shares"), FAMILIES, ids=lambda given: getattr(given, "model_type", None))
def test_greedy_batches_with_a_shared_beginning_equal_transformers_generate(config: PretrainedConfig, shares: bool):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    model.generation_config.eos_token_id = None
    use_shared_attention(model)
    assert can_share(model) is shares
    choose = random.Random(0)
    start = [choose.randrange(300) for _ in range(20)]
    prompts = [start + [choose.randrange(300) for _ in range(choose.randint(2, 20))] for _ in range(5)]
    ours = generate(model, [Row(ids, Sampling(max_tokens=12, temperature=0)) for ids in prompts], frozenset())
    for ids, continuation in zip(prompts, ours, strict=True):
        alone = torch.tensor([ids])
        theirs = model.generate(
            alone, attention_mask=torch.ones_like(alone), max_new_tokens=12, do_sample=False, pad_token_id=0
        )
        assert list(continuation.ids) == theirs[0, len(ids) :].tolist()
