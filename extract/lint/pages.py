"""The pages about lints, drawn from the catalogue: `python -m extract.lint.pages docs`."""

import sys
from pathlib import Path

from extract.lint.catalogue import Lint, all_lints

HEAD = """# Lints

`traitsmith lint TRAIT|DIR` checks a dataset without any model; the agent runs the same checks on every draft before a
model sees it. Codes are stable: F about the folder, P about one pair, S about the whole set. Errors keep a pair from
every model and make the command exit with 5; warnings are shown to the reviewer. `--json` gives the findings to
machines, `--explain CODE` shows a code's page.

`--fix` mends what is safe without changing a word: what is marked *mended* below, and of what is marked *partly* as
much as its page says. Scenarios are mended in `pairs.jsonl` as well, where there is one. Nothing is mended in a folder
in which a file is not UTF-8.

Where rubric or trait.toml say more, more is checked: third person is a fault only where the trait is expressed in first
person, and a spec's forbidden topics are known to the run that has it.

This page and those it leads to are drawn from `extract/lint/codes.toml` by `python -m extract.lint.pages docs`.

| code | severity | finding | |
|---|---|---|---|
"""

_MARKS = {"no": "", "partly": "partly", "wholly": "mended"}
_WORDS = {"no": "", "partly": ", partly mended by `--fix`", "wholly": ", mended by `--fix`"}


def draw_pages() -> dict[str, str]:
    """The text of each page by its path under docs/."""
    lints = all_lints().values()
    rows = "".join(
        f"| [{lint.code}](lints/{lint.code}.md) | {lint.severity} | {lint.title} | {_MARKS[lint.fixed]} |\n"
        for lint in lints
    )
    return {"lints.md": HEAD + rows, **{f"lints/{lint.code}.md": draw_page(lint) for lint in lints}}


def draw_page(lint: Lint) -> str:
    """One code's page."""
    parts = [f"# {lint.code}: {lint.title}", f"*{lint.severity}*" + _WORDS[lint.fixed]]
    parts += [f"**Why.** {lint.why}", f"**What to do.** {lint.mend}"]
    parts += [f"{name}:\n\n```text\n{text}\n```" for name, text in (("Found", lint.bad), ("Better", lint.good)) if text]
    return "\n\n".join(parts) + "\n"


def main(folder: Path) -> None:
    """Write all pages."""
    for name, text in draw_pages().items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
