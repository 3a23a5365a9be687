"""The terminal review, played by a script of key presses against a run that waits."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from agent.checkpoints import Watcher
from agent.engine import work
from agent.folder import RunFolder
from agent.records import Ending, PairDecision
from agent.review.batch import read_review
from agent.review.terminal import TerminalReview
from agent.spec import Spec
from agent.store import Journal
from tests.agent.runs import start

Build = Callable[..., Spec]


class Person:
    """Answers questions from a list; says what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.screen = io.StringIO()

    def __call__(self, question: str) -> str:
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)

    def face(self) -> TerminalReview:
        return TerminalReview(Console(file=self.screen, width=120), self)


async def play(folder: RunFolder, person: Person) -> str:
    return (await work(folder, Watcher(), person.face())).end


async def test_each_pair_is_shown_with_its_prediction_and_decided(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal")
    person = Person("a", "r", "", "r", "too bland", "e", "", "I knew it all well, and I meant to say it all, so I", "A")
    assert await play(folder, person) == "done"
    shown = person.screen.getvalue()
    assert "batch 1 · pair 01-000 · 1 of 6" in shown
    assert "all is well  (90%, EXPRESS)" in shown, "the prediction stands beside the pair"
    assert "needs a reason" in shown
    decisions = Journal(folder.store_file).all(PairDecision)
    kinds = [decisions[f"01-{index:03d}"].decision for index in range(6)]
    assert kinds == ["approve", "reject", "edit", "approve", "approve", "approve"]
    assert decisions["01-001"].reason == "too bland"
    assert decisions["01-002"].positive is None and decisions["01-002"].negative


async def test_leaving_in_the_middle_keeps_what_was_decided(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal")
    assert await play(folder, Person("a", "a", "q")) == "waiting"
    assert len(read_review(folder, 1).undecided()) == 4
    assert await play(folder, Person("a")) == "waiting", "the end of the input is no decision"
    assert await play(folder, Person("A")) == "done"


async def test_stop_ends_the_run_with_a_report(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal")
    assert await play(folder, Person("x", "s")) == "failed"
    assert Journal(folder.store_file).get(Ending, "ending").gate == "review"
    assert folder.report_file.exists()


@pytest.mark.parametrize("hostile", ["[bold]x[/bold]", "[/]", "\x1b[31mred"])
async def test_what_a_model_wrote_cannot_style_the_screen(tmp_path: Path, scripted_spec: Build, hostile: str):
    from agent.review.batch import PairLine
    from agent.review.terminal import _render

    line = PairLine(pair="01-000", digest="x", positive=f"I {hostile}", negative="I b", findings=(hostile,))
    screen = io.StringIO()
    Console(file=screen, width=120, color_system=None).print(_render(line, 1, 0, 1))
    assert "\x1b" not in screen.getvalue()
    if "bold" in hostile:
        assert "[bold]x[/bold]" in screen.getvalue()
