"""Batches, files for many rows, and what happens when memory runs out."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

import extract.passes
from extract.activations import pair_activations, read_rows
from extract.batches import MIN_SHARED, plan_batches, shared_tokens
from extract.models import LoadedModel
from extract.moments import SideMoments
from extract.pipeline import extract_directions
from extract.positions import Position
from extract.rows import sample_rows
from extract.streaming import stream_directions
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
    assert len([size for size in tried if size > 4]) < 5, "what does not fit is tried again and again"
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


def test_streamed_directions_are_those_of_all_rows(llama: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extract.streaming.CHUNK", 7)
    pairs = [make_pair(number) for number in range(20)]
    pairs[9] = make_pair(9, tokens=0)
    told = {"positions": ["response[:5]", "prompt[-1]"], "components": ["residual", "keys"], "trait": "a/b"}
    streamed = stream_directions(llama, iter(pairs), **told)
    whole = extract_directions(llama, pairs, held_out=0, **told)
    assert [one.provenance for one in streamed] == [one.provenance for one in whole]
    assert streamed[0].provenance.pairs_dropped == 0
    for one, other in zip(streamed, whole, strict=True):
        for name, tensor in one.tensors().items():
            torch.testing.assert_close(tensor, other.tensors()[name], rtol=1e-4, atol=1e-5)
    with pytest.raises(UserError, match=r"None of the 20 pairs has tokens at 'response\[90:\]'"):
        stream_directions(llama, pairs, positions=["response[90:]"])


def test_moments_of_halves_add_up(llama: LoadedModel) -> None:
    pairs = [make_pair(number) for number in range(20)]
    whole, *halves = (
        SideMoments.of(pair_activations(llama, part, POSITIONS[:1])[0]) for part in (pairs, pairs[:7], pairs[7:])
    )
    added = halves[0] + halves[1]
    assert added.positive.count == 20
    torch.testing.assert_close(added.mean_difference, whole.mean_difference)
    torch.testing.assert_close(added.negative.variance, whole.negative.variance, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(added.norm, whole.norm, rtol=1e-5, atol=1e-5)


def test_progress_tells_rows_done(llama: LoadedModel, pairs: list[Pair]) -> None:
    told: list[tuple[int, int]] = []
    pair_activations(llama, pairs, POSITIONS, token_budget=200, progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (40, 40)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
