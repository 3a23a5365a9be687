"""Write the played run anew after prompts, schemas or settings changed: `python -m tests.agent.played.refresh FOLDER`.

The run is made once more in FOLDER, and every question gets the answer that was given to the same words. What is asked
in new words stays open in FOLDER/inbox: answer it there and call again. At the end answers.jsonl and dataset/ are
replaced.
"""

import json
import math
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from agent.folder import RunFolder, list_runs
from agent.spec import Spec, build_spec
from lm import CallStore
from lm.answer_file import AnswerLine, export_answers, read_lines
from lm.inbox_page import OPEN
from tests.agent.runs import finish, start

PLAYED = Path(__file__).parent
TRAIT = "social/false_modesty"


class Player:
    """Whoever answered once and gives the same answers to the same words."""

    def __init__(self, file: Path) -> None:
        self._left: dict[tuple[str, str], list[str]] = {}
        for line in read_lines(file):
            if isinstance(line, AnswerLine):
                self._left.setdefault((line.role, line.asked), []).append(as_written(line))

    def answer(self, inbox: Path) -> int:
        """Answer the open requests that are known; how many there were."""
        answers = {page: self._take(page.parent.name, asked_in(page)) for page in open_pages(inbox)}
        known = {page: answer for page, answer in answers.items() if answer is not None}
        for page, answer in known.items():
            page.with_name(page.name.replace(".request.md", ".answer.txt")).write_text(answer, encoding="utf-8")
        return len(known)

    def _take(self, role: str, asked: str) -> str | None:
        """The next answer to these words; the last one serves again."""
        left = self._left.get((role, asked), [])
        return left.pop(0) if len(left) > 1 else left[0] if left else None


def open_pages(inbox: Path) -> Iterator[Path]:
    """Requests that await an answer, in the order in which they are asked."""
    for listed in sorted(inbox.glob(f"*/{OPEN}")):
        for name in re.findall(r"^- `(.+?)`", listed.read_text(encoding="utf-8"), re.MULTILINE):
            yield listed.with_name(name)


def asked_in(page: Path) -> str:
    """The last turn of what a request asks."""
    return page.read_text(encoding="utf-8").rpartition("\n[user]\n")[2].removesuffix("\n")


def as_written(line: AnswerLine) -> str:
    """A stored answer as it stands in an inbox: a text, or labels with their probabilities."""
    if "labels" not in line.answer:
        return f"{line.answer['text']}\n"
    # Their logs are stored; six digits are what a person writes at most.
    odds = {label: round(math.exp(value), 6) for label, value in line.answer["labels"].items()}
    return f"{json.dumps(odds)}\n"


def lay_out(folder: Path) -> Spec:
    """A folder to run in, which becomes the current one: references in the spec are relative."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("subject.jsonl", "assistant.jsonl"):
        shutil.copy(PLAYED / name, folder)
    os.chdir(folder)
    return build_spec(TRAIT, PLAYED / "spec.toml", {})


def play(folder: Path) -> tuple[RunFolder, str]:
    """Play the run in a folder as far as answers are known; the run, and how it ended."""
    spec = lay_out(folder)
    run = next(iter(list_runs(folder)), None) or start(folder, spec)
    player = Player(PLAYED / "answers.jsonl")
    while (result := finish(run)).end == "answers":
        if not player.answer(folder / "inbox"):
            break
    return run, f"{result.end}: {result.message}"


def export(run: RunFolder, file: Path) -> int:
    """The run's answers as a file; how many there are."""
    with closing(CallStore(run.store_file)) as store:
        return export_answers(store, file)


def main() -> None:
    """Play, and replace what is kept here if the run came to its end."""
    folder = Path(sys.argv[1]).resolve()
    run, end = play(folder)
    if not end.startswith("done"):
        sys.exit(end)
    export(run, PLAYED / "answers.jsonl")
    shutil.rmtree(PLAYED / "dataset")
    shutil.copytree(folder / "datasets" / "traits" / TRAIT, PLAYED / "dataset")


if __name__ == "__main__":
    main()
