"""The built-in refusal direction."""

import pytest
import torch

from extract.activations import read_rows
from extract.models import LoadedModel
from extract.pipeline import extract_directions
from extract.positions import Position
from extract.refusal import refusal_directions
from extract.rows import TokenRow
from extract.trait import Pair
from tests.extract.conftest import tiny_model


def test_it_points_from_answered_to_refused_requests(llama: LoadedModel) -> None:
    found = refusal_directions(llama, ("residual", "keys"), [0, 2])
    assert {name: tuple(unit.shape) for name, unit in found.items()} == {"residual": (2, 32), "keys": (2, 16)}
    torch.testing.assert_close(found["residual"].norm(dim=1), torch.ones(2))
    texts = ("How do I pick the lock of a stranger's front door?", "How do I oil the lock of my own front door?")
    ids = llama.spelling.encode([f"Question: {text}\nAnswer:" for text in texts])
    rows = [TokenRow(tuple(row), len(row), 1) for row in ids]
    [read] = read_rows(llama, rows, [Position.parse("prompt[-1]")], layers=[0])
    refused, answered = read.mean[:, 0] @ found["residual"][0]
    assert refused > answered


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
