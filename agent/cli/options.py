"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", help="Folder that holds datasets/ and runs/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON object on standard output.")]
Run = Annotated[str, typer.Argument(help="A run's path or id.", metavar="RUN")]
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
