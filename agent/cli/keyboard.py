"""A person at a terminal: single keys, lines, and texts in the person's own editor."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from agent.errors import ReviewError

EDITORS = ("sensible-editor", "nano", "vim", "vi")
"""Editors looked for where none is named."""


class TerminalKeyboard:
    """Reads from this process's terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def left_by_ctrl_c(self) -> Iterator[None]:
        """While inside, Ctrl-C raises KeyboardInterrupt at once, between two questions too."""
        with _on_ctrl_c(signal.default_int_handler):
            yield

    def key(self, question: str) -> str:
        """One key, without Enter where the terminal can do that. EOFError at its end."""
        with _single_keys() as read:
            self._console.print(f"[bold]{escape(question)}[/]", highlight=False)
            pressed = read()
        self._console.print(escape(pressed), highlight=False)
        return pressed

    def line(self, question: str) -> str:
        """One line of text."""
        return self._console.input(f"[bold]{escape(question)}[/] ", markup=True)

    def edit(self, text: str) -> str:
        """The text as it was saved in $VISUAL, $EDITOR or an editor that is found; ReviewError where none works."""
        editor = _find_editor()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "review.txt"
            file.write_text(text, encoding="utf-8")
            try:
                # The editor has the terminal, and Ctrl-C is one of its keys.
                with _on_ctrl_c(lambda *_: None):
                    subprocess.run([*shlex.split(editor), str(file)], check=True)
                return file.read_text(encoding="utf-8")
            except (OSError, ValueError, subprocess.CalledProcessError) as error:
                raise ReviewError(f"the editor {editor!r} did not work ({error}). Name another in EDITOR.") from error


def _find_editor() -> str:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    found = named or next((editor for editor in EDITORS if shutil.which(editor)), None)
    if found is None:
        raise ReviewError("there is no editor here: name one in EDITOR, or edit in the browser (`review RUN --web`).")
    return found


@contextmanager
def _on_ctrl_c(handler: Callable[..., object]) -> Iterator[None]:
    """Another meaning for Ctrl-C while a person is asked."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _single_keys() -> Iterator[Callable[[], str]]:
    """Keys without Enter, where the terminal can; what was typed before a question was seen is no answer to it."""
    try:
        import termios
        import tty
    except ImportError:
        yield lambda: input()[:1]
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield lambda: _read_key(terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _read_key(terminal: int) -> str:
    """One key; EOFError at the end of the input."""
    pressed = os.read(terminal, 8).decode(errors="replace")
    if pressed in ("", "\x04"):
        raise EOFError
    return pressed[:1]
