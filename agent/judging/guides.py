"""What a judge is asked about: a trait's name and rubric, from a dataset or from a file."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.errors import SpecError
from agent.toml_files import read_toml
from lm.types import Value
from lm.verdicts import Rubric

_EXAMPLE = 'A rubric file holds high = "…", low = "…", key = "…" and, if it is not the file\'s name, trait = "…".'


class Guide(Value):
    """A trait as the judge is told of it."""

    label: str
    """The trait's name in words."""
    rubric: Rubric


class _RubricFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    trait: str | None = None
    high: str
    low: str
    key: str


def read_guide(trait: str | None, rubric: Path | None, here: Path) -> Guide:
    """The guide of a dataset (CATEGORY/TRAIT under `here`, or a folder) or of a rubric file; exactly one is given."""
    if (trait is None) == (rubric is None):
        given = "neither is given" if trait is None else "both are given"
        raise SpecError(f"what is to be judged? Give --trait CATEGORY/TRAIT or --rubric FILE.toml; {given}.")
    return _of_dataset(trait, here) if trait is not None else _of_file(rubric or Path())


def _of_dataset(trait: str, here: Path) -> Guide:
    from extract.dataset import load_dataset

    root = here / "datasets" / "traits"
    folder = Path(trait) if Path(trait).is_dir() else root / trait
    if not folder.is_dir():
        known = sorted("/".join(file.parts[-3:-1]) for file in root.glob("*/*/definition.txt"))
        raise SpecError(
            f"--trait {trait!r}: there is no dataset {folder}. There are: {', '.join(known) or 'none'}. Give "
            "one of them, a dataset's folder, or --rubric FILE.toml."
        )
    found = load_dataset(folder).trait
    return Guide(label=found.label, rubric=found.rubric)


def _of_file(file: Path) -> Guide:
    try:
        given = _RubricFile.model_validate(read_toml(file, "rubric"))
    except ValidationError as error:
        fault = error.errors()[0]
        raise SpecError(f"the rubric {str(file)!r}: {fault['loc'][0]}: {fault['msg']}. {_EXAMPLE}") from error
    label = given.trait or file.stem.replace("_", " ")
    return Guide(label=label, rubric=Rubric(high=given.high, low=given.low, key=given.key))
