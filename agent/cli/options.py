"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", help="Folder that holds datasets/ and runs/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON object on standard output.")]
Run = Annotated[str, typer.Argument(help="A run's path or id.", metavar="RUN")]
HERE = Path()
