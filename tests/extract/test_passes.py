"""Batches, files for many rows, and what happens when memory runs out."""

from functools import reduce
from operator import add
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

import extract.passes
from extract.activations import pair_activations, read_rows
from extract.batches import MIN_SHARED, plan_batches, shared_tokens
from extract.methods.contrast import Contrast
from extract.methods.mean_difference import mean_difference
from extract.models import LoadedModel
from extract.moments import stream_moments
from extract.positions import Position
from extract.rows import sample_rows
from extract.trait import Pair
from lm.errors import UserError
from tests.extract.conftest import make_pair

POSITIONS = [Position.parse("response[:5]"), Position.parse("prompt[-1]")]

texts = st.lists(st.integers(0, 1), max_size=30).map(lambda rest: (5,) * 12 + tuple(rest)) | st.just(())


@given(st.lists(texts, min_size=1, max_size=12), st.integers(1, 200), st.booleans())
def test_every_row_runs_once_within_the_budget(ids: list[tuple[int, ...]], tokens: int, share: bool) -> None:
    together = [list(range(len(ids)))[start : start + 2] for start in range(0, len(ids), 2)]
    batches = plan_batches(ids, together, tokens, share=share)
    assert sorted(row for batch in batches for row in batch.rows) == [n for n, row in enumerate(ids) if row]
    for batch in batches:
        shared = [group.shared for group in batch.groups]
        assert all(shared) or not any(shared)
        rests = [len(ids[row]) - group.shared for group in batch.groups for row in group.rows]
        assert min(rests) >= 1
        assert len(batch.groups) == 1 or len(shared) * max(shared) + len(rests) * max(rests) <= tokens
        for group in batch.groups:
            assert len({ids[row][: group.shared] for row in group.rows}) == 1
            assert not share or group.shared in (0, *range(MIN_SHARED, 99))


@given(st.lists(texts, max_size=4))
def test_shared_tokens(rows: list[tuple[int, ...]]) -> None:
    shared = shared_tokens(rows)
    assert len({row[:shared] for row in rows}) <= 1
    if len(rows) > 1 and min(map(len, rows)) > shared + 1:
        assert len({row[: shared + 1] for row in rows}) > 1


def test_memory_that_runs_out_halves_the_batch(
    llama: LoadedModel, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = pair_activations(llama, pairs, POSITIONS)
    tried = []

    def small(model: LoadedModel, shared: object, group: object, rests: list[object], *, last: int) -> None:
        tried.append(len(rests))
        if len(rests) > 4:
            raise torch.OutOfMemoryError("no room")
        forward(model, shared, group, rests, last=last)

    forward = extract.passes.forward_rests
    monkeypatch.setattr(extract.passes, "forward_rests", small)
    found = pair_activations(llama, pairs, POSITIONS, token_budget=10_000)
    assert max(tried) > 4
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.sides, other.sides, rtol=1e-5, atol=1e-5)


def test_a_text_that_never_fits_is_said(llama: LoadedModel, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_arguments: object, **_named: object) -> None:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(extract.passes, "forward_rows", never)
    with pytest.raises(UserError, match=r"A text of \d+ tokens does not fit the memory of cpu"):
        read_rows(llama, sample_rows(llama, pairs[0], "positive"), POSITIONS)


def test_rows_in_a_file_are_the_rows_in_memory(llama: LoadedModel, pairs: list[Pair], tmp_path: Path) -> None:
    inside = pair_activations(llama, pairs, POSITIONS, components=("residual", "keys"))
    outside = pair_activations(llama, pairs, POSITIONS, components=("residual", "keys"), scratch=tmp_path)
    for one, other in zip(inside, outside, strict=True):
        assert torch.equal(one.sides, other.sides)
    with safe_open(str(tmp_path / "keys.safetensors"), framework="pt") as file:
        stored = file.get_tensor("rows")
    assert torch.equal(stored[1], inside[3].sides)
    with pytest.raises(UserError, match=r"cannot hold .* GiB of activations"):
        pair_activations(llama, pairs, POSITIONS, scratch=tmp_path / "none")


def test_streamed_moments_are_those_of_all_rows(llama: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extract.moments.CHUNK", 7)
    pairs = [make_pair(number) for number in range(20)]
    parts = list(stream_moments(llama, iter(pairs), POSITIONS[0]))
    whole = reduce(add, parts)
    [found] = pair_activations(llama, pairs, POSITIONS[:1])
    assert [part.positive.count for part in parts] == [7, 7, 6]
    for layer in range(llama.n_layers):
        expected = mean_difference(Contrast(*found.at(layer), ("",) * 20))
        torch.testing.assert_close(whole.mean_difference[layer], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(whole.negative.variance.float(), found.negative.var(dim=0), rtol=1e-3, atol=1e-4)


def test_progress_tells_rows_done(llama: LoadedModel, pairs: list[Pair]) -> None:
    told: list[tuple[int, int]] = []
    pair_activations(llama, pairs, POSITIONS, token_budget=200, progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (40, 40)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
