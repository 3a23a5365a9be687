"""Reviews by file: what is asked, what can be answered, and what becomes of it."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.board import Board
from agent.checkpoints import Watcher
from agent.engine import work
from agent.errors import ReviewError
from agent.folder import RunFolder
from agent.records import (
    DefinitionDecision,
    Draft,
    Ending,
    FreshTest,
    LintRecord,
    Outcome,
    PairDecision,
    ResultDecision,
    Trial,
)
from agent.review.asking import RestAsProposed, time_out
from agent.review.files import read_review, review_file, write_review
from agent.review.layout import lay_out
from agent.review.schema import BatchLine, DefinitionLine, PairLine, Review, ReviewId, decide_as_proposed
from agent.review.terms import ReviewTerms
from agent.spec import Spec
from agent.store import Journal
from agent.workshop import open_workshop
from tests.agent.reviews import answer, as_proposed, finish_with, waiting
from tests.agent.runs import dataset_bytes, finish, kill_at, start

Build = Callable[..., Spec]


def changed(name: str, **fields: object) -> Callable[[Review], Review]:
    """A review with one line answered so, the rest as proposed."""
    return lambda review: as_proposed(review.with_line(review.line(name).model_copy(update=fields)))


def test_four_reviews_are_asked_in_their_order_and_change_nothing_by_themselves(tmp_path: Path, scripted_spec: Build):
    spec = scripted_spec(pairs=3)
    alone, asked = tmp_path / "alone", tmp_path / "asked"
    assert finish(start(alone, spec)).end == "done"
    folder = start(asked, spec, review="file")
    result, reviews = finish_with(folder)
    assert result.end == "done", result
    assert reviews == ["definition-1", "1", "results-1", "final-1"]
    assert dataset_bytes(asked) == dataset_bytes(alone)
    assert (folder.batch(1) / "results.md").read_text().startswith("# Review of the results of batch 1")


def test_only_the_reviews_asked_for_wait(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch",)))
    result, reviews = finish_with(folder)
    assert (result.end, reviews) == ("done", ["1"])


def test_a_redrafted_definition_is_written_anew_and_shown_again(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file")
    redraft = changed("definition", decision="redraft", reason="say what is left out")
    result, reviews = finish_with(folder, {"definition-1": redraft})
    assert result.end == "done"
    assert reviews[:2] == ["definition-1", "definition-2"]
    journal = Journal(folder.store_file)
    assert journal.get(DefinitionDecision, "1").reason == "say what is left out"


def test_an_edited_definition_is_calibrated_and_shown_again(tmp_path: Path, scripted_spec: Build):
    def edit(review: Review) -> Review:
        line = review.line("definition")
        assert isinstance(line, DefinitionLine)
        definition = line.definition.model_copy(update={"is_": "Leaving out the one thing that matters."})
        return review.with_line(line.model_copy(update={"definition": definition, "decision": "edit"}))

    folder = start(tmp_path, scripted_spec(pairs=3), review="file")
    result, reviews = finish_with(folder, {"definition-1": edit})
    assert result.end == "done" and reviews[:2] == ["definition-1", "definition-2"]
    assert Board(Journal(folder.store_file)).trait().is_ == "Leaving out the one thing that matters."


def test_an_edited_pair_is_linted_again_and_run_as_edited(tmp_path: Path, scripted_spec: Build):
    spec = scripted_spec(pairs=3, forbidden=["dynamite"])
    folder = start(tmp_path, spec, review="file", terms=ReviewTerms(at=("batch",)))
    finish(folder)
    first = read_review(folder, waiting(folder)).pairs[0]
    for words, code in (("and this is holding back", "P107"), ("with dynamite", "P117")):
        answer(folder, changed(first.pair, decision="edit", positive=f"{first.positive} {words}"))
        with pytest.raises(ReviewError, match=rf"01-000: the edited pair has errors \({code}"):
            finish(folder)
    text = first.positive.replace("I knew", "I knew well")
    answer(folder, changed(first.pair, decision="edit", positive=text))
    assert finish(folder).end == "done"
    journal = Journal(folder.store_file)
    assert Board(journal).drafts()[first.pair].pair.positive == text
    assert journal.get(LintRecord, f"{first.pair}@edited").findings is not None
    assert first.pair in journal.all(Trial)


def test_a_pair_sent_back_is_drafted_anew_and_a_rejected_one_is_not_run(tmp_path: Path, scripted_spec: Build):
    def send_back(review: Review) -> Review:
        one = review.pairs[0].model_copy(update={"decision": "redraft", "reason": "name a smaller part"})
        two = review.pairs[1].model_copy(update={"decision": "reject", "reason": "too bland"})
        return as_proposed(review.with_line(one).with_line(two))

    folder = start(tmp_path, scripted_spec(pairs=8), review="file", terms=ReviewTerms(at=("batch",)))
    result, _ = finish_with(folder, {"1": send_back})
    assert result.end == "done", result
    journal = Journal(folder.store_file)
    assert not {"01-000", "01-001"} & set(journal.all(Trial))
    assert [draft.mends for draft in journal.all(Draft).values() if draft.mends] == ["01-000"]
    assert "too bland" in (Board(journal).reasons() or "")


def test_a_deferred_pair_comes_back_with_the_next_batch(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=8), review="file", terms=ReviewTerms(at=("batch",)))
    result, reviews = finish_with(folder, {"1": changed("01-002", decision="defer")})
    assert result.end == "done" and reviews == ["1", "2"]
    assert "01-002" in [line.pair for line in read_review(folder, ReviewId(kind="batch", number=2)).pairs]
    journal = Journal(folder.store_file)
    assert journal.get(PairDecision, "01-002").decision == "defer"
    assert journal.get(PairDecision, "01-002@2").decision == "approve"
    assert journal.get(Outcome, "01-002").accepted
    assert Board(journal).rounds()[1].passed <= Board(journal).rounds()[1].drafted


def mended(folder: RunFolder) -> dict[str, str]:
    """The pairs that are redrafts, with the pairs that they were written for."""
    return {id_: draft.mends for id_, draft in Journal(folder.store_file).all(Draft).items() if draft.mends}


def test_a_deferred_pair_that_is_sent_back_later_is_drafted_anew(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=14), review="file", terms=ReviewTerms(at=("batch",)))
    later = changed("01-002", decision="redraft", reason="name a smaller part")
    result, reviews = finish_with(folder, {"1": changed("01-002", decision="defer"), "2": later})
    assert result.end == "done" and len(reviews) >= 3, result
    assert [(id_[:2], pair) for id_, pair in mended(folder).items()] == [("03", "01-002")]


def test_a_deferred_pair_that_is_sent_back_after_its_test_is_drafted_anew(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=14), review="file", terms=ReviewTerms(at=("batch", "results")))
    later = changed("01-002", decision="redraft", reason="it only echoes")
    result, _ = finish_with(folder, {"1": changed("01-002", decision="defer"), "results-2": later})
    assert result.end == "done", result
    assert [(id_[:2], pair) for id_, pair in mended(folder).items()] == [("03", "01-002")]
    assert not Journal(folder.store_file).get(Outcome, "01-002").accepted


def test_a_deferred_pair_that_fails_its_test_is_drafted_anew(tmp_path: Path, scripted_spec: Build):
    from tests.agent.scripted import subject_script, write_script

    def spoil(review: Review) -> Review:
        positive = review.line("01-002").positive.replace("I knew", "I knew well")
        return changed("01-002", decision="edit", positive=positive)(review)

    deaf = [{"text": "the plan is broken", "match": "knew well", "repeat": True}, *subject_script()]
    spec = scripted_spec(pairs=14, subject=write_script(tmp_path / "deaf.jsonl", deaf))
    folder = start(tmp_path, spec, review="file", terms=ReviewTerms(at=("batch",)))
    result, _ = finish_with(folder, {"1": changed("01-002", decision="defer"), "2": spoil})
    assert result.end == "done", result
    assert [(id_[:2], pair) for id_, pair in mended(folder).items()] == [("03", "01-002")]


def test_a_pair_of_the_finished_dataset_that_is_sent_back_is_drafted_anew(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=8), review="file", terms=ReviewTerms(at=("final",)))
    sent_back: list[str] = []

    def send_back(review: Review) -> Review:
        # One of the first round, though the test came after a later one.
        sent_back.append(next(line.pair for line in review.pairs if line.pair.startswith("01-")))
        return changed(sent_back[0], decision="redraft", reason="name a smaller part")(review)

    result, reviews = finish_with(folder, {"final-1": send_back})
    assert result.end == "done" and reviews == ["final-1", "final-2"], result
    journal = Journal(folder.store_file)
    before, after = (journal.get(FreshTest, number) for number in ("1", "2"))
    assert before.round > 1
    [(name, pair)] = mended(folder).items()
    assert (name[:2], pair) == (f"{after.round:02d}", sent_back[0])
    assert sent_back[0] not in after.pairs
    assert [draft.pair.id for draft, _ in Board(journal).sent_back(before.round)] == sent_back, "asked again, the same"
    assert Board(journal).sent_back(after.round) == []


def test_a_run_that_dies_while_it_drafts_what_was_sent_back_drafts_the_same(tmp_path: Path, scripted_spec: Build):
    drafted = []
    for name, dies in (("whole", False), ("killed", True)):
        folder = start(tmp_path / name, scripted_spec(pairs=8), review="file", terms=ReviewTerms(at=("final",)))
        finish(folder)
        answer(folder, lambda review: changed(review.pairs[0].pair, decision="redraft", reason="smaller")(review))
        if dies:
            assert kill_at(folder, "draft") == 9
        finish(folder)
        drafted.append(Journal(folder.store_file).all(Draft))
    assert drafted[0] == drafted[1]


def test_a_batch_sent_back_whole_is_drafted_anew(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch",)))
    result, reviews = finish_with(folder, {"1": lambda review: review.with_action("redraft")})
    assert result.end == "done" and reviews[0] == "1"
    assert set(mended(folder).values()) == {f"01-{index:03d}" for index in range(6)}


def test_what_the_reviewer_rejects_after_the_test_is_cut(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("results",)))
    result, _ = finish_with(folder, {"results-1": changed("01-000", decision="reject", reason="it only echoes")})
    assert result.end == "done"
    outcome = Journal(folder.store_file).get(Outcome, "01-000")
    assert not outcome.accepted and "it only echoes" in outcome.reason


def test_a_failed_pair_is_not_saved_by_its_reviewer(tmp_path: Path, scripted_spec: Build):
    from tests.agent.scripted import subject_script, write_script

    deaf = [{"text": "the plan is broken", "match": "times", "repeat": True}, *subject_script()]
    spec = scripted_spec(pairs=3, rounds=1, subject=write_script(tmp_path / "deaf.jsonl", deaf))
    folder = start(tmp_path, spec, review="file", terms=ReviewTerms(at=("results",)))
    result, _ = finish_with(folder, {"results-1": changed("01-000", decision="approve", reason="I like it")})
    assert result.end == "failed"
    journal = Journal(folder.store_file)
    assert journal.get(ResultDecision, "01-000").decision == "approve", "the reviewer's word is kept as a label"
    assert not journal.get(Outcome, "01-000").accepted


def test_pairs_removed_from_the_finished_dataset_are_made_up_for(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=6), review="file", terms=ReviewTerms(at=("final",)))

    def remove(review: Review) -> Review:
        return changed(review.pairs[0].pair, decision="reject", reason="too like another")(review)

    result, reviews = finish_with(folder, {"final-1": remove})
    assert result.end == "done" and reviews == ["final-1", "final-2"], result
    validation = json.loads(folder.validation_file.read_text())
    assert validation["scenarios"]["n_pairs"] == 6
    removed = read_review(folder, ReviewId(kind="final", number=1)).pairs[0]
    assert removed.positive not in (tmp_path / "datasets/traits/test/holding_back/positive.txt").read_text()


def test_a_pair_that_fails_afresh_is_named_and_proposed_to_stay(
    tmp_path: Path, scripted_spec: Build, monkeypatch: pytest.MonkeyPatch
):
    folder = start(tmp_path, scripted_spec(pairs=6), review="file", terms=ReviewTerms(at=("final",)))
    assert finish(folder).end == "waiting"
    board, id_ = Board(Journal(folder.store_file)), ReviewId(kind="final", number=1)
    trials = board.fresh_trials(1)
    name = next(iter(trials))
    failed = trials[name].model_copy(update={"passed": False, "scores": {"positive": 56.0, "negative": 8.0}})
    monkeypatch.setattr(board, "fresh_trials", lambda test: {**trials, name: failed})
    review = lay_out(board, id_)
    tested = next(line.tested for line in review.pairs if line.pair == name)
    assert tested is not None and (tested.passes, tested.stands, tested.failure) == (False, True, "fails afresh")
    decided = decide_as_proposed(review, review)
    assert {line.decision for line in decided.lines} == {"approve"}, "or no large set would ever be finished"


@pytest.mark.parametrize("key", ["definition-1", "1", "results-1", "final-1"])
def test_any_review_can_end_the_run(tmp_path: Path, scripted_spec: Build, key: str):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file")
    result, _ = finish_with(folder, {key: lambda review: review.with_action("stop")})
    assert result.end == "failed"
    assert Journal(folder.store_file).get(Ending, "ending").gate == "review"


def test_scaling_up_makes_the_next_batch_larger(tmp_path: Path, scripted_spec: Build):
    settings = {"first_batch": 2, "chunk": 2, "scale_chunk": 9, "samples": 1, "questions": 4, "prefix_candidates": 2,
                "skeleton_cap": 1.0, "yield_floor": 1.0}  # fmt: skip
    reject = changed("01-000", decision="reject", reason="no")
    sizes = []
    for name, action in (("as it is", "continue"), ("scaled", "scale")):
        terms = ReviewTerms(at=("batch",))
        folder = start(tmp_path / name, scripted_spec(pairs=10, settings=settings), review="file", terms=terms)
        finish_with(folder, {"1": lambda review, action=action: reject(review).with_action(action)})
        sizes.append(len(Board(Journal(folder.store_file)).drafts(2)))
    assert sizes == [2, 9]


SPOILT = {
    "another digest": (lambda line: {"digest": "0" * 16, "decision": "approve"}, "digest of 01-000"),
    "no reason": (lambda line: {"decision": "reject"}, "needs a reason"),
    "changed but approved": (lambda line: {"decision": "approve", "positive": line.positive + " x"}, "'edit'"),
    "edited but unchanged": (lambda line: {"decision": "edit"}, "unchanged"),
    "edited into two lines": (lambda line: {"decision": "edit", "positive": "a\nb"}, "P102"),
    "edited into nothing": (lambda line: {"decision": "edit", "positive": " "}, "P101"),
    "undecided": (lambda line: {"decision": None}, ""),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_bad_answer_leaves_the_review_open_and_says_why(tmp_path: Path, scripted_spec: Build, case: str):
    spoil, message = SPOILT[case]
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch",)))
    finish(folder)
    whole = as_proposed(read_review(folder, waiting(folder)))
    line = whole.pairs[0]
    write_review(folder, whole.with_line(line.model_copy(update=spoil(line))))
    if message:
        with pytest.raises(ReviewError, match=message):
            finish(folder)
    else:
        assert finish(folder).end == "waiting"
    write_review(folder, whole)
    assert finish(folder).end == "done"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{nonsense\n", r"review\.jsonl, line 1: not a line of JSON"),
        ("\ufeff[1, 2]\n", r"review\.jsonl, line 1"),
        ("", "does not list what was shown"),
        ('{"batch": 2, "action": null}\n', "is about review '2'"),
        ('{"batch": 1, "action": "maybe"}\n', "action"),
    ],
)
def test_a_review_file_that_is_none_is_one_clear_error(tmp_path: Path, scripted_spec: Build, text: str, message: str):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch",)))
    finish(folder)
    review_file(folder, waiting(folder)).write_text(text)
    with pytest.raises(ReviewError, match=message):
        finish(folder)
    review_file(folder, ReviewId(kind="batch", number=1)).unlink()
    assert finish(folder).end == "waiting", "a deleted file is written anew"


def test_lines_may_be_sorted_but_not_lost_doubled_or_made_up(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch",)))
    finish(folder)
    whole = as_proposed(read_review(folder, waiting(folder)))
    first, *others = whole.lines
    stranger = first.model_copy(update={"pair": "09-009"})
    stale = whole.model_copy(update={"batch": whole.batch.model_copy(update={"digest": "0" * 64})})
    write_review(folder, stale)
    with pytest.raises(ReviewError, match="the digest of its last line"):
        finish(folder)
    for lines, message in (
        (others, "01-000 is missing"),
        ([*whole.lines, first], "01-000 is there twice"),
        ([*whole.lines, stranger], "09-009 is not part of it"),
    ):
        write_review(folder, whole.model_copy(update={"lines": tuple(lines)}))
        with pytest.raises(ReviewError, match=message):
            finish(folder)
    reject = first.model_copy(update={"decision": "reject", "reason": "too bland"})
    write_review(folder, whole.model_copy(update={"lines": (*reversed(others), reject)}))
    assert finish(folder).end == "done"
    assert Journal(folder.store_file).get(PairDecision, "01-000").reason == "too bland"


def test_what_a_review_file_leaves_open_is_decided_as_proposed_once(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch", "results")))
    finish(folder)
    answer(folder, lambda review: review.with_line(review.lines[0].model_copy(update={"decision": "approve"})))
    rest = RestAsProposed(waiting(folder))
    assert asyncio.run(work(folder, Watcher(), rest)).end == "waiting", "the next review waits again"
    decisions = Journal(folder.store_file).all(PairDecision)
    assert [decision.by for decision in decisions.values()] == ["person"] + ["all"] * 5
    assert waiting(folder).key == "results-1"


def test_the_rest_of_a_review_that_nobody_has_seen_yet_is_left_open(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch", "results")))
    finish(folder)
    rest = RestAsProposed(answer(folder, lambda review: as_proposed(review).with_action("continue")))
    result = asyncio.run(work(folder, Watcher(), rest))
    assert (result.end, waiting(folder).key) == ("waiting", "results-1"), "the batch was decided already"
    assert result.message == "the review of the results of batch 1 is open: 6 of 6 lines have no decision"


def test_the_rest_is_not_decided_while_an_answer_cannot_be_taken(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("batch",)))
    finish(folder)
    answer(folder, lambda review: review.with_line(review.lines[0].model_copy(update={"decision": "reject"})))
    before = review_file(folder, waiting(folder)).read_bytes()
    with pytest.raises(ReviewError, match="01-000: this decision needs a reason"):
        asyncio.run(work(folder, Watcher(), RestAsProposed(waiting(folder))))
    assert review_file(folder, waiting(folder)).read_bytes() == before


def test_answers_to_another_batch_are_stale(tmp_path: Path, scripted_spec: Build):
    folder = start(tmp_path, scripted_spec(pairs=9), review="file", terms=ReviewTerms(at=("batch",)))
    finish(folder)
    first = read_review(folder, answer(folder))
    finish(folder)
    stale = Review(lines=first.lines, batch=BatchLine(batch="2"))
    write_review(folder, stale)
    with pytest.raises(ReviewError, match="does not list what was shown"):
        finish(folder)


@pytest.mark.parametrize(("what", "end"), [("fail", "failed"), ("reject", "waiting")])
def test_a_review_that_waits_too_long_fails_or_rejects_the_rest(
    tmp_path: Path, scripted_spec: Build, what: str, end: str
):
    terms = ReviewTerms(at=("batch",), timeout=3600, on_timeout=what)  # type: ignore[arg-type]
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=terms)
    assert finish(folder).end == "waiting"
    id_ = waiting(folder)
    kept = read_review(folder, id_).pairs[0]
    write_review(folder, read_review(folder, id_).with_line(kept.model_copy(update={"decision": "approve"})))
    assert finish(folder).end == "waiting", "there is time left"
    asyncio.run(_let_time_pass(folder, id_, timedelta(hours=2)))
    assert finish(folder).end == end
    journal = Journal(folder.store_file)
    if what == "fail":
        assert "nobody decided batch 1 within 1:00:00" in journal.get(Ending, "ending").message
    else:
        decisions = journal.all(PairDecision)
        assert decisions[kept.pair].by == "person" and decisions[kept.pair].decision == "approve"
        assert decisions["01-001"].by == "timeout" and decisions["01-001"].decision == "reject"
        assert waiting(folder).key == "2"


async def _let_time_pass(folder, id_: ReviewId, by: timedelta) -> None:
    async with open_workshop(folder, lambda text: None) as workshop:
        review = read_review(folder, id_)
        assert time_out(workshop, review, datetime.now(UTC)) == review
        time_out(workshop, review, datetime.now(UTC) + by)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LINES = st.builds(
    PairLine,
    pair=TEXT,
    digest=TEXT,
    positive=TEXT,
    negative=TEXT,
    findings=st.lists(TEXT, max_size=2).map(tuple),
    decision=st.sampled_from([None, "approve", "edit", "reject", "redraft", "defer"]),
    reason=TEXT,
    by=st.sampled_from(["person", "policy", "all"]),
)


@settings(deadline=None)  # a busy machine is no fault
@given(lines=st.lists(LINES, max_size=3), action=st.sampled_from([None, "continue", "stop"]))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, lines, action):
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    review = Review(lines=tuple(lines), batch=BatchLine(batch="3", action=action))
    write_review(folder, review)
    assert read_review(folder, ReviewId(kind="batch", number=3)) == review


@settings(deadline=None)
@given(junk=st.binary(max_size=200))
def test_any_bytes_are_a_review_or_one_clear_error(tmp_path_factory: pytest.TempPathFactory, junk: bytes):
    folder, id_ = RunFolder(tmp_path_factory.mktemp("run")), ReviewId(kind="batch", number=1)
    review_file(folder, id_).parent.mkdir(parents=True)
    review_file(folder, id_).write_bytes(junk)
    try:
        assert read_review(folder, id_).id == id_
    except ReviewError as error:
        assert "review.jsonl" in str(error)
