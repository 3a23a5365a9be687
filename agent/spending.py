"""On what terms a run asks its models: how much it may spend, at which prices, and which stored answers it takes.

None of it decides what the run's result is; a run may be resumed on other terms.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import SpecError
from lm.recorded import CacheMode


class Spending(BaseModel):
    """The terms, as run.json holds them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """USD for the whole run, resumed ones included."""
    prices: str | None = None
    """A price file that wins over the list of the package."""
    cache: CacheMode = "record"
    """Whether stored answers are served, and missing ones asked for."""
    answers: str | None = None
    """Another run's store or a file of answers, which answers are taken from as well."""


def build_spending(given: dict[str, object], before: Spending | None = None) -> Spending:
    """The terms a person gave, over those of before; SpecError for a value that is not allowed."""
    named = {name: value for name, value in given.items() if value is not None}
    for name in ("prices", "answers"):
        if isinstance(path := named.get(name), Path):
            named[name] = str(_existing(name, path))
    try:
        return Spending.model_validate((before or Spending()).model_dump() | named)
    except ValidationError as error:
        fault = error.errors()[0]
        raise SpecError(f"--{fault['loc'][0]} {fault['input']!r}: {fault['msg']}.") from error


def _existing(name: str, path: Path) -> Path:
    """A file that is there; of a run's folder, its store."""
    file = path / "store.sqlite" if path.is_dir() and name == "answers" else path
    if path.is_dir() and not file.is_file():
        wanted = "a run, with its store.sqlite, or a file" if name == "answers" else "a file"
        raise SpecError(f"--{name} {str(path)!r} is a folder. Name {wanted}.")
    if not file.is_file():
        raise SpecError(f"--{name} {str(path)!r}: there is no such file.")
    return file.resolve()
