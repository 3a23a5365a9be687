"""Every family on a tiny random model of its real configuration class."""

from collections.abc import Iterator

import pytest
import torch
from transformers import DynamicCache

from extract.activations import pair_activations, read_rows, side_activations
from extract.blocks import find_blocks
from extract.forward import can_share
from extract.hooks import captured
from extract.models import LoadedModel
from extract.positions import Position
from extract.rows import TokenRow, sample_rows
from extract.stores import Wanted
from extract.trait import Pair
from lm.errors import UserError
from tests.extract.families import ATTENDING, FAMILIES, LAYERS, STATEFUL, WINDOW, WINDOWED, family_model

RESPONSE, ALL = Position.parse("response[:5]"), Position.parse("all[:]")


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest) -> Iterator[LoadedModel]:
    yield family_model(request.param)


@pytest.fixture(scope="module", params=ATTENDING)
def attending(request: pytest.FixtureRequest) -> Iterator[LoadedModel]:
    yield family_model(request.param)


def row_of(model: LoadedModel, text: str = "I knew, so I said yes") -> TokenRow:
    return TokenRow(tuple(model.encode(text)), 8, 1)


def test_blocks_are_the_layers(model: LoadedModel) -> None:
    assert model.n_layers == LAYERS
    ids = torch.tensor([row_of(model).ids])
    with torch.no_grad(), captured(model.blocks, range(LAYERS)) as caught:
        states = model.model(input_ids=ids, output_hidden_states=True, use_cache=False).hidden_states
    first = 0 if model.reference == "hf:tiny-mamba" else 1  # Mamba's hidden states leave the embeddings out
    for layer in range(LAYERS - 1):  # the last entry of hidden_states is after the final norm
        torch.testing.assert_close(caught[layer], states[first + layer])


def test_batches_and_shared_beginnings_equal_one_by_one(model: LoadedModel, pairs: list[Pair]) -> None:
    found = pair_activations(model, pairs[:6], [RESPONSE, ALL], token_budget=400)
    for position, reading in zip([RESPONSE, ALL], found, strict=True):
        for number, pair in enumerate(pairs[:6]):
            [row] = sample_rows(model, pair, "positive")
            with torch.no_grad(), captured(model.blocks, range(LAYERS)) as caught:
                model.model(input_ids=torch.tensor([row.ids]), use_cache=False)
            places = list(row.places(position))
            expected = torch.stack([caught[layer][0, places].mean(dim=0) for layer in range(LAYERS)])
            scale = float(expected.norm(dim=-1).max())
            torch.testing.assert_close(reading.positive[number], expected, rtol=1e-5, atol=1e-5 * scale)


def test_contributions_add_up_to_the_residual_stream(attending: LoadedModel) -> None:
    row = [row_of(attending)]
    [given], [residual], [attention], [mlp] = (
        read_rows(attending, row, [ALL], component=part)
        for part in ("block_input", "residual", "attn_contribution", "mlp_contribution")
    )
    torch.testing.assert_close(given.mean[:, 1:], residual.mean[:, :-1])
    torch.testing.assert_close(residual.mean - given.mean, attention.mean + mlp.mean, rtol=1e-4, atol=1e-4)


def test_what_parts_return_and_what_they_add_differ_where_a_norm_stands_between(attending: LoadedModel) -> None:
    row = [row_of(attending)]
    [returned], [added] = (read_rows(attending, row, [ALL], component=part) for part in ("mlp_out", "mlp_contribution"))
    normed = attending.reference in ("hf:tiny-gemma2", "hf:tiny-gemma3_text", "hf:tiny-olmo2")
    assert torch.equal(returned.mean, added.mean) != normed


def test_values_are_those_of_the_cache(attending: LoadedModel) -> None:
    row = row_of(attending)
    cache = DynamicCache()
    with torch.no_grad():
        attending.model(input_ids=torch.tensor([row.ids]), past_key_values=cache, use_cache=True)
    [found] = read_rows(attending, [row], [ALL], component="values")
    for layer in range(LAYERS):
        values = cache.layers[layer].values[0].transpose(0, 1).flatten(1)
        torch.testing.assert_close(found.mean[0, layer], values[1:].mean(dim=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["gpt2", "opt"])
def test_keys_are_those_of_the_cache_where_nothing_rotates_them(family: str) -> None:
    model = family_model(family)
    row = row_of(model)
    cache = DynamicCache()
    with torch.no_grad():
        model.model(input_ids=torch.tensor([row.ids]), past_key_values=cache, use_cache=True)
    [found] = read_rows(model, [row], [ALL], component="keys")
    keys = cache.layers[1].keys[0].transpose(0, 1).flatten(1)
    torch.testing.assert_close(found.mean[0, 1], keys[1:].mean(dim=0), rtol=1e-4, atol=1e-5)


def test_texts_stand_in_one_row_where_every_token_sees_all_of_its_text(model: LoadedModel) -> None:
    family = model.reference.removeprefix("hf:tiny-")
    assert can_share(model, WINDOW) == (family not in ("falcon", *STATEFUL))  # Falcon makes masks in a way of its own.
    assert can_share(model, WINDOW + 1) == (can_share(model, WINDOW) and family not in WINDOWED)


@pytest.mark.parametrize("family", WINDOWED)
def test_texts_within_the_window_share_a_row(family: str) -> None:
    model, beginning = family_model(family), tuple(range(10, 20))
    rows = [TokenRow((*beginning, *end), 10) for end in ((30, 31, 32, 33, 34, 35), (40, 41), (40, 42), (50,))]
    shared = side_activations(model, [rows[:1], rows[1:]], Wanted((RESPONSE, ALL), ("residual",), (0, 1, 2)))
    for position, reading in zip([RESPONSE, ALL], shared, strict=True):
        [alone] = read_rows(model, rows, [position])
        torch.testing.assert_close(reading.positive[0], alone.mean[0], rtol=1e-5, atol=1e-4)
        torch.testing.assert_close(reading.negative[0], alone.mean[1:].mean(dim=0), rtol=1e-5, atol=1e-4)


def test_one_layer_is_the_same_as_among_all(model: LoadedModel, pairs: list[Pair]) -> None:
    [one] = pair_activations(model, pairs[:3], [RESPONSE], layers=(1,))
    [whole] = pair_activations(model, pairs[:3], [RESPONSE])
    assert one.layers == (1,)
    torch.testing.assert_close(one.positive[:, 0], whole.positive[:, 1])


@pytest.mark.parametrize("family", STATEFUL)
def test_parts_a_family_does_not_have_are_said(family: str) -> None:
    model = family_model(family)
    with pytest.raises(UserError, match=r"no place to read 'attn_out'.*'residual' can be read from every model"):
        read_rows(model, [row_of(model)], [ALL], component="attn_out")


def test_several_lists_of_the_right_length_are_named() -> None:
    model = family_model("llama")
    model.model.model.twin = torch.nn.ModuleList([torch.nn.Identity() for _ in range(LAYERS)])
    with pytest.raises(UserError, match=r"model\.layers, model\.twin are all as long .* blocks='model\.layers'"):
        find_blocks(model.model)
    assert len(find_blocks(model.model, "model.layers")) == LAYERS
    with pytest.raises(UserError, match=r"no list of modules at 'model\.layer'.*model\.layers \(3\)"):
        find_blocks(model.model, "model.layer")


def test_layers_that_are_not_there(pairs: list[Pair]) -> None:
    with pytest.raises(UserError, match=r"no layer \[7\]; this model has layers 0 to 2"):
        pair_activations(family_model("gpt2"), pairs[:1], [RESPONSE], layers=(0, 7))
