"""What a lint finds, and the words that lints look at."""

import re
from functools import lru_cache
from typing import Literal

from extract.lint.catalogue import all_lints
from lm.types import Value

SKELETON_WORDS = 3
"""Last words of a scenario that make its lock-in skeleton."""

_WORD = re.compile(r"[\w']+")


class Finding(Value):
    """One finding: its stable code, how bad it is, and what to look at. docs/lints/ explains every code."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    pair: str | None = None
    """The pair's id; None for findings about a whole set."""


def found(code: str, message: str) -> Finding:
    """A finding, as severe as the catalogue has its code."""
    return Finding(code=code, severity=all_lints()[code].severity, message=message)


def words(text: str) -> list[str]:
    """Lower-case words of a text."""
    return _WORD.findall(text.lower())


def skeleton(scenario: str) -> str:
    """The last words of a scenario: what two endings made from one template share."""
    return " ".join(words(scenario)[-SKELETON_WORDS:])


def overlap(one: str, other: str) -> float:
    """Jaccard overlap of the two texts' word trigrams, 0 to 1."""
    a, b = _trigrams(one), _trigrams(other)
    return len(a & b) / len(a | b) if a | b else 1.0


@lru_cache(maxsize=16_384)
def _trigrams(text: str) -> frozenset[tuple[str, ...]]:
    """Kept, since each text is held against every other one."""
    told = words(text)
    return frozenset(tuple(told[i : i + 3]) for i in range(max(len(told) - 2, 1)))
