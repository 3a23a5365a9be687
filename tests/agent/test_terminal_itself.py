"""The terminal review in a real terminal: keys without Enter, an editor, Ctrl-C, and what the screen shows."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from agent.folder import RunFolder
from agent.records import PairDecision
from agent.review.files import read_review
from agent.review.schema import ReviewId
from agent.store import Journal
from tests.agent.commands import TRAITSMITH, environment, spec_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
BATCH = ReviewId(kind="batch", number=1)
EDITOR = """
import pathlib, sys
file = pathlib.Path(sys.argv[1])
file.write_text(file.read_text().replace("I knew", "I knew well", 1))
"""
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """A process on a terminal of its own: what it shows, and keys for it."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process, self._terminal = process, terminal
        self.shown, self._seen = "", 0

    def until(self, words: str, seconds: float = 240) -> str:
        """Wait until new words are on the screen; what came before and with them."""
        end = time.monotonic() + seconds
        while (found := self.shown.find(words, self._seen)) < 0:
            assert time.monotonic() < end, f"{words!r} never came:\n{self.shown}"
            self._read(0.2)
        new = self.shown[self._seen : found + len(words)]
        self._seen = found + len(words)
        return new

    def press(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def end(self) -> int:
        """Wait for the process; its exit code."""
        while self.process.poll() is None:
            self._read(0.2)
        self._read(0)
        return self.process.returncode

    def _read(self, seconds: float) -> None:
        if not select.select([self._terminal], [], [], seconds)[0]:
            return
        with suppress(OSError):  # Linux says so when the other side is gone
            self.shown += STYLE.sub("", os.read(self._terminal, 65_536).decode(errors="replace"))


@contextmanager
def on_a_terminal(*arguments: str, cwd: Path, **variables: str) -> Iterator[Screen]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*TRAITSMITH, *arguments],
        cwd=cwd,
        env=environment(COLUMNS="130", LINES="50", TERM="xterm-256color", **variables),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Screen(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def test_a_batch_is_decided_by_keys_left_by_ctrl_c_and_finished_later(tmp_path: Path):
    spec = spec_file(tmp_path, pairs=3)
    editor = tmp_path / "editor.py"
    editor.write_text(EDITOR)
    options = ["create", "test/holding_back", "--spec", str(spec), "--review", "terminal", "--review-at", "batch"]
    with on_a_terminal(*options, cwd=tmp_path, EDITOR=f"{sys.executable} {editor}", VISUAL="") as screen:
        first = screen.until("[q]uit")
        assert "1 of 6" in first and "+ positive" in first and "− negative" in first
        screen.press("a")
        screen.until("2 of 6")
        screen.until("[q]uit")
        screen.press("r")
        screen.until("Why?")
        screen.press("too bland\n")
        screen.until("3 of 6")
        screen.until("[q]uit")
        screen.press("e")
        screen.until("4 of 6")
        screen.until("[q]uit")
        screen.press("\x1b[A")
        screen.until("is no answer here")
        screen.process.send_signal(signal.SIGINT)
        assert screen.end() == 3, screen.shown
        assert "traitsmith review" in screen.shown and "Traceback" not in screen.shown
    (run,) = (tmp_path / "runs" / "test.holding_back").iterdir()
    folder = RunFolder(run)
    decided = [line.decision for line in read_review(folder, BATCH).pairs if line.decision]
    assert sorted(decided) == ["approve", "edit", "reject"], "what was decided is on disk"
    with on_a_terminal("review", run.name, cwd=tmp_path) as screen:
        screen.until("4 of 6")
        screen.until("[q]uit")
        screen.press("A")
        summary = screen.until("[H]and in")
        assert "everything is decided (4 approve, 1 edit, 1 reject)" in summary
        screen.press("u")
        screen.until("4 of 6")
        screen.until("[q]uit")
        screen.press("A")
        screen.until("[H]and in")
        screen.press("H")
        assert screen.end() == 0, screen.shown
    decisions = Journal(folder.store_file).all(PairDecision)
    assert next(d for d in decisions.values() if d.decision == "reject").reason == "too bland"
    edited = next(d for d in decisions.values() if d.decision == "edit")
    assert "I knew well" in (edited.positive or "")
    assert json.loads(folder.validation_file.read_text())["passed"]
