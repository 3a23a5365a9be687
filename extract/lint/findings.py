"""What a lint finds, and the words that lints look at."""

import re
from typing import Literal

from lm.types import Value

SKELETON_WORDS = 3
"""Last words of a scenario that make its lock-in skeleton."""

_WORD = re.compile(r"[\w']+")


class Finding(Value):
    """One finding: its stable code, how bad it is, and what to look at. docs/lints.md explains every code."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    pair: str | None = None
    """The pair's id; None for findings about a whole set."""


def error(code: str, message: str) -> Finding:
    """A finding that keeps a pair from every model."""
    return Finding(code=code, severity="error", message=message)


def warn(code: str, message: str) -> Finding:
    """A finding to look at."""
    return Finding(code=code, severity="warning", message=message)


def words(text: str) -> list[str]:
    """Lower-case words of a text."""
    return _WORD.findall(text.lower())


def skeleton(scenario: str) -> str:
    """The last words of a scenario: what two endings made from one template share."""
    return " ".join(words(scenario)[-SKELETON_WORDS:])
