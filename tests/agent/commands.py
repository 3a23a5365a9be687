"""Commands as a user would type them, in this process or in one of their own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import tomli_w

from agent.cli.main import main
from tests.agent.runs import ROOT
from tests.agent.scripted import build_spec

TRAITSMITH = (sys.executable, "-c", "from agent.cli.main import main; main()")
"""The command line, as a process."""


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


class Commands:
    """Runs `traitsmith` in a folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        monkeypatch.chdir(folder)
        monkeypatch.setenv("COLUMNS", "200")

    def __call__(self, *arguments: str) -> Ran:
        self._monkeypatch.setattr(sys, "argv", ["traitsmith", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else int(bool(code)), out, err)


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that runs this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **more}


def traitsmith(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own that has no terminal."""
    return subprocess.run(
        [*TRAITSMITH, *arguments],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def spec_file(folder: Path, **fields: object) -> Path:
    """A spec file in which every role is scripted."""
    spec = build_spec(folder, **fields).model_dump(mode="json", exclude_none=True)
    file = folder / "spec.toml"
    file.write_text(tomli_w.dumps(spec))
    return file
