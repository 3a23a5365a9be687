"""How a text that a model or a person wrote stands in a prompt: behind its label, unable to pass for anything else.

A prompt marks what it quotes by a label at the beginning of a line. A quoted text therefore begins no line of its own:
its further lines are indented. Characters that cannot be seen are left out, and marks of chat templates are broken up.
"""

import re
import unicodedata

CONTROL_MARK = re.compile(
    r"<\|[\w ./:-]{1,40}\|>|</?s>|<(?:bos|eos|pad|unk|(?:start|end)_of_(?:turn|image))>"
    r"|\[/?(?:INST|SYS\w*)\]|<</?SYS>>",
    re.IGNORECASE,
)
"""What the tokenizers of chat models read as control tokens."""
_JOINERS = "\u200c\u200d"
"""Zero-width, but part of how words and pictures are written."""
_ITEM = ("- ", "  ")


def quoted(text: str) -> str:
    """The text as it may stand in a prompt; lists ("- " at the beginning of each line) stay lists."""
    first, *rest = seen(text).split("\n")
    lines = [first, *(line if not line or line.startswith(_ITEM) else f"  {line}" for line in rest)]
    return _broken_up("\n".join(lines))


def one_line(text: str) -> str:
    """The text as one item of a list: without line breaks, too."""
    return _broken_up(" ".join(seen(text).split()))


def seen(text: str) -> str:
    """The text without characters that cannot be seen; every kind of line break is a plain one."""
    return "\n".join(map(_seen_of_line, text.splitlines()))


def is_plain(text: str) -> bool:
    """Whether a text holds nothing that cannot be seen and no mark of a chat template."""
    return not any(is_hidden(sign) for sign in text) and CONTROL_MARK.search(text) is None


def is_hidden(sign: str) -> bool:
    """Whether a character cannot be seen: a control code, a direction mark, a tag, half of a pair."""
    return sign not in "\n\t" and sign not in _JOINERS and unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co")


def _seen_of_line(line: str) -> str:
    # What is printable holds nothing hidden, and is told in one go: a judge quotes a million characters a minute.
    return line if line.isprintable() else "".join(sign for sign in line if not is_hidden(sign))


def _broken_up(text: str) -> str:
    return CONTROL_MARK.sub(lambda mark: f"{mark.group()[0]} {mark.group()[1:]}", text)
