"""A person at a terminal: single keys, lines, and texts in the person's own editor."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from agent.errors import ReviewError


class TerminalKeyboard:
    """Reads from this process's terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def key(self, question: str) -> str:
        """One key, without Enter where the terminal can do that. EOFError at its end."""
        self._console.print(f"[bold]{escape(question)}[/]", highlight=False)
        pressed = _read_key()
        self._console.print(escape(pressed), highlight=False)
        return pressed

    def line(self, question: str) -> str:
        """One line of text."""
        return self._console.input(f"[bold]{escape(question)}[/] ", markup=True)

    def edit(self, text: str) -> str:
        """The text as it was saved in $VISUAL or $EDITOR; without one, a line typed here, empty to keep the text."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not editor:
            self._console.print(escape(text), highlight=False, soft_wrap=True)
            return self.line("New text (empty: keep; name an editor in EDITOR to edit it)") or text
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "text.txt"
            file.write_text(text, encoding="utf-8")
            try:
                subprocess.run([*shlex.split(editor), str(file)], check=True)
                return file.read_text(encoding="utf-8").rstrip("\n")
            except (OSError, ValueError, subprocess.CalledProcessError) as error:
                raise ReviewError(f"the editor {editor!r} did not work ({error}). Name another in EDITOR.") from error


def _read_key() -> str:
    """One key; Enter is needed where the terminal cannot be set to single keys."""
    try:
        import termios
        import tty
    except ImportError:
        return input()[:1]
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        pressed = os.read(terminal, 8).decode(errors="replace")
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
    if pressed in ("", "\x04"):
        raise EOFError
    return pressed[:1]
