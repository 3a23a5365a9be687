import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from extract.vector_files import HEADER, decode_name, encode_name, load_directions, vector_path
from extract.vectors import Directions, Provenance
from lm.errors import UserError


def make_directions(layers: tuple[int, ...] = (0, 1, 2), width: int = 8, seed: int = 0) -> Directions:
    torch.manual_seed(seed)
    return Directions(
        direction=torch.nn.functional.normalize(torch.randn(len(layers), width), dim=1),
        norm=torch.rand(len(layers)) + 1,
        baseline=torch.randn(len(layers)),
        activation_norm=torch.rand(len(layers)) + 5,
        provenance=Provenance(
            trait="alignment/strategic_omission",
            dataset="0" * 64,
            subject="hf:meta-llama/Llama-3.1-8B",
            position="response[:5]",
            method="mean_difference",
            layers=layers,
            pairs=10,
            pairs_fitted=7,
        ),
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return make_directions().save(tmp_path)


@given(st.text(min_size=1, max_size=40))
def test_names_are_reversible_and_safe(name: str) -> None:
    try:
        encoded = encode_name(name)
    except UserError:
        assert len(name) > 16
        return
    except UnicodeEncodeError:
        return
    assert decode_name(encoded) == name
    assert not set('/\\:*?"<>|[] ') & set(encoded)
    assert encoded.isascii()
    assert not encoded.startswith(".")
    assert not encoded.endswith(".")


def test_path_of_a_file() -> None:
    path = vector_path(Path("vectors"), make_directions().provenance)
    assert path.parts[0] == "vectors"
    assert [decode_name(part) for part in path.parts[1:4]] == [
        "hf:meta-llama/Llama-3.1-8B",
        "response[:5]",
        "residual",
    ]
    assert path.name == "mean_difference.safetensors"


def test_round_trip(saved: Path) -> None:
    assert Directions.load(saved) == make_directions()
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_same_directions_same_bytes(saved: Path, tmp_path: Path) -> None:
    assert make_directions().save(tmp_path / "again").read_bytes() == saved.read_bytes()


def test_layers_are_numbers_not_rows() -> None:
    directions = make_directions(layers=(4, 8, 12))
    assert directions[8].layer == 8
    assert torch.equal(directions[8].vector, directions.direction[1])
    assert [direction.layer for direction in directions] == [4, 8, 12]
    with pytest.raises(KeyError, match="there are layers 4, 8, 12"):
        directions[1]


def test_repr_tells_what_they_are() -> None:
    assert "mean_difference at response[:5] of hf:meta-llama/Llama-3.1-8B, 3 layers x 8" in repr(make_directions())
    assert "layer 1" in repr(make_directions()[1])


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("direction", torch.ones(2, 8), r"'direction' is \[2, 8\] torch.float32; expected \[3, 8\]"),
        ("direction", torch.ones(3, 8), "must be unit vectors"),
        ("direction", torch.full((3, 8), torch.nan), "not finite"),
        ("direction", torch.ones(3), "expected"),
        ("norm", torch.ones(3, 1), r"'norm' is \[3, 1\]"),
        ("baseline", torch.ones(3, dtype=torch.float64), "expected .* torch.float32"),
        ("activation_norm", torch.tensor([1.0, torch.inf, 1.0]), "not finite"),
        ("norm", None, "tensor 'norm' is missing"),
    ],
)
def test_unfit_tensors_are_refused(saved: Path, name: str, tensor: torch.Tensor | None, message: str) -> None:
    tensors = load_file(saved)
    del tensors[name]
    if tensor is not None:
        tensors[name] = tensor
    save_file(tensors, saved, {HEADER: make_directions().provenance.model_dump_json()})
    with pytest.raises(UserError, match=message):
        load_directions(saved)


