"""Where the two sides of a pair differ, word by word: what a reader of both looks at first."""

import re
from difflib import SequenceMatcher

BRIDGE = 3
"""Words that two sides must share in a row, between differences, to count as shared: a lone "the" is chance."""


def split_by_difference(text: str, other: str) -> list[tuple[str, bool]]:
    """The text in runs of words, each with whether it is the text's own; joined they are the text again."""
    words, others = _words(text), _words(other)
    matcher = SequenceMatcher(None, [word.strip() for word in words], [word.strip() for word in others], autojunk=False)
    runs: list[tuple[str, bool]] = []
    for kind, start, end, _, _ in matcher.get_opcodes():
        if start == end:
            continue
        between = start > 0 and end < len(words)
        own = kind != "equal" or (between and end - start < BRIDGE)
        before = runs.pop()[0] if runs and runs[-1][1] == own else ""
        runs.append((before + "".join(words[start:end]), own))
    return _without_space_behind(runs)


def _without_space_behind(runs: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """The same runs, the space behind a text's own words given to what follows, so that no mark runs over it."""
    moved: list[tuple[str, bool]] = []
    space = ""
    for index, (words, own) in enumerate(runs):
        kept = words.rstrip() if own and index + 1 < len(runs) else words
        moved.append((space + kept, own))
        space = words[len(kept) :]
    return moved


def _words(text: str) -> list[str]:
    """Words with the spaces after them; spaces at the beginning stand alone."""
    return re.findall(r"^\s+|\S+\s*", text)
