"""TOML files that a person wrote: specs, policies, rubrics."""

import tomllib
from pathlib import Path
from typing import Any

from agent.errors import SpecError


def read_toml(file: Path, what: str) -> dict[str, Any]:
    """A file's values; SpecError, calling it `what`, where it cannot be read or is no TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"cannot read the {what} {str(file)!r}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"the {what} {str(file)!r} is not TOML: {error}.") from error
