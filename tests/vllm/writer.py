"""A checkpoint that writes what it is told to, whatever it is asked; its numbers take a token for each digit."""

from itertools import pairwise
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tests.lm.conftest import byte_tokenizer

CONTEXT = 8192
SURE, NEARLY = 12.0, 11.5
"""Logits, among zeros: of what is written, and of what might have been written as a first token."""


def save_writer(folder: Path, *, writes: str, hesitates: str) -> None:
    """Save a model that writes the characters of `writes`, all different, and stops; `hesitates` is nearly its first.

    Attention and MLP add nothing, so that what comes next depends on the last token alone.
    """
    tokenizer = byte_tokenizer(with_numbers=False)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=384,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = LlamaForCausalLM(config)
    first = tokenizer.convert_tokens_to_ids("<|assistant|>")
    (other,) = tokenizer.encode(hesitates, add_special_tokens=False)
    chain = [first, *tokenizer.encode(writes, add_special_tokens=False), tokenizer.eos_token_id]
    with torch.no_grad():
        for weight in (model.model.layers[0].self_attn.o_proj.weight, model.model.layers[0].mlp.down_proj.weight):
            weight.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(len(tokenizer), config.hidden_size))
        model.lm_head.weight.zero_()
        # The final norm makes the one of a one-hot row as long as the whole row was: the square root of its width.
        unit = config.hidden_size**-0.5
        for before, after in pairwise(chain):
            model.lm_head.weight[after, before] = SURE * unit
        model.lm_head.weight[other, first] = NEARLY * unit
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
