"""`traitsmith export`: directions for other programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

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
) -> None:
    """Write directions in another format, with the lengths their method gave them."""
    from extract import Directions
    from extract.exports import export_gguf, export_persona

    loaded = Directions.load(directions)
    if to.exists() and not replace:
        raise UserError(f"{to} already exists. Choose another name, or --replace it.")
    if form is Format.PERSONA:
        print(export_persona(loaded, to))
        return
    if not model_hint:
        raise UserError(
            "gguf needs --model-hint, llama.cpp's name of the architecture, such as llama, qwen2 or gemma2."
        )
    print(export_gguf(loaded, to, model_hint=model_hint))
