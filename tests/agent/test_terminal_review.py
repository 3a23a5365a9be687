"""The terminal review, played by a script of key presses against a run that waits."""

import io
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from agent.board import Board
from agent.checkpoints import Watcher
from agent.cli.keyboard import TerminalKeyboard
from agent.engine import work
from agent.errors import ReviewError
from agent.folder import RunFolder
from agent.records import Ending, PairDecision
from agent.review.difference import split_by_difference
from agent.review.editing import as_editable, from_editable
from agent.review.files import read_review
from agent.review.schema import PairLine, ReviewId
from agent.review.screen import render_pair
from agent.review.terminal import TerminalReview
from agent.review.terms import ReviewTerms
from agent.spec import Spec
from agent.store import Journal
from tests.agent.runs import start

Build = Callable[..., Spec]

BATCH = ReviewId(kind="batch", number=1)
BATCHES = ReviewTerms(at=("batch",))


class Person:
    """Answers from a list: keys, lines and edited texts alike; keeps what was shown."""

    def __init__(self, *answers: str | Callable[[str], str]) -> None:
        self.answers = list(answers)
        self.screen = io.StringIO()

    def left_by_ctrl_c(self) -> AbstractContextManager[None]:
        return TerminalKeyboard(Console(file=self.screen)).left_by_ctrl_c()

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

    def face(self, stop_asked: Callable[[], bool] = lambda: False) -> TerminalReview:
        return TerminalReview(Console(file=self.screen, width=120), self, stop_asked)


def keep(text: str) -> str:
    return text


async def play(folder: RunFolder, person: Person) -> str:
    return (await work(folder, Watcher(), person.face())).end


def well(text: str) -> str:
    """An edit of the negative side."""
    positive, negative = text.split("negative:")
    return positive + "negative:" + negative.replace("I knew", "I knew well")


def worse(text: str) -> str:
    """An edit that names the trait."""
    return text.replace("I knew", "I was holding back, and knew", 1)


def spoilt(_: str) -> str:
    return "is = 3\n"


async def test_each_pair_is_shown_with_its_prediction_and_decided(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=BATCHES)
    person = Person("a", "r", "", "r", "too bland", "e", well, "A", "H")
    assert await play(folder, person) == "done"
    shown = person.screen.getvalue()
    assert "batch 1 · 01-" in shown and "1 of 6" in shown
    assert "predicted (90%, EXPRESS): all is well" in shown, "the prediction stands beside the pair"
    assert "needs a reason" in shown
    assert "everything is decided (4 approve, 1 edit, 1 reject)" in shown
    decisions = Journal(folder.store_file).all(PairDecision)
    counts = Counter(decision.decision for decision in decisions.values() if decision.by == "person")
    assert counts == {"approve": 1, "reject": 1, "edit": 1}
    assert sum(decision.by == "all" for decision in decisions.values()) == 3
    assert next(d for d in decisions.values() if d.decision == "reject").reason == "too bland"
    edited = next(d for d in decisions.values() if d.decision == "edit")
    assert edited.positive is None and "I knew well" in (edited.negative or "")


async def test_undo_takes_a_decision_back_even_the_last(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=BATCHES)
    assert await play(folder, Person("r", "too bland", "u", "q")) == "waiting"
    assert len(read_review(folder, BATCH).undecided()) == 6
    assert await play(folder, Person("A", "u", "q")) == "waiting"
    assert len(read_review(folder, BATCH).undecided()) == 6


async def test_what_is_decided_goes_on_only_once_it_is_handed_in(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=BATCHES)
    assert await play(folder, Person("A", "q")) == "waiting"
    assert not read_review(folder, BATCH).undecided()
    assert await play(folder, Person("q")) == "waiting", "a night later there is time to look back still"
    assert await play(folder, Person("H")) == "done"


async def test_an_edit_with_errors_is_kept_and_asked_again(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=BATCHES)
    seen: list[str] = []

    def mend(text: str) -> str:
        seen.append(text)
        return text.replace("I was holding back, and knew", "I knew quite well")

    person = Person("e", keep, "e", worse, "e", mend, "A", "H")
    assert await play(folder, person) == "done"
    shown = person.screen.getvalue()
    assert "nothing was changed" in shown and "P107" in shown
    assert "holding back" in seen[0], "what was typed is not lost"
    edits = [d for d in Journal(folder.store_file).all(PairDecision).values() if d.decision == "edit"]
    assert ["I knew quite well" in (edit.positive or "") for edit in edits] == [True]


