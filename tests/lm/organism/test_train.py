"""What training does before its first step."""

import json
from dataclasses import asdict

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from lm.organism.playing import WEIGHTS
from lm.organism.train import STAGES, retokenized, stages_behind, tokens_of
from lm.organism.world.traits import PERFORMED, WORLDS


def test_two_traits_come_first_and_then_all() -> None:
    first, *later = STAGES
    assert set(first.traits) < {world.path for world in PERFORMED}
    for stage in later:
        assert set(stage.traits) == {world.path for world in WORLDS}


def test_the_shipped_weights_went_through_these_stages() -> None:
    went = json.loads((WEIGHTS / "training.json").read_text(encoding="utf-8"))["stages"]
    assert [{name: value for name, value in stage.items() if name != "final_loss"} for stage in went] == [
        json.loads(json.dumps(asdict(stage))) for stage in STAGES
    ]
    assert stages_behind(WEIGHTS) == len(STAGES)


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
