"""Adapters in peft's layout, against weights changed by hand."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from extract.activations import read_rows
from extract.hooks import captured
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
def test_inside_it_is_as_if_the_weight_were_changed_and_afterwards_as_before(
    tmp_path: Path, pairs: list[Pair], family: str, module: str, size: tuple[int, int]
) -> None:
    model = tiny_model(family)
    rows = sample_rows(model, pairs[0], "positive")
    weight = model.model.get_submodule(module).weight
    adapter = write_adapter(tmp_path / "a", {module: size}, use_rslora=True)
    before = read_rows(model, rows, POSITION)[0].mean
    with adapted(model, adapter):
        inside = read_rows(model, rows, POSITION)[0].mean
    assert torch.equal(read_rows(model, rows, POSITION)[0].mean, before)
    torch.manual_seed(1)
    down, up = torch.randn(2, size[1]), torch.randn(size[0], 2)
    change = 4 / 2**0.5 * up @ down
    with torch.no_grad():
        weight += change.T if family == "gpt2" else change
    torch.testing.assert_close(inside, read_rows(model, rows, POSITION)[0].mean, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_it_is_what_peft_computes(tmp_path: Path, pairs: list[Pair], family: str) -> None:
    """peft writes the adapter and computes with it; the adapter is then read from its files here."""
    peft = pytest.importorskip("peft", reason="peft comes with the extra [dev]: `make setup`")
    theirs, ours = tiny_model(family), tiny_model(family)
    rows = sample_rows(ours, pairs[0], "positive")
    settings = peft.LoraConfig(r=3, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
    with_adapter = peft.get_peft_model(theirs.model, settings)
    with_adapter.save_pretrained(tmp_path)
    ids = torch.tensor([rows[0].ids])
    with torch.no_grad(), captured(theirs.blocks, range(theirs.n_layers)) as caught:
        with_adapter(input_ids=ids)
    with adapted(ours, tmp_path):
        [found] = read_rows(ours, rows[:1], [Position.parse("all[-1]")])
    for layer, hidden in caught.items():
        torch.testing.assert_close(found.mean[0, layer], hidden[0, -1], rtol=1e-5, atol=1e-5)


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
        ({"model.layers.1.mlp.down_proj": (32, 60)}, {}, r"by \[32, 60\]; it is \[32, 64\]"),
        ({"model.embed_tokens": (32, 60)}, {}, r"by \[32, 60\]; it is Embedding"),
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
