"""`traitsmith persona`: three persona vectors from scored answers."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import AsJson
from lm.errors import UserError


def persona(
    trait: Annotated[str, typer.Argument(help="The trait: name of its score's column.", metavar="NAME")],
    positive: Annotated[Path, typer.Option(help="CSV of answers that were asked to show the trait.")],
    negative: Annotated[Path, typer.Option(help="CSV of answers that were asked not to, row by row.")],
    subject: Annotated[str, typer.Option(help="The model that answered.")],
    out: Annotated[Path, typer.Option(help="Folder for the three files.")] = Path("persona_vectors"),
    threshold: Annotated[float, typer.Option(help="Score that parts the sides, and least coherence.")] = 50.0,
    as_json: AsJson = False,
) -> None:
    """Vectors of the effective pairs: prompt_avg_diff, response_avg_diff, prompt_last_diff."""
    from extract import load_model
    from extract.persona import persona_vectors, read_answers

    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", trait):
        raise UserError(
            f"{trait!r} is no trait's name. A name has small letters, digits and _, and begins with a letter."
        )
    sides = read_answers(positive, trait), read_answers(negative, trait)
    found = persona_vectors(load_model(subject), *sides, threshold=threshold)
    files = [str(path) for path in found.save(out, trait)]
    if as_json:
        print(json.dumps({"pairs": found.pairs, "effective": found.effective, "files": files}))
        return
    print(f"{found.effective} of {found.pairs} pairs are effective\n" + "\n".join(files))
