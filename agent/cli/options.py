"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", help="Folder that holds datasets/ and runs/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON object on standard output.")]
Run = Annotated[str, typer.Argument(help="A run's path or id.", metavar="RUN")]
Author = Annotated[str | None, typer.Option("--author", help="Model that defines the trait and writes pairs.")]
Judge = Annotated[str | None, typer.Option("--judge", help="Model that scores texts.")]
Subject = Annotated[str | None, typer.Option("--subject", help="Base model under study.")]
Assistant = Annotated[str | None, typer.Option("--assistant", help="Chat model that is steered; default: the subject.")]
SubjectWeights = Annotated[
    str | None,
    typer.Option("--subject-weights", help="Where the weights of a served subject are: organism or hf:PATH."),
]
AssistantWeights = Annotated[
    str | None,
    typer.Option(
        "--assistant-weights",
        help="The same for a served assistant. [default: the subject's, if it is the subject]",
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Same seed, same dataset. [default: 0]")]
Budget = Annotated[float | None, typer.Option(help="Most USD the run may spend, resumed or not.")]
Prices = Annotated[Path | None, typer.Option(help="A price file that wins over the package's list.")]
Cache = Annotated[
    str | None, typer.Option(help="Stored answers: off, record, replay (never ask) or refresh. [default: record]")
]
Notify = Annotated[
    str | None,
    typer.Option(help="A command told once of each review that waits; gets the run's id as its last argument."),
]
HERE = Path()
