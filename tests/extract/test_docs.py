"""The first screens of README and documentation run as they stand."""

import re
from pathlib import Path

import pytest
import torch

from extract.vectors import Directions
from tests.extract.test_study import write_dataset

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("page", "trait"), [("README.md", "alignment/strategic_omission"), ("docs/extract.md", "social/made_up")]
)
def test_first_screen(
    page: str, trait: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)[0]
    assert len(code.strip().splitlines()) < 15
    write_dataset(tmp_path / "datasets" / "traits" / trait)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {})
    told = capsys.readouterr().out
    assert f"Directions({trait}: mean_difference" in told
    assert "held-out AUROC" in told
    assert "chance: AUROC" in told
    assert list((tmp_path / "vectors").rglob("mean_difference.safetensors"))


def test_to_steering_vectors_and_back() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "extract.md").read_text(), re.DOTALL)
    [code] = [block for block in blocks if "SteeringVector" in block]
    given = Directions.of(torch.randn(2, 8), (3, 5), trait="a/b")
    names: dict[str, object] = {"directions": given}
    exec(compile(code, "docs/extract.md", "exec"), names)
    theirs, ours = names["theirs"], names["ours"]
    assert isinstance(theirs, dict)
    assert isinstance(ours, Directions)
    assert ours.layers == (3, 5)
    torch.testing.assert_close(torch.stack(list(theirs.values())), given.raw)
    torch.testing.assert_close(ours.raw, given.raw)
