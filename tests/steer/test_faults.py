"""Faults seen in other steering code: each naive version goes wrong here, ours does not.

The others have their tests where they belong: the best of many tries reported on the questions that chose it
(test_claims.py), and keys and values kept from another push (tests/vllm/test_steering.py).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import torch

from extract.models import LoadedModel
from lm.errors import UserError
from steer.generation import Row, generate
from steer.intervention import steered, steered_rows
from steer.operators import ALL, Push
from steer.report import Cell
from steer.strengths import SearchRule, best_cell, next_strength
from tests.steer.made_up_directions import make_direction

TEXTS = ("Is it safe?", "Tell me about the roof", "The car is fine, he said", "x")
PUSHES = [Push(make_direction(layer, seed), norms=2.0, tokens=ALL) for layer, seed in ((0, 1), (1, 2), (2, 3), (1, 4))]


def texts(model: LoadedModel, rows: Sequence[str]) -> list[list[int]]:
    """Greedy and left-padded, through transformers."""
    ids = [model.encode(row) for row in rows]
    width = max(map(len, ids))
    padded = torch.tensor([[0] * (width - len(row)) + row for row in ids])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in ids])
    longer = model.model.generate(
        padded, attention_mask=mask, max_new_tokens=8, do_sample=False, pad_token_id=2, eos_token_id=[]
    )
    return longer[:, width:].tolist()


@contextmanager
def naive_rows(model: LoadedModel, pushes: Sequence[Push]) -> Iterator[None]:
    """Row n of whatever batch comes is given push n: right until somebody splits the batch."""

    def attach(push: Push, row: int) -> object:
        def hook(_module: object, _inputs: object, output: torch.Tensor) -> torch.Tensor:
            changed = output.clone()
            if row < len(changed):
                changed[row] += push.vector
            return changed

        return model.blocks[push.layer].register_forward_hook(hook)

    handles = [attach(push, row) for row, push in enumerate(pushes)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def test_a_batch_that_is_split_steers_no_row_by_another_ones_setting(llama: LoadedModel) -> None:
    alone = []
    for text, push in zip(TEXTS, PUSHES, strict=True):
        with steered(llama, push):
            alone += texts(llama, [text])
    with naive_rows(llama, PUSHES):
        assert texts(llama, TEXTS) == alone
        split = texts(llama, TEXTS[:2]) + texts(llama, TEXTS[2:])
    assert split != alone  # silently
    with steered_rows(llama, [[push] for push in PUSHES]), pytest.raises(UserError, match="do not split the batch"):
        texts(llama, TEXTS[:2])
    rows = [Row(text, (push,)) for text, push in zip(TEXTS, PUSHES, strict=True)]
    for size in (1, 2, 3, 4):
        found = generate(llama, rows, max_tokens=8, max_rows=size)
        for row, expected in zip(found, alone, strict=True):
            ids = list(row.token_ids)
            assert ids == expected[: len(ids)]


def test_generated_tokens_are_steered_with_a_cache_too(llama: LoadedModel) -> None:
    """The naive way counts positions within the pass: with a cache each pass is one token long."""
    push = Push(make_direction(), norms=3.0)
    prompt = len(llama.encode(TEXTS[0]))

    def from_prompt_on(_module: object, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        changed = output.clone()
        changed[:, prompt - 1 :] += push.vector
        return changed

    def generated(**given: object) -> list[int]:
        ids = torch.tensor([llama.encode(TEXTS[0])])
        longer = llama.model.generate(ids, max_new_tokens=8, do_sample=False, pad_token_id=2, eos_token_id=[], **given)
        return longer[0, prompt:].tolist()

    handle = llama.blocks[push.layer].register_forward_hook(from_prompt_on)
    right, cached = generated(use_cache=False), generated()
    handle.remove()
    assert cached != right
    with steered(llama, push):
        assert generated() == generated(use_cache=False) == right


def cells(scores: Sequence[float | None], coherences: Sequence[float | None]) -> list[Cell]:
    return [
        Cell(layer=0, strength=0.7 * 1.4**n, score=score, coherence=coherence, n=10, unscored=0)
        for n, (score, coherence) in enumerate(zip(scores, coherences, strict=True))
    ]


def test_an_outage_steers_no_search(llama: LoadedModel) -> None:
    """The naive way takes what is missing for 0: the search turns down from the best push, or chooses the outage."""
    rule, lowering = SearchRule(), SearchRule(wanted=-1)
    naive, ours = cells([60, 0], [90, 0]), cells([60, None], [90, None])
    assert next_strength(naive, rule) is not None
    assert next_strength(ours, rule) is None
    assert best_cell(cells([60, 0], [90, 90]), lowering).score == 0
    assert best_cell(cells([60, None], [90, 90]), lowering).score == 60


def test_an_error_in_setting_up_is_the_one_that_is_seen(llama: LoadedModel) -> None:
    @contextmanager
    def naive(model: LoadedModel, push: Push) -> Iterator[None]:
        try:
            handle = model.blocks[push.layer].register_forward_hook(lambda *_: None)
            yield
        finally:
            handle.remove()

    far = Push(make_direction(9), norms=1.0)
    with pytest.raises(UnboundLocalError), naive(llama, far):
        pass
    with pytest.raises(UserError, match="There is no layer 9"), steered(llama, far):
        pass
