"""Where weights go, and adapters that a reference names."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import lm.local.placement
from lm.errors import ModelReferenceError, UserError
from lm.local.checkpoint import Checkpoint, load_checkpoint, organism_folder
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
        ("quant=4bit", "needs bitsandbytes, .* pip install 'traitsmith.quant.'"),
        ("device=auto", "needs accelerate, .* pip install 'traitsmith.gpus.'"),
        ("device=cuda:7", "no device 'cuda:7' here"),
    ],
)
def test_what_is_not_possible_here(options: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lm.local.placement, "find_spec", lambda _name: None)
    with pytest.raises(ModelReferenceError, match=says):
        find_placement(parse_reference(f"hf:x?{options}"))


@pytest.mark.parametrize(("quant", "least"), [("4bit", 0.9), ("8bit", 0.99)])
def test_quantised_weights_are_close(quant: str, least: float) -> None:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes comes with the extra [quant]: `make setup`")
    whole, small = (load_checkpoint(parse_reference(f"{ORGANISM}{more}")) for more in ("", f"?quant={quant}"))
    logits = [last_logits(one) for one in (whole, small)]
    assert float(torch.cosine_similarity(*logits, dim=0)) > least
    assert not torch.equal(*logits)


def test_weights_spread_over_what_there_is_give_the_same() -> None:
    pytest.importorskip("accelerate", reason="accelerate comes with the extra [dev]: `make setup`")
    whole, spread = (load_checkpoint(parse_reference(f"{ORGANISM}{more}")) for more in ("", "?device=auto&dtype=fp32"))
    torch.testing.assert_close(last_logits(whole), last_logits(spread))


@torch.no_grad()
def last_logits(checkpoint: Checkpoint) -> torch.Tensor:
    """After forty arbitrary tokens."""
    ids = torch.arange(5, 45)[None].to(checkpoint.model.device)
    found: torch.Tensor = checkpoint.model(input_ids=ids).logits[0, -1].float().cpu()
    return found


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
