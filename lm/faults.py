"""What pydantic refused, in words: where, what, and which value."""

from collections.abc import Iterator

from pydantic import ValidationError

SHOWN = 60
"""Characters of a value that are shown."""


def first_fault(error: ValidationError, whole: str = "the whole") -> str:
    """The first fault; `whole` is what a fault that lies in no one field is found in."""
    return next(faults_of(error, whole))


def faults_of(error: ValidationError, whole: str = "the whole") -> Iterator[str]:
    """Every fault, for example 'settings.rounds: Input should be greater than 0, got 0'."""
    for fault in error.errors():
        place = ".".join(str(part) for part in fault["loc"]) or whole
        what = "unknown field" if fault["type"] == "extra_forbidden" else fault["msg"].removeprefix("Value error, ")
        # What lacks something, or does not go together, would be shown as a whole table.
        got = "" if isinstance(fault["input"], dict) else f", got {shortened(fault['input'])}"
        yield f"{place}: {what}{got}"


def shortened(value: object) -> str:
    """A value as it is spelt, cut where it is long."""
    shown = repr(value)
    return shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 3]}..."
