"""The example of docs/steer.md runs as it stands."""

import re
from pathlib import Path

import torch

from extract import load_model

PAGE = Path(__file__).parents[2] / "docs" / "steer.md"


def test_the_example_runs(capsys) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    ids = torch.tensor([load_model("organism").encode("Is it safe?")])
    exec(compile(example, PAGE.name, "exec"), {"torch": torch, "ids": ids})
    assert "tensor" in capsys.readouterr().out
