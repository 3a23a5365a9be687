"""`traitsmith lint`: deterministic checks of a dataset, no model needed."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.cli.options import HERE, AsJson, Out
from lm.errors import UserError


def lint(
    dataset: Annotated[str | None, typer.Argument(help="CATEGORY/TRAIT or a folder.", metavar="TRAIT|DIR")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend line ends and stray spaces first.")] = False,
    explain: Annotated[str | None, typer.Option(help="Say what a code means instead.", metavar="CODE")] = None,
    out: Out = HERE,
    as_json: AsJson = False,
) -> None:
    """Check a dataset; exit 5 when there are errors."""
    from extract.lint.folders import lint_folder, mend_folder
    from extract.lint.sets import SetLimits

    if explain is not None:
        _explain(explain, as_json)
        return
    if dataset is None:
        raise UserError("name what to check: traitsmith lint CATEGORY/TRAIT, a folder, or --explain CODE.")
    folder = Path(dataset) if Path(dataset).is_dir() else out / "datasets" / "traits" / dataset
    mended = mend_folder(folder) if fix else []
    findings = lint_folder(folder, SetLimits())
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        answer = {"folder": str(folder), "mended": mended, "findings": [finding.model_dump() for finding in findings]}
        print(json.dumps(answer))
    else:
        console = Console()
        for line in mended:
            console.print(f"mended {line}", highlight=False, markup=False)
        for finding in findings:
            where = f"pair {finding.pair}: " if finding.pair else ""
            text = f"{finding.severity:<8} {finding.code}  {where}{finding.message}"
            console.print(text, highlight=False, soft_wrap=True, markup=False)
        warnings = len(findings) - errors
        console.print(f"{folder}: {errors} errors, {warnings} warnings", highlight=False, soft_wrap=True)
    raise typer.Exit(5 if errors else 0)


def _explain(code: str, as_json: bool) -> None:
    from extract.lint.catalogue import all_lints
    from extract.lint.pages import draw_page

    lints = all_lints()
    if code not in lints:
        raise UserError(f"{code!r} is no lint. Known: {', '.join(lints)}.")
    print(json.dumps(lints[code].model_dump()) if as_json else draw_page(lints[code]).rstrip())
