"""Batches, files for many rows, and what happens when memory runs out."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

import extract.passes
import extract.stores
from extract.activations import pair_activations, read_rows, side_activations
from extract.batches import MIN_SHARED, Row, lay_out, plan_batches
from extract.models import LoadedModel
from extract.moments import SideMoments
from extract.pipeline import extract_directions
from extract.positions import Position
from extract.rows import TokenRow, sample_rows
from extract.stores import Wanted
from extract.streaming import stream_directions
from extract.trait import Pair
from lm.errors import UserError
from tests.extract.conftest import make_pair

whole = extract.stores._mapped

POSITIONS = [Position.parse("response[:5]"), Position.parse("prompt[-1]")]

texts = st.lists(st.integers(0, 1), max_size=30).map(lambda rest: (5,) * 12 + tuple(rest)) | st.just(())


@given(st.lists(texts, min_size=1, max_size=12), st.integers(1, 200), st.booleans())
def test_every_text_runs_once_within_the_budget(ids: list[tuple[int, ...]], tokens: int, share: bool) -> None:
    together = [list(range(len(ids)))[start : start + 4] for start in range(0, len(ids), 4)]
    batches = plan_batches(ids, together, tokens, share=share)
    assert sorted(text for batch in batches for text in batch.texts) == [n for n, text in enumerate(ids) if text]
    for batch in batches:
        assert {len(row.texts) > 1 for row in batch.rows} == {batch.shares}
        assert len(batch.rows) == 1 or len(batch.rows) * max(len(row.ids) for row in batch.rows) <= tokens
        for row in batch.rows:
            saved = sum(len(ids[text]) for text in row.texts) - len(row.ids)
            assert saved >= MIN_SHARED if len(row.texts) > 1 else saved == 0
            assert share or len(row.texts) == 1


@given(st.lists(texts.filter(bool), min_size=1, max_size=6))
def test_a_token_of_a_row_sees_what_precedes_it_in_its_texts_and_nothing_else(ids: list[tuple[int, ...]]) -> None:
    row = lay_out(ids, range(len(ids)))
    assert sorted(row.texts) == list(range(len(ids)))
    beginnings = {text[:stop] for text in ids for stop in range(1, len(text) + 1)}
    assert len(row.ids) == len(beginnings), "what texts begin with stands there once"
    for text, columns in zip(row.texts, row.columns, strict=True):
        assert tuple(row.ids[column] for column in columns) == ids[text]
        for place, column in enumerate(columns):
            seen = [other for other in range(column + 1) if column < row.ends[other]]
            assert seen == list(columns[: place + 1])


def test_a_row_is_no_wider_than_attention_bears() -> None:
    many = [(*range(100), 200 + number, *range(50)) for number in range(40)]
    [batch] = plan_batches(many, [range(40)], 10_000, share=True)
    assert [len(row.ids) for row in batch.rows] == [1018, 1018, 304]
    long = [(*range(2000), number) for number in range(3)]
    assert [len(batch.rows[0].ids) for batch in plan_batches(long, [range(3)], 512, share=True)] == [2003]


def test_samples_of_a_side_share_their_scenario(llama: LoadedModel) -> None:
    scenario, answers = tuple(range(10, 30)), [(40, 41), (40, 42, 43), (50,), (40, 41)]
    rows = [TokenRow(scenario + answer, 20) for answer in answers]
    [batch] = plan_batches([row.ids for row in rows], [range(4)], 500, share=True)
    assert batch.tokens == 20 + 2 + 2 + 1
    found = side_activations(llama, [rows[:3], rows[3:]], Wanted(tuple(POSITIONS), ("residual",), (0, 1, 2)))
    for position, reading in zip(POSITIONS, found, strict=True):
        [alone] = read_rows(llama, rows, [position])
        torch.testing.assert_close(reading.positive[0], alone.mean[:3].mean(dim=0), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(reading.negative[0], alone.mean[3], rtol=1e-5, atol=1e-5)


def test_memory_that_runs_out_halves_the_batch(
    llama: LoadedModel, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = pair_activations(llama, pairs, POSITIONS)
    tried = []

    def small(model: LoadedModel, rows: list[Row], *, last: int) -> None:
        tried.append(len(rows))
        if len(rows) > 2:
            raise torch.OutOfMemoryError("no room")
        forward(model, rows, last=last)

    forward = extract.passes.forward_shared
    monkeypatch.setattr(extract.passes, "forward_shared", small)
    found = pair_activations(llama, pairs, POSITIONS, token_budget=10_000)
    assert max(tried) > 2
    assert len([size for size in tried if size > 2]) < 5, "what does not fit is tried again and again"
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


def test_large_tables_lie_in_a_file_where_none_is_named(
    llama: LoadedModel, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    [inside] = pair_activations(llama, pairs, POSITIONS[:1])
    monkeypatch.setattr("extract.stores.IN_MEMORY", 1000)
    mapped = []
    monkeypatch.setattr("extract.stores._mapped", lambda *given: mapped.append(given[2]) or whole(*given))
    [outside] = pair_activations(llama, pairs, POSITIONS[:1])
    assert mapped == [(1, llama.n_layers, 2 * len(pairs), llama.d_model)]
    assert torch.equal(outside.sides, inside.sides)
    monkeypatch.setattr("extract.stores.disk_usage", lambda _folder: SimpleNamespace(free=10))
    with pytest.raises(UserError, match=r"cannot hold 0\.0 GiB of activations: No space left"):
        pair_activations(llama, pairs, POSITIONS[:1])


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
