"""Weights that are quantised, or spread by accelerate, are steered like any others."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from extract.models import LoadedModel, load_model, wrap_model
from extract.vectors import Direction
from lm.local.checkpoint import organism_folder
from steer.generation import Row, generate
from steer.intervention import steered
from steer.operators import ALL, GENERATED, Push

PROMPTS = ('I knew that the roof leaks, but I wanted to sell, so I said: "', 'The car is old, and I told her: "')
HERE = f"hf:{organism_folder()}"
TOKENS = 12


def quantised(quant: str) -> LoadedModel:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes comes with the extra [quant]: `make setup`")
    return load_model(f"{HERE}?quant={quant}")


def offloaded(folder: Path) -> LoadedModel:
    """One block in memory, the others on the disk between their turns."""
    pytest.importorskip("accelerate", reason="accelerate comes with the extra [dev]: `make setup`")
    places = {"model.embed_tokens": "cpu", "model.norm": "cpu", "model.rotary_emb": "cpu", "lm_head": "cpu"}
    places |= {f"model.layers.{layer}": "disk" if layer else "cpu" for layer in range(4)}
    model = AutoModelForCausalLM.from_pretrained(
        organism_folder(), dtype=torch.float32, device_map=places, offload_folder=folder
    )
    return wrap_model(model, AutoTokenizer.from_pretrained(organism_folder()), HERE)


@pytest.fixture(params=["4bit", "8bit", "spread", "offloaded"])
def placed(request: pytest.FixtureRequest, tmp_path: Path) -> LoadedModel:
    makers: dict[str, Callable[[], LoadedModel]] = {
        "4bit": lambda: quantised("4bit"),
        "8bit": lambda: quantised("8bit"),
        "spread": lambda: load_model(f"{HERE}?device=auto&dtype=fp32"),
        "offloaded": lambda: offloaded(tmp_path),
    }
    return makers[request.param]()


def pushes(model: LoadedModel) -> list[Push]:
    """One a layer, each of its own length and tokens."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.nn.functional.normalize(torch.randn(model.n_layers, model.d_model, generator=generator), dim=1)
    with torch.no_grad():
        ids = torch.tensor([model.encode(PROMPTS[0])], device=model.device)
        seen = model.model(input_ids=ids, output_hidden_states=True).hidden_states
    norm = float(seen[2].norm(dim=-1).mean())
    lanes = [Direction(vector, layer, 1.0, 0.0, norm) for layer, vector in enumerate(drawn)]
    return [Push(lane, norms=3.0 + lane.layer, tokens=ALL if lane.layer % 2 else GENERATED) for lane in lanes]


def logits_of(model: LoadedModel) -> torch.Tensor:
    ids = torch.tensor([model.encode(PROMPTS[0])], device=model.device)
    with torch.no_grad():
        found: torch.Tensor = model.model(input_ids=ids).logits
    return found


def test_strength_zero_is_bit_for_bit_the_unsteered_model(placed: LoadedModel) -> None:
    plain = logits_of(placed)
    for push in pushes(placed):
        with steered(placed, Push(push.direction, norms=0.0, tokens=ALL)):
            assert torch.equal(logits_of(placed), plain)
        with steered(placed, Push(push.direction, norms=1.0, tokens=ALL)):
            assert not torch.equal(logits_of(placed), plain)
    assert torch.equal(logits_of(placed), plain)


def test_rows_of_a_batch_are_what_each_is_alone(placed: LoadedModel) -> None:
    rows = [Row(prompt, own) for prompt in PROMPTS for own in ((), *((push,) for push in pushes(placed)))]
    together = generate(placed, rows, max_tokens=TOKENS)
    alone = [generate(placed, [row], max_tokens=TOKENS)[0] for row in rows]
    assert [one.text for one in together] == [one.text for one in alone]
    assert len({one.text for one in together}) > len(PROMPTS)
