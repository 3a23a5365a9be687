"""The example of docs/steer.md runs as it stands."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "steer.md"


def test_the_example_runs(capsys) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(example, PAGE.name, "exec"), {})
    assert "tensor" in capsys.readouterr().out
