import subprocess
import sys

import pytest
import torch

import extract
from extract.digests import digest_pairs
from extract.models import LoadedModel, load_model
from extract.pipeline import extract_directions
from extract.trait import Pair
from lm.errors import UserError


def test_positions_and_methods_in_one_pass(llama: LoadedModel, pairs: list[Pair]) -> None:
    found = extract_directions(
        llama, pairs, positions=("response[:5]", "prompt[-1]"), methods=("mean_difference", "logistic_probe")
    )
    assert [(one.provenance.position, one.provenance.method) for one in found] == [
        ("response[:5]", "mean_difference"),
        ("response[:5]", "logistic_probe"),
        ("prompt[-1]", "mean_difference"),
        ("prompt[-1]", "logistic_probe"),
    ]
    for directions in found:
        assert directions.direction.shape == (llama.n_layers, llama.d_model)
        torch.testing.assert_close(directions.direction.norm(dim=1), torch.ones(llama.n_layers))


def test_figures_are_of_held_out_pairs(llama: LoadedModel, pairs: list[Pair]) -> None:
    [directions] = extract_directions(llama, pairs, trait="alignment/strategic_omission")
    about = directions.provenance
    assert about.held_out is not None
    assert about.pairs == 20
    assert about.pairs_fitted + about.held_out.pairs == 20
    assert about.held_out.best.auroc > 0.9
    assert about.trait == directions[0].trait == "alignment/strategic_omission"
    assert "held-out AUROC" in repr(directions)


def test_layers_by_number_and_by_text(llama: LoadedModel, pairs: list[Pair]) -> None:
    [some], [named] = (extract_directions(llama, pairs, layers=layers) for layers in ((1, 2), "40%-100%"))
    assert some == named
    assert some.layers == (1, 2)


def test_nothing_held_out(llama: LoadedModel, pairs: list[Pair]) -> None:
    [directions] = extract_directions(llama, pairs, held_out=0)
    assert directions.provenance.held_out is None
    assert directions.provenance.pairs_fitted == 20


def test_same_pairs_same_directions(llama: LoadedModel, pairs: list[Pair]) -> None:
    first, again = (extract_directions(llama, pairs, methods=("random_direction",))[0] for _ in range(2))
    assert first == again


def test_swapping_the_sides_flips_the_directions(llama: LoadedModel, pairs: list[Pair]) -> None:
    swapped = [
        pair.model_copy(
            update={
                "positive": pair.negative,
                "negative": pair.positive,
                "completions": {"positive": pair.completions["negative"], "negative": pair.completions["positive"]},
            }
        )
        for pair in pairs
    ]
    [one], [other] = extract_directions(llama, pairs), extract_directions(llama, swapped)
    torch.testing.assert_close(one.direction, -other.direction, rtol=1e-4, atol=1e-5)


def test_pairs_without_completions_are_completed_first(llama: LoadedModel, pairs: list[Pair]) -> None:
    bare = [pair.model_copy(update={"completions": {}}) for pair in pairs]
    [directions] = extract_directions(llama, bare)
    assert directions.provenance.pairs_fitted == 14


def test_no_tokens_anywhere_is_said(llama: LoadedModel, pairs: list[Pair]) -> None:
    with pytest.raises(UserError, match=r"None of the 20 pairs has tokens at 'response\[90:\]'"):
        extract_directions(llama, pairs, positions=("response[90:]",))


def test_sides_that_are_the_same_are_said(llama: LoadedModel, pairs: list[Pair]) -> None:
    same = [
        pair.model_copy(
            update={
                "negative": pair.positive,
                "completions": dict.fromkeys(("positive", "negative"), pair.completions["positive"]),
            }
        )
        for pair in pairs
    ]
    with pytest.raises(UserError, match="both sides are alike"):
        extract_directions(llama, same)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            {"positions": "prompt[-1]"},
            r"positions takes a list of one name or more, such as positions=\['prompt\[-1\]'\]",
        ),
        ({"methods": ()}, "methods takes a list"),
        ({"held_out": 1.0}, "held_out is 1.0"),
        ({"components": ["heads"]}, "There is no component 'heads'"),
        ({"layers": [9]}, r"no layer \[9\]"),
        ({"layers": [1, 1]}, r"Layers \[1, 1\]: each can be named once only"),
        ({"layers": "1-2"}, r"'1-2' names no layers"),
    ],
)
def test_what_cannot_be_extracted_is_said(
    llama: LoadedModel, pairs: list[Pair], told: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        extract_directions(llama, pairs[:2], **told)


def test_digest_follows_the_tokens(pairs: list[Pair]) -> None:
    renamed = [pair.model_copy(update={"id": "other"}) for pair in pairs]
    silent = [pair.model_copy(update={"completions": {}}) for pair in pairs]
    assert digest_pairs(pairs).hexdigest() == digest_pairs(renamed).hexdigest()
    assert digest_pairs(pairs).hexdigest() != digest_pairs(silent).hexdigest()


def test_models_without_weights_are_refused() -> None:
    with pytest.raises(UserError, match="has no weights to read"):
        load_model("scripted:answers.jsonl")


def test_importing_loads_no_torch() -> None:
    code = "import extract, extract.trait, extract.dataset, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_there() -> None:
    for name in extract.__all__:
        assert getattr(extract, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        extract.nonsense  # noqa: B018
