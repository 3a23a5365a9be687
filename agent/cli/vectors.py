"""Which file holds a trait's directions where none was named."""

from contextlib import suppress
from pathlib import Path

from lm.errors import UserError

TARGET = 'Give the file: --vectors FILE, for example "runs/…/vectors/…/mean_difference.safetensors".'


def newest_vectors(out: Path, trait: str) -> Path:
    """The directions of the trait's newest run that has any, else of `extract`; UserError where not clear which."""
    found = sorted((out / "runs" / trait.replace("/", ".")).glob("*/vectors"))
    files = sorted(found[-1].rglob("*.safetensors")) if found else []
    files = files or _extracted(out / "runs" / "extract", trait)
    first = [file for file in files if file.stem == "mean_difference"] or files
    if len(first) != 1:
        listed = "".join(f"\n  {file}" for file in first)
        what = (
            f"several files of directions:{listed}"
            if first
            else f"no run with directions in {out / 'runs'}, and none that `extract` left there."
        )
        raise UserError(f"For {trait} there is {what}\n{TARGET}")
    return first[0]


def _extracted(root: Path, trait: str) -> list[Path]:
    """Files below a folder that say of themselves that they hold directions of this trait."""
    from extract.vector_files import load_directions

    files = []
    for file in sorted(root.rglob("*.safetensors")):
        with suppress(UserError):
            if load_directions(file).provenance.trait == trait:
                files.append(file)
    return files
