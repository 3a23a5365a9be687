from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from agent.spec import Spec
from tests.agent.commands import Commands
from tests.agent.scripted import build_spec


@pytest.fixture
def scripted_spec(tmp_path: Path) -> Callable[..., Spec]:
    """Builds specs whose roles are all scripted."""
    return partial(build_spec, tmp_path)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Runs `traitsmith` in the test's folder."""
    return Commands(tmp_path, monkeypatch, capsys)
