import random

import pytest
import torch

from lm.local.attention import can_share, use_shared_attention
from lm.local.checkpoint import Checkpoint
from lm.local.decode import Row, generate, next_log_probabilities
from lm.types import Sampling


def prompts(count: int, shared: int = 0, longest: int = 30) -> list[list[int]]:
    choose = random.Random(count + shared)
    start = [choose.randrange(5, 200) for _ in range(shared)]
    return [[0, *start, *(choose.randrange(5, 200) for _ in range(choose.randint(2, longest)))] for _ in range(count)]


def rows(some: list[list[int]], max_tokens: int = 24, temperature: float = 1.0) -> list[Row]:
    return [Row(ids, Sampling(max_tokens=max_tokens, temperature=temperature, seed=n)) for n, ids in enumerate(some)]


def test_greedy_equals_transformers_generate(checkpoint: Checkpoint):
    some = rows(prompts(6), temperature=0)
    for row, continuation in zip(some, generate(checkpoint.model, some, checkpoint.ends), strict=True):
        ids = torch.tensor([row.prompt])
        theirs = checkpoint.model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False, pad_token_id=1
        )[0, len(row.prompt) :].tolist()
        ours = [*continuation.ids, *([1] if continuation.finish == "stop" else [])]
        assert ours == theirs


@pytest.mark.parametrize("shared", [0, 40])
def test_a_text_does_not_depend_on_its_neighbours(checkpoint: Checkpoint, shared: int):
    together = generate(checkpoint.model, rows(prompts(20, shared)), checkpoint.ends)
    alone = [generate(checkpoint.model, [row], checkpoint.ends)[0] for row in rows(prompts(20, shared))]
    assert together == alone


def test_a_shared_prefix_changes_no_text_and_no_probability(checkpoint: Checkpoint):
    assert can_share(checkpoint.model)
    some = prompts(12, shared=50)
    once = generate(checkpoint.model, rows(some), checkpoint.ends)
    again = generate(checkpoint.model, rows(some), checkpoint.ends, share=False)
    assert once == again
    plain = torch.cat([torch.log_softmax(checkpoint.model(torch.tensor([ids])).logits[:, -1], -1) for ids in some])
    torch.testing.assert_close(next_log_probabilities(checkpoint.model, some), plain.detach(), rtol=0, atol=2e-5)


def test_the_attention_of_our_own_equals_sdpa_step_by_step(checkpoint: Checkpoint):
    some = prompts(5, shared=30)
    ours = generate(checkpoint.model, rows(some), checkpoint.ends)
    checkpoint.model.set_attn_implementation("sdpa")
    try:
        assert not can_share(checkpoint.model)
        theirs = generate(checkpoint.model, rows(some), checkpoint.ends)
    finally:
        use_shared_attention(checkpoint.model)
    assert ours == theirs


def test_the_same_seed_gives_the_same_text_and_another_seed_another(checkpoint: Checkpoint):
    ids = prompts(1)[0]
    seeds = [3, 4, 3]
    texts = generate(checkpoint.model, [Row(ids, Sampling(max_tokens=30, seed=seed)) for seed in seeds], frozenset())
    assert texts[0] == texts[2] != texts[1]


def test_rows_stop_at_their_own_length_and_rows_dropped_early_disturb_no_one(checkpoint: Checkpoint):
    some = prompts(8)
    lengths = [2, 30, 4, 1, 5, 30, 3, 7]
    mixed = [Row(ids, Sampling(max_tokens=most, seed=9)) for ids, most in zip(some, lengths, strict=True)]
    full = [Row(ids, Sampling(max_tokens=30, seed=9)) for ids in some]
    cut = generate(checkpoint.model, mixed, frozenset())
    whole = generate(checkpoint.model, full, frozenset())
    assert [len(text.ids) for text in cut] == lengths
    assert [text.ids for text in cut] == [text.ids[:most] for text, most in zip(whole, lengths, strict=True)]
    assert {text.finish for text in cut} == {"length"}


def test_an_end_token_ends_a_text_and_is_not_part_of_it(checkpoint: Checkpoint):
    some = rows(prompts(10), max_tokens=30)
    free = generate(checkpoint.model, some, frozenset())
    end = free[0].ids[4]
    for text, stopped in zip(free, generate(checkpoint.model, some, frozenset({end})), strict=True):
        expected = text.ids[: text.ids.index(end)] if end in text.ids else text.ids
        assert stopped.ids == expected
        assert stopped.finish == ("stop" if end in text.ids else "length")


def test_samples_follow_the_models_probabilities(checkpoint: Checkpoint):
    ids = prompts(1)[0]
    draws = 4000
    texts = generate(checkpoint.model, [Row(ids, Sampling(max_tokens=1, seed=n)) for n in range(draws)], frozenset())
    counts = torch.bincount(torch.tensor([text.ids[0] for text in texts]), minlength=362)
    expected = next_log_probabilities(checkpoint.model, [ids])[0].exp()
    assert (counts / draws - expected[: len(counts)]).abs().max() < 0.03
