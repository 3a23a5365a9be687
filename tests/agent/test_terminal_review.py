"""The terminal review, played by a script of key presses against a run that waits."""

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from agent.checkpoints import Watcher
from agent.engine import work
from agent.folder import RunFolder
from agent.records import Ending, PairDecision
from agent.review.files import read_review
from agent.review.schema import PairLine, ReviewId
from agent.review.terminal import TerminalReview, render_pair
from agent.review.terms import ReviewTerms
from agent.spec import Spec
from agent.store import Journal
from tests.agent.runs import start

Build = Callable[..., Spec]


BATCHES = ReviewTerms(at=("batch",))


class Person:
    """Answers from a list: keys, lines and edited texts alike; keeps what was shown."""

    def __init__(self, *answers: str | Callable[[str], str]) -> None:
        self.answers = list(answers)
        self.screen = io.StringIO()

    def key(self, question: str) -> str:
        return self._next(question)

    def line(self, question: str) -> str:
        return self._next(question)

    def edit(self, text: str) -> str:
        return self._next(text)

    def _next(self, asked: str) -> str:
        if not self.answers:
            raise EOFError
        answer = self.answers.pop(0)
        return answer if isinstance(answer, str) else answer(asked)

    def face(self) -> TerminalReview:
        return TerminalReview(Console(file=self.screen, width=120), self)


def keep(text: str) -> str:
    return text


async def play(folder: RunFolder, person: Person) -> str:
    return (await work(folder, Watcher(), person.face())).end


async def test_each_pair_is_shown_with_its_prediction_and_decided(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=BATCHES)
    person = Person("a", "r", "", "r", "too bland", "e", keep, lambda text: text.replace("I knew", "I knew well"), "A")
    assert await play(folder, person) == "done"
    shown = person.screen.getvalue()
    assert "batch 1 · 01-" in shown and "1 of 6" in shown
    assert "all is well  (90%, EXPRESS)" in shown, "the prediction stands beside the pair"
    assert "needs a reason" in shown
    decisions = Journal(folder.store_file).all(PairDecision)
    counts = Counter(decision.decision for decision in decisions.values() if decision.by == "person")
    assert counts == {"approve": 1, "reject": 1, "edit": 1}
    assert sum(decision.by == "all" for decision in decisions.values()) == 3
    assert next(d for d in decisions.values() if d.decision == "reject").reason == "too bland"
    edited = next(d for d in decisions.values() if d.decision == "edit")
    assert edited.positive is None and "I knew well" in (edited.negative or "")


async def test_undo_takes_the_last_decision_back(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=BATCHES)
    assert await play(folder, Person("r", "too bland", "u", "q")) == "waiting"
    assert len(read_review(folder, ReviewId(kind="batch", number=1)).undecided()) == 6


async def test_an_edit_with_errors_is_asked_again(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=BATCHES)
    person = Person("e", "I was holding back, so I", keep, "q")
    assert await play(folder, person) == "waiting"
    assert "P107" in person.screen.getvalue()


async def test_all_four_reviews_at_the_terminal(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal")
    person = Person("x", "a", "A", "a", "A", "A")
    assert await play(folder, person) == "done"
    shown = person.screen.getvalue()
    for words in ("the definition", "ISN'T", "rank agreement", "the results of batch 1", "proposed: stands",
                  "first tokens: EXPRESS", "the final dataset", "'x' is no answer"):  # fmt: skip
        assert words in shown, words


async def test_leaving_in_the_middle_keeps_what_was_decided(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=BATCHES)
    assert await play(folder, Person("a", "a", "q")) == "waiting"
    assert len(read_review(folder, ReviewId(kind="batch", number=1)).undecided()) == 4
    assert await play(folder, Person("a")) == "waiting", "the end of the input is no decision"
    assert await play(folder, Person("A")) == "done"


async def test_stop_ends_the_run_with_a_report(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal")
    assert await play(folder, Person("x", "S")) == "failed"
    assert Journal(folder.store_file).get(Ending, "ending").gate == "review"
    assert folder.report_file.exists()


@pytest.mark.parametrize("hostile", ["[bold]x[/bold]", "[/]", "\x1b[31mred"])
async def test_what_a_model_wrote_cannot_style_the_screen(tmp_path: Path, scripted_spec: Build, hostile: str):
    line = PairLine(pair="01-000", digest="x", positive=f"I {hostile}", negative="I b", findings=(hostile,))
    screen = io.StringIO()
    Console(file=screen, width=120, color_system=None).print(render_pair(line, 120))
    assert "\x1b" not in screen.getvalue()
    if "bold" in hostile:
        assert "[bold]x[/bold]" in screen.getvalue()