def test_unfit_directions_are_not_written(tmp_path: Path) -> None:
    good = make_directions()
    bad = Directions(good.direction * torch.nan, good.norm, good.baseline, good.activation_norm, good.provenance)
    with pytest.raises(UserError, match="not finite"):
        bad.save(tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_other_files_are_refused(tmp_path: Path) -> None:
    pickled, foreign, odd = (tmp_path / name for name in ("a.pt", "b.safetensors", "c.safetensors"))
    torch.save({"direction": torch.ones(3)}, pickled)
    save_file({"direction": torch.ones(3, 8)}, foreign)
    save_file({"direction": torch.ones(3, 8)}, odd, {HEADER: json.dumps({"trait": 1})})
    for path, message in ((pickled, "no safetensors"), (foreign, "holds no directions"), (odd, "cannot be read")):
        with pytest.raises(UserError, match=message):
            load_directions(path)
    with pytest.raises(UserError, match="no file of directions"):
        load_directions(tmp_path / "none")


def test_arithmetic_of_directions() -> None:
    one, two = make_directions(), make_directions(seed=1)
    both = one + two
    torch.testing.assert_close(both.raw, one.raw + two.raw)
    torch.testing.assert_close(both.direction.norm(dim=1), torch.ones(3))
    torch.testing.assert_close((one - two).raw, one.raw - two.raw)
    torch.testing.assert_close((2.0 * one).raw, 2 * one.raw)
    torch.testing.assert_close((-one).direction, -one.direction)
    torch.testing.assert_close((-one).baseline, -one.baseline)
    assert torch.equal(one.cosine(one) > 0.999, torch.ones(3).bool())
    assert both.provenance.made == "alignment/strategic_omission + alignment/strategic_omission"
    assert "alignment/strategic_omission + alignment" in repr(both)
    assert both.provenance.held_out is None


def test_thresholds_follow_the_arithmetic() -> None:
    one, two = make_directions(), make_directions(seed=1)
    x = torch.randn(8)

    def beyond(directions: Directions) -> torch.Tensor:
        return directions.norm * (directions.direction @ x - directions.baseline)

    torch.testing.assert_close(beyond(one + two), beyond(one) + beyond(two))
    torch.testing.assert_close(beyond(-3.0 * one), -3 * beyond(one))
    torch.testing.assert_close(one[1].project(x[None]) * one.norm[1], beyond(one)[1:2])


def test_what_is_left_is_orthogonal() -> None:
    one, two = make_directions(), make_directions(seed=1)
    left = one.orthogonal_to(two)
    torch.testing.assert_close(left.cosine(two), torch.zeros(3), atol=1e-6, rtol=0)
    with pytest.raises(UserError, match=r"Nothing is left of .* at layer 0, 1, 2"):
        one.orthogonal_to(one)
    with pytest.raises(UserError, match="Nothing is left"):
        one - one


def test_directions_of_other_models_do_not_mix() -> None:
    one = make_directions()
    with pytest.raises(UserError, match=r"Directions of layers \(0, 1, 2\) and of layers \(0, 1\)"):
        one + make_directions(layers=(0, 1))


def test_selection_by_layer(tmp_path: Path) -> None:
    some = make_directions(layers=(4, 8, 12)).at([12, 4])
    assert some.layers == (12, 4)
    assert torch.equal(some[4].vector, make_directions(layers=(4, 8, 12))[4].vector)
    assert Directions.load(some.save(tmp_path)) == some
    with pytest.raises(KeyError, match="there are layers 4, 8"):
        make_directions(layers=(4, 8)).at([5])


def test_directions_without_activation_norms_are_equal_to_themselves_and_say_what_they_lack(tmp_path: Path) -> None:
    raw = torch.randn(2, 8)
    assert Directions.of(raw, (0, 1)) == Directions.of(raw, (0, 1)) != Directions.of(-raw, (0, 1))
    with pytest.raises(UserError, match=r"'activation_norm' .* Measure it first: extract\.with_activation_norms"):
        Directions.of(raw, (0, 1), subject="organism").save(tmp_path)
    with pytest.raises(UserError, match=r"do not say of which model they are. Name it: Directions\.of\("):
        Directions.of(raw, (0, 1)).save(tmp_path)
