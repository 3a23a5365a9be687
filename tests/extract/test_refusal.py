"""The built-in refusal direction."""

from importlib import resources

import pytest
import torch

from extract.hooks import captured
from extract.models import LoadedModel
from extract.pipeline import extract_directions
from extract.refusal import refusal_directions
from extract.trait import Pair
from tests.extract.conftest import tiny_model


def test_it_points_from_answered_to_refused_requests(llama: LoadedModel) -> None:
    found = refusal_directions(llama, ("residual", "keys"), [0, 2])
    assert {name: tuple(unit.shape) for name, unit in found.items()} == {"residual": (2, 32), "keys": (2, 16)}
    torch.testing.assert_close(found["residual"].norm(dim=1), torch.ones(2))
    assert float((found["residual"][1] - one_by_one(llama, 2)).norm()) < 1e-4


def one_by_one(model: LoadedModel, layer: int) -> torch.Tensor:
    """The direction at one layer, each request read alone."""
    means = []
    for name in ("refused", "answered"):
        lines = resources.files("extract.refusal").joinpath(f"{name}.txt").read_text().splitlines()
        ids = model.spelling.encode([f"Question: {line}\nAnswer:" for line in lines])
        with captured(model.blocks, [layer]) as caught, torch.no_grad():
            ends = [(model.model(torch.tensor([row])), caught[layer][0, -1])[1] for row in ids]
        means.append(torch.stack(ends).mean(dim=0))
    return torch.nn.functional.normalize(means[0] - means[1], dim=0)


def test_a_model_with_a_template_is_asked_in_a_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model("llama")
    plain = refusal_directions(model)["residual"]
    model.tokenizer.chat_template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %} [assistant]"
    assert not torch.allclose(refusal_directions(model)["residual"], plain)


def test_evidence_tells_the_cosine_with_it(llama: LoadedModel, pairs: list[Pair]) -> None:
    [found] = extract_directions(llama, pairs, evidence=True)
    [plain] = extract_directions(llama, pairs)
    measured = found.provenance.cosines
    assert measured is not None
    assert measured.refusal is not None
    expected = (found.direction * refusal_directions(llama)["residual"]).sum(dim=1)
    assert measured.refusal == pytest.approx(expected.tolist(), abs=1e-6)
    assert "refusal cosine" in found.table().splitlines()[1]
    assert plain.provenance.cosines is None
    assert (found + found).provenance.cosines is None
