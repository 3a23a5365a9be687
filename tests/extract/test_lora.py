"""Adapters in peft's layout, against weights changed by hand."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from extract.activations import read_rows
from extract.lora import adapted, adapter_shift
from extract.models import LoadedModel
from extract.positions import Position
from extract.rows import sample_rows
from extract.trait import Pair
from lm.errors import UserError
from tests.extract.conftest import tiny_model

POSITION = [Position.parse("response[:]")]


def write_adapter(folder: Path, modules: dict[str, tuple[int, int]], **settings: object) -> Path:
    """A rank-2 adapter of these modules, given as (d_out, d_in)."""
    torch.manual_seed(1)
    tensors = {}
    for name, (out, into) in modules.items():
        tensors[f"base_model.model.{name}.lora_A.weight"] = torch.randn(2, into)
        tensors[f"base_model.model.{name}.lora_B.weight"] = torch.randn(out, 2)
    told = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "bias": "none", **settings}
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(told))
    save_file(tensors, folder / "adapter_model.safetensors")
    return folder


@pytest.mark.parametrize(
    ("family", "module", "size"),
    [("llama", "model.layers.1.mlp.down_proj", (32, 64)), ("gpt2", "transformer.h.1.attn.c_attn", (96, 32))],
)
def test_inside_the_weight_is_changed_and_afterwards_it_is_the_same_bits(
    tmp_path: Path, family: str, module: str, size: tuple[int, int]
) -> None:
    model = tiny_model(family)
    weight = model.model.get_submodule(module).weight
    before = weight.detach().clone()
    adapter = write_adapter(tmp_path / "a", {module: size}, use_rslora=True)
    torch.manual_seed(1)
    down, up = torch.randn(2, size[1]), torch.randn(size[0], 2)
    change = 4 / 2**0.5 * up @ down
    with adapted(model, adapter):
        torch.testing.assert_close(weight.detach(), before + (change.T if family == "gpt2" else change))
    assert torch.equal(weight, before)


def test_shift_is_what_the_adapter_changes(tmp_path: Path, llama: LoadedModel, pairs: list[Pair]) -> None:
    rows = sample_rows(llama, pairs[0], "positive")
    adapter = write_adapter(tmp_path / "a", {"model.layers.1.mlp.down_proj": (32, 64)})
    shift = adapter_shift(llama, rows, POSITION, adapter)
    [difference] = shift.difference
    assert float(difference[0, 0].norm()) == 0
    assert float(difference[0, 1].norm()) > 0.1
    assert torch.equal(read_rows(llama, rows, POSITION)[0].mean, shift.without[0].mean)


@pytest.mark.parametrize(
    ("modules", "settings", "message"),
    [
        ({"model.layers.9.mlp.down_proj": (32, 64)}, {}, "which this model does not have"),
        ({"model.layers.1.mlp.down_proj": (32, 60)}, {}, r"by \[32, 60\]; its weight is \[32, 64\]"),
        ({"model.layers.1.mlp.down_proj": (32, 64)}, {"use_dora": True}, "not a plain LoRA adapter .use_dora"),
        ({"model.layers.1.mlp.down_proj": (32, 64)}, {"peft_type": "IA3"}, "peft_type IA3"),
    ],
)
def test_adapters_that_do_not_fit(
    tmp_path: Path, llama: LoadedModel, modules: dict[str, tuple[int, int]], settings: dict[str, object], message: str
) -> None:
    adapter = write_adapter(tmp_path / "a", modules, **settings)
    with pytest.raises(UserError, match=message), adapted(llama, adapter):
        pass


def test_no_adapter(tmp_path: Path, llama: LoadedModel) -> None:
    with pytest.raises(UserError, match="is no adapter"), adapted(llama, tmp_path):
        pass