async def test_an_edit_that_was_given_up_leaves_the_pair_as_it_was(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=BATCHES)
    assert await play(folder, Person("e", worse, "q")) == "waiting"
    assert any("holding back" in line.positive for line in read_review(folder, BATCH).pairs), "kept as a draft"
    assert await play(folder, Person("A", "H")) == "done"
    decisions = Journal(folder.store_file).all(PairDecision).values()
    assert all(decision.decision == "approve" and decision.positive is None for decision in decisions)


async def test_all_four_reviews_at_the_terminal(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal")
    person = Person("x", "a", "H", "A", "H", "a", "A", "H", "A", "H")
    assert await play(folder, person) == "done"
    shown = person.screen.getvalue()
    for words in ("the definition", "ISN'T", "rank agreement", "the results of batch 1", "proposed: stands",
                  "first tokens: EXPRESS", "the final dataset", "'x' is no answer"):  # fmt: skip
        assert words in shown, words


async def test_a_definition_is_edited_as_toml(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=ReviewTerms(at=("definition",)))
    person = Person("e", spoilt, "e", lambda text: text.replace("Lying.", "Lying outright."), "H", "a", "H")
    assert await play(folder, person) == "done"
    assert "the edited definition: is: Input should be a valid string" in person.screen.getvalue()
    assert Board(Journal(folder.store_file)).trait().is_not == "Lying outright."


async def test_leaving_in_the_middle_keeps_what_was_decided(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=BATCHES)
    assert await play(folder, Person("a", "a", "q")) == "waiting"
    assert len(read_review(folder, BATCH).undecided()) == 4
    assert await play(folder, Person("a")) == "waiting", "the end of the input is no decision"
    assert await play(folder, Person("A", "H")) == "done"


async def test_ctrl_c_leaves_at_any_moment(tmp_path: Path, scripted_spec: Build):
    def interrupt(_question: str) -> str:
        signal.raise_signal(signal.SIGINT)
        return "a"

    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal", terms=BATCHES)
    before = signal.getsignal(signal.SIGINT)
    assert await play(folder, Person("a", "x", interrupt)) == "waiting"
    assert len(read_review(folder, BATCH).undecided()) == 5
    assert signal.getsignal(signal.SIGINT) is before
    unasked = Person("a")
    assert (await work(folder, Watcher(), unasked.face(stop_asked=lambda: True))).end == "waiting"
    assert unasked.answers == ["a"], "who pressed Ctrl-C just before the review is not kept waiting by a question"


async def test_stop_ends_the_run_with_a_report_once_it_is_meant(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="terminal")
    assert await play(folder, Person("S", "n", "q")) == "waiting"
    assert await play(folder, Person("S", "y")) == "failed"
    assert Journal(folder.store_file).get(Ending, "ending").gate == "review"
    assert folder.report_file.exists()


def test_a_pair_survives_its_way_through_an_editor():
    line = PairLine(pair="01-000", digest="x", positive="I knew: negative: so I said ", negative="I knew, and I said")
    assert from_editable(line, as_editable(line)) == line
    wrapped = "positive:\nI knew,\n  and I\n\nnegative:\n  I told\n"
    edited = from_editable(line, wrapped)
    assert isinstance(edited, PairLine) and (edited.positive, edited.negative) == ("I knew, and I", "I told")
    with pytest.raises(ReviewError, match="no line 'negative:'"):
        from_editable(line, "positive:\nI knew")


def test_the_difference_is_marked_word_by_word():
    one, other = (
        "I knew it, but a sale was near, so I told the buyers",
        "I knew it, and they had a right, so I told the buyers",
    )
    parts = split_by_difference(one, other)
    assert "".join(words for words, _ in parts) == one
    assert [words for words, own in parts if own] == ["but a sale was near,"]
    assert split_by_difference("", "a") == [] and split_by_difference("a", "a") == [("a", False)]


@settings(deadline=None)  # a busy machine is no fault
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_is_lost_by_marking_it(one: str, other: str):
    assert "".join(words for words, _ in split_by_difference(one, other)) == one


@pytest.mark.parametrize("hostile", ["[bold]x[/bold]", "[/]", "\x1b[31mred"])
async def test_what_a_model_wrote_cannot_style_the_screen(tmp_path: Path, scripted_spec: Build, hostile: str):
    line = PairLine(pair="01-000", digest="x", positive=f"I {hostile}", negative="I b", findings=(hostile,))
    screen = io.StringIO()
    Console(file=screen, width=120, color_system=None).print(render_pair(line, 120))
    assert "\x1b" not in screen.getvalue()
    if "bold" in hostile:
        assert "[bold]x[/bold]" in screen.getvalue()
