"""On what terms a run asks for reviews: which of them, what is approved by rule, and how long it waits."""

import re
from typing import Literal

from pydantic import Field, model_validator

from agent.errors import SpecError
from agent.review.policy import Policy
from lm.types import Value

Kind = Literal["definition", "batch", "results", "final"]
KINDS: tuple[Kind, ...] = ("definition", "batch", "results", "final")
"""The four reviews of a run: the trait's definition, each batch before it is run, its results before the cut, and the
finished dataset."""
OnTimeout = Literal["fail", "reject"]
_ENDS: dict[str, OnTimeout] = {"fail": "fail", "reject": "reject"}
_UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class ReviewTerms(Value):
    """The terms, as run.json holds them."""

    at: tuple[Kind, ...] = Field(default=KINDS, min_length=1)
    """Reviews that a person is asked for; the others approve everything."""
    policy: Policy | None = None
    """What is approved by rule."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds that a review may wait."""
    on_timeout: OnTimeout | None = None
    """What happens then: the run fails, or everything undecided is rejected."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> "ReviewTerms":
        if (self.timeout is None) != (self.on_timeout is None):
            raise ValueError("--timeout and --on-timeout belong together: --on-timeout fail --timeout 7d")
        return self


def read_kinds(text: str) -> tuple[Kind, ...]:
    """Reviews named with commas between; SpecError for a name that is none."""
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in KINDS]:
        raise SpecError(f"--review-at {unknown[0]!r}: allowed are {', '.join(KINDS)}, with commas between.")
    return tuple(kind for kind in KINDS if kind in names)


def read_duration(text: str) -> float:
    """'90m', '12h', '7d' or '2w' in seconds; SpecError for anything else."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([mhdw])", text.strip(), re.ASCII)
    if found is None or float(found[1]) == 0:
        raise SpecError(f"--timeout {text!r}: write a number and m, h, d or w, for example 90m, 12h or 7d.")
    return float(found[1]) * _UNITS[found[2]]


def build_terms(
    at: str | None, policy: Policy | None, timeout: str | None, on_timeout: str | None, mode: str
) -> ReviewTerms:
    """The terms a person gave on the command line; SpecError for a value that is not allowed."""
    seconds = read_duration(timeout) if timeout is not None else None
    if on_timeout is not None and on_timeout not in _ENDS:
        raise SpecError(f"--on-timeout {on_timeout!r}: allowed are {' and '.join(_ENDS)}.")
    if (timeout is None) != (on_timeout is None):
        raise SpecError("--timeout and --on-timeout belong together, for example --on-timeout fail --timeout 7d.")
    if mode == "none" and any(value is not None for value in (at, policy, timeout)):
        raise SpecError("--review none asks nobody; leave out --review-at, --approve and --timeout, or choose a face.")
    return ReviewTerms(
        at=read_kinds(at) if at is not None else KINDS,
        policy=policy,
        timeout=seconds,
        on_timeout=_ENDS[on_timeout] if on_timeout is not None else None,
    )
