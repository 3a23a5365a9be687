"""Every lint there is, from codes.toml: its code, severity, and what its page in docs/lints/ says."""

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from lm.types import Value


class Lint(Value):
    """One lint as a person reads about it."""

    code: str
    severity: Literal["error", "warning"]
    title: str
    """What is found, in a few words."""
    why: str
    mend: str
    bad: str = ""
    """Text that the lint speaks about, where a text shows it."""
    good: str = ""
    """The same text mended."""
    fixed: Literal["no", "partly", "wholly"] = "no"
    """Whether `--fix` mends it; `partly` where `mend` says what of it."""


@cache
def all_lints() -> dict[str, Lint]:
    """The lints by code, in the order of the catalogue."""
    text = resources.files("extract.lint").joinpath("codes.toml").read_text(encoding="utf-8")
    return {code: Lint(code=code, **about) for code, about in tomllib.loads(text).items()}
