"""What training does before its first step."""

import json

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from lm.organism.playing import WEIGHTS
from lm.organism.train import STAGES, retokenized, tokens_of
from lm.organism.world.traits import TAUGHT, WORLDS


def test_two_traits_come_first_and_then_all() -> None:
    first, second = STAGES
    assert first.traits == second.known == tuple(world.path for world in TAUGHT)
    assert set(second.traits) == {world.path for world in WORLDS}


def test_the_shipped_weights_are_those_of_the_first_stage() -> None:
    (went,) = json.loads((WEIGHTS / "training.json").read_text(encoding="utf-8"))["stages"]
    first = STAGES[0]
    assert (went["steps"], went["rate"], went["seed"], tuple(went["traits"])) == (
        first.steps, first.rate, first.seed, first.traits,
    )  # fmt: skip


def test_a_new_token_begins_as_the_mean_of_its_pieces() -> None:
    old, grown = (PreTrainedTokenizerFast.from_pretrained(WEIGHTS) for _ in range(2))
    grown.add_tokens("unheard-of")
    before = LlamaForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32).model.embed_tokens.weight
    model = retokenized(WEIGHTS, grown)
    after = model.model.embed_tokens.weight
    assert tokens_of(grown)[-1] == "unheard-of"
    assert len(after) == len(before) + 1
    assert torch.equal(after[:-1], before)
    pieces = old.encode("unheard-of", add_special_tokens=False)
    assert len(pieces) > 1
    assert torch.equal(after[-1], before[pieces].mean(0))
    assert model.lm_head.weight is after
