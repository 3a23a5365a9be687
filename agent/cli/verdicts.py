"""The verdict on every pair of a vetting, as a table or for machines."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.folder import RunFolder

STYLES = {"passes": "green", "fails": "red", "kept back": "yellow"}
Verdicts = dict[str, Any]
"""`pairs`: a row each; `findings`: what the lints say of the whole set."""


def read_verdicts(folder: RunFolder) -> Verdicts:
    """Rows in the order of the pairs: verdict, scores, first tokens, what failed, lints."""
    from agent.board import Board
    from agent.records import Questions
    from agent.report.pairs import view_pairs
    from agent.report.reading import open_run
    from extract.lint.sets import lint_set

    with open_run(folder) as run:
        settings = run.info.spec.settings
        views = {view.pair.id: view for view in view_pairs(run.journal, settings).every}
        pairs = [draft.pair for draft in Board(run.journal).drafts().values()]
        given = run.journal.find(Questions, "given")
    questions = [question.text for question in given.questions] if given else []
    rows: list[dict[str, Any]] = []
    for pair in pairs:
        view = views[pair.id]
        scores: dict[str, float | None] = {shown.side: shown.score for shown in view.sides}
        rows.append(
            {
                "pair": pair.id,
                "verdict": {"accepted": "passes", "failed": "fails"}.get(view.status, view.status),
                **scores,
                "first_token": view.first_token.verdict if view.first_token else None,
                "failure": view.failure.failure if view.failure else None,
                "evidence": view.failure.evidence if view.failure else None,
                "lints": [f"{finding.code} {finding.message}" for finding in view.findings],
            }
        )
    findings = lint_set(pairs, settings.set_limits, questions)
    return {"pairs": rows, "findings": [f"{finding.code} {finding.message}" for finding in findings]}


def show_verdicts(console: Console, verdicts: Verdicts) -> None:
    """A line a pair, then what is to be said of the set."""
    table = Table("pair", "verdict", box=None, pad_edge=False, header_style="dim")
    for name in ("positive", "negative"):
        table.add_column(name, justify="right")
    table.add_column("first tokens")
    table.add_column("what failed; lints")
    for row in verdicts["pairs"]:
        verdict = Text(row["verdict"], STYLES.get(row["verdict"], ""))
        scores = ("–" if row[side] is None else f"{row[side]:.0f}" for side in ("positive", "negative"))
        table.add_row(row["pair"], verdict, *scores, row["first_token"] or "–", Text(_explain(row)))
    console.print(table)
    for finding in verdicts["findings"]:
        console.print(finding, highlight=False, soft_wrap=True, markup=False)


def _explain(row: Verdicts) -> str:
    """The failure class and its sign, then the codes of the lints."""
    failure = f"{row['failure']}: {row['evidence']}" if row["failure"] else ""
    codes = ", ".join(finding.split()[0] for finding in row["lints"])
    return "; ".join(part for part in (failure, codes) if part)
