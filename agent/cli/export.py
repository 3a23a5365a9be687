"""`traitsmith export`: directions for other programs."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import AsJson
from lm.errors import UserError


class Format(StrEnum):
    """What other programs read."""

    GGUF = "gguf"
    PERSONA = "persona"


def export(
    directions: Annotated[Path, typer.Argument(help="A .safetensors file of directions.", metavar="FILE")],
    to: Annotated[Path, typer.Argument(help="File to write.", metavar="TO")],
    form: Annotated[Format, typer.Option("--format", help="gguf: llama.cpp, repeng; persona: persona_vectors' .pt")],
    model_hint: Annotated[str, typer.Option(help="Architecture for gguf, such as llama or qwen2.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an existing file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write directions in another format, with the lengths their method gave them."""
    from extract import Directions
    from extract.exports import export_gguf, export_persona

    if form is Format.GGUF and not model_hint:
        raise UserError(
            "gguf needs --model-hint, llama.cpp's name of the architecture, such as llama, qwen2 or gemma2."
        )
    loaded = Directions.load(directions)
    _check_target(to, directions, replace)
    persona = form is Format.PERSONA
    file = export_persona(loaded, to) if persona else export_gguf(loaded, to, model_hint=model_hint)
    print(json.dumps({"file": str(file), "format": form.value}) if as_json else file)


def _check_target(to: Path, source: Path, replace: bool) -> None:
    """Raise UserError where the file to write is there already, unless it may be replaced and is not the one read."""
    if to.is_dir():
        raise UserError(f"{to} is a folder. Name the file to write, for example {to / source.stem}.")
    if not to.exists():
        return
    if to.samefile(source):
        raise UserError(f"{to} is the very file that is read, and exporting would destroy it. Name another file.")
    if not replace:
        raise UserError(f"{to} already exists. Choose another name, or --replace it.")
