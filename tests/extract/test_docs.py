"""The first screen of the documentation runs as it stands."""

import re
from pathlib import Path

import pytest

from tests.extract.test_study import write_dataset

ROOT = Path(__file__).parents[2]


def test_first_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "extract.md").read_text(), re.DOTALL)[0]
    assert len(code.strip().splitlines()) < 15
    write_dataset(tmp_path / "datasets" / "traits" / "social" / "made_up")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, "docs/extract.md", "exec"), names)
    told = capsys.readouterr().out
    assert "held-out AUROC" in told
    assert "chance: AUROC" in told
    assert "Direction(social/made_up, layer" in told
    assert Path(str(names["path"])).is_file()
