import itertools

import pytest
import torch

from extract.activations import pair_activations, read_rows
from extract.completions import complete_pairs
from extract.forward import can_share
from extract.hooks import captured
from extract.models import LoadedModel, wrap_model
from extract.positions import Position
from extract.rows import TokenRow, sample_rows
from extract.trait import SIDES, Pair, Sample
from tests.extract.conftest import byte_tokenizer, tiny_model

POSITIONS = [Position.parse(text) for text in ("response[:5]", "response[:]", "prompt[-1]", "all[:]")]


def one_by_one(model: LoadedModel, row: TokenRow, position: Position) -> torch.Tensor:
    with torch.no_grad(), captured(model.blocks, range(model.n_layers)) as caught:
        model.model(input_ids=torch.tensor([row.ids]))
    span = row.places(position)
    return torch.stack([caught[layer][0, list(span)].mean(dim=0) for layer in range(model.n_layers)])


@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("budget", [1, 300, 100_000])
def test_batches_equal_one_by_one(family: LoadedModel, pairs: list[Pair], padding: str, budget: int) -> None:
    rows = [row for pair in pairs[:6] for row in sample_rows(family, pair, "positive")]
    readings = read_rows(family, rows, POSITIONS, token_budget=budget, padding=padding)
    for position, reading in zip(POSITIONS, readings, strict=True):
        expected = torch.stack([one_by_one(family, row, position) for row in rows])
        torch.testing.assert_close(reading.mean, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_models_of_half_precision_are_read_into_float32(pairs: list[Pair], dtype: torch.dtype) -> None:
    model = tiny_model("llama")
    exact = pair_activations(model, pairs[:4], POSITIONS)
    model.model.to(dtype)
    for found, expected in zip(pair_activations(model, pairs[:4], POSITIONS), exact, strict=True):
        assert found.sides.dtype == torch.float32
        assert float(torch.cosine_similarity(found.sides, expected.sides, dim=-1).min()) > 0.995


def test_eager_attention_gives_the_same(pairs: list[Pair]) -> None:
    model = tiny_model("neox")
    expected = pair_activations(model, pairs[:4], POSITIONS)
    model.model.set_attn_implementation("eager")
    assert can_share(model, 100)
    for found, other in zip(pair_activations(model, pairs[:4], POSITIONS), expected, strict=True):
        torch.testing.assert_close(found.sides, other.sides, rtol=1e-5, atol=1e-5)


def test_norm_is_the_mean_norm_of_the_tokens(llama: LoadedModel, pairs: list[Pair]) -> None:
    [row] = sample_rows(llama, pairs[0], "positive")
    [reading] = read_rows(llama, [row], [Position.parse("response[:]")])
    with torch.no_grad(), captured(llama.blocks, [2]) as caught:
        llama.model(input_ids=torch.tensor([row.ids]))
    expected = caught[2][0, row.prompt :].norm(dim=-1).mean()
    torch.testing.assert_close(reading.norm[0, 2], expected)


def test_leading_token_belongs_to_no_frame(llama: LoadedModel, pairs: list[Pair]) -> None:
    [row] = sample_rows(llama, pairs[0], "positive")
    assert row.ids[0] == 0
    assert row.leading == 1
    assert list(row.places(Position.parse("prompt[0]"))) == [1]


def test_reads_the_ids_that_were_generated_not_their_text(llama: LoadedModel, pairs: list[Pair]) -> None:
    [row] = sample_rows(llama, pairs[0], "positive")
    assert row.ids[row.prompt :] == pairs[0].completions["positive"][0].token_ids


def test_samples_of_a_side_are_averaged(llama: LoadedModel, pairs: list[Pair]) -> None:
    first, second = (pair.completions["positive"][0] for pair in pairs[:2])
    several = pairs[0].model_copy(
        update={"completions": {**pairs[0].completions, "positive": (first, second, Sample(text=""))}}
    )
    position = [Position.parse("response[:]")]
    [both] = pair_activations(llama, [several], position)
    alone = [
        pair_activations(
            llama, [several.model_copy(update={"completions": {**several.completions, "positive": (one,)}})], position
        )[0]
        for one in (first, second)
    ]
    torch.testing.assert_close(both.positive, (alone[0].positive + alone[1].positive) / 2)


def test_pairs_with_an_empty_side_are_dropped_and_counted(llama: LoadedModel, pairs: list[Pair]) -> None:
    silent = pairs[1].model_copy(
        update={"completions": {**pairs[1].completions, "negative": (Sample(text="", token_ids=()),)}}
    )
    response, prompt = pair_activations(
        llama, [pairs[0], silent, pairs[2]], [Position.parse("response[:5]"), Position.parse("prompt[-1]")]
    )
    assert (response.kept, response.dropped) == ((0, 2), 1)
    assert (prompt.kept, prompt.dropped) == ((0, 1, 2), 0)
    assert response.positive.shape == response.negative.shape == (2, llama.n_layers, llama.d_model)


def test_missing_completions_are_greedy(llama: LoadedModel, pairs: list[Pair]) -> None:
    bare = [pair.model_copy(update={"completions": {}}) for pair in pairs[:3]]
    completed = complete_pairs(llama, [*bare, pairs[3]], max_tokens=8)
    assert completed[3] == pairs[3]
    for pair in completed[:3]:
        ids = torch.tensor([llama.encode(pair.positive)])
        longer = llama.model.generate(ids, max_new_tokens=8, do_sample=False, pad_token_id=1)
        expected = itertools.takewhile(lambda token: token != 1, longer[0, ids.shape[1] :].tolist())
        assert pair.completions["positive"][0].token_ids == tuple(expected)


def test_borders_stay_where_they_are_when_the_joined_text_would_be_other_tokens(pairs: list[Pair]) -> None:
    plain = tiny_model("llama")
    model = wrap_model(plain.model, byte_tokenizer([("s", "o")]), "hf:tiny-merging")
    model.model.resize_token_embeddings(len(model.tokenizer))
    said = {side: (Sample(text="o what", token_ids=tuple(model.encode("o what")[1:])),) for side in SIDES}
    pair = pairs[0].model_copy(update={"positive": "I knew, yet s", "negative": "I knew, and ", "completions": said})
    [row] = sample_rows(model, pair, "positive")
    joined = model.encode("I knew, yet so what")
    assert len(row.ids) == len(joined) + 1
    [first] = row.places(Position.parse("response[0]"))
    assert model.tokenizer.decode([row.ids[first]]) == "o"
    [spaced] = sample_rows(model, pair, "negative")
    assert model.tokenizer.decode([spaced.ids[place] for place in spaced.places(Position.parse("prompt[-1]"))]) == " "


def test_an_opening_token_that_is_there_is_not_put_twice(llama: LoadedModel, pairs: list[Pair]) -> None:
    written = pairs[0].model_copy(update={"positive": "<s>" + pairs[0].positive})
    assert sample_rows(llama, written, "positive") == sample_rows(llama, pairs[0], "positive")
