"""Where weights go, and adapters that a reference names."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import lm.local.placement
from lm.errors import ModelReferenceError, UserError
from lm.local.checkpoint import load_checkpoint, organism_folder
from lm.local.placement import find_placement
from lm.references import parse_reference

ORGANISM = f"hf:{organism_folder()}"


def test_defaults() -> None:
    found = find_placement(parse_reference("hf:x"))
    assert (found.device.type, found.dtype, found.arguments) == ("cpu", torch.float32, {})
    assert find_placement(parse_reference("hf:x?dtype=bf16")).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("quant=4bit", "quant=4bit needs a GPU"),
        ("device=auto", "needs accelerate, .* pip install 'traitsmith.gpus.'"),
        ("device=cuda:7", "no device 'cuda:7' here"),
    ],
)
def test_what_is_not_possible_here(options: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lm.local.placement, "find_spec", lambda _name: None)
    with pytest.raises(ModelReferenceError, match=says):
        find_placement(parse_reference(f"hf:x?{options}"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="quantised weights need a GPU")
@pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="bitsandbytes comes with the extra [quant]")
@pytest.mark.parametrize("quant", ["4bit", "8bit"])
def test_quantised_weights_are_close(quant: str) -> None:
    texts = torch.arange(5, 45)[None]
    whole, small = (
        load_checkpoint(parse_reference(f"{ORGANISM}?device=cuda{more}")) for more in ("", f"&quant={quant}")
    )
    with torch.no_grad():
        logits = [one.model(input_ids=texts.cuda()).logits.float()[0, -1] for one in (whole, small)]
    assert float(torch.cosine_similarity(*logits, dim=0)) > 0.95


@pytest.mark.skipif(find_spec("accelerate") is None, reason="accelerate comes with the extra [dev]: `make setup`")
def test_weights_spread_over_what_there_is_give_the_same() -> None:
    ids = torch.arange(5, 45)[None]
    whole, spread = (load_checkpoint(parse_reference(f"{ORGANISM}{more}")) for more in ("", "?device=auto&dtype=fp32"))
    with torch.no_grad():
        logits = [one.model(input_ids=ids.to(one.model.device)).logits.cpu() for one in (whole, spread)]
    torch.testing.assert_close(*logits)


def test_a_reference_with_an_adapter(tmp_path: Path) -> None:
    plain = load_checkpoint(parse_reference(ORGANISM))
    module = "model.layers.0.mlp.down_proj"
    out, into = plain.model.get_submodule(module).weight.shape
    tensors = {f"base_model.model.{module}.lora_A.weight": torch.randn(2, into)}
    tensors[f"base_model.model.{module}.lora_B.weight"] = torch.randn(out, 2)
    save_file(tensors, tmp_path / "adapter_model.safetensors")
    config = tmp_path / "adapter_config.json"
    config.write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "bias": "none"}))
    adapted = load_checkpoint(parse_reference(f"{ORGANISM}?lora={tmp_path}"))
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        assert float((adapted.model(input_ids=ids).logits - plain.model(input_ids=ids).logits).abs().max()) > 0.1
    assert adapted.identity.startswith(f"{plain.identity}+")
    config.write_text(config.read_text().replace("4", "8"))
    assert load_checkpoint(parse_reference(f"{ORGANISM}?lora={tmp_path}")).identity != adapted.identity
    with pytest.raises(UserError, match="is no adapter"):
        load_checkpoint(parse_reference(f"{ORGANISM}?lora={tmp_path / 'none'}"))
