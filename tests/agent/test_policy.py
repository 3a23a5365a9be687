"""Approval by rule, the order of asking and notifications."""

import re
import sys
from pathlib import Path

import pytest

from agent.errors import SpecError
from agent.records import FinalDecision, PairDecision, ResultDecision
from agent.review.files import read_review
from agent.review.order import EVERY, asking_order, in_random_slice
from agent.review.policy import BatchRules, DefinitionRules, Policy, decide_by_rule, read_policy
from agent.review.policy import TestedRules as ResultRules
from agent.review.schema import BatchLine, OutcomeShown, PairLine, Review
from agent.review.terms import ReviewTerms, read_duration
from agent.settings import Settings
from agent.store import Journal
from extract.trait import Prediction, Side
from tests.agent.reviews import answer, waiting
from tests.agent.runs import ROOT, finish, start

SIDES: tuple[Side, ...] = ("positive", "negative")


def line(
    name: str = "01-000",
    *,
    predicted: float = 0.95,
    express: bool = True,
    findings: tuple[str, ...] = (),
    scores: tuple[float | None, float | None] | None = None,
    first_token: str = "EXPRESS",
    stands: bool = True,
) -> PairLine:
    tested = None
    if scores is not None:
        named: dict[Side, float | None] = dict(zip(SIDES, scores, strict=True))
        tested = OutcomeShown(
            samples={}, scores=named, first_token=first_token, passes=stands, stands=stands, failure="drift"
        )
    prediction = Prediction(completion="so", probability=predicted, express=express)
    return PairLine(
        pair=name, digest=name, positive="a", negative="b", findings=findings, tested=tested,
        predicted=dict.fromkeys(SIDES, prediction),
    )  # fmt: skip


def decided(line: PairLine, kind: str, **rules: object) -> str | None:
    key = "1" if kind == "batch" else f"{kind}-1"
    review = Review(lines=(line,), batch=BatchLine(batch=key))
    return decide_by_rule(review, Policy.model_validate({kind: rules}), 0).lines[0].decision


BATCH_RULES = {
    "likely enough": (line(predicted=0.9), {"predicted": 0.9}, "approve"),
    "not likely enough": (line(predicted=0.89), {"predicted": 0.9}, None),
    "nothing predicted": (line().model_copy(update={"predicted": {}}), {"predicted": 0.0}, None),
    "clean": (line(), {"no_warnings": True}, "approve"),
    "a warning": (line(findings=("P109: long",)), {"no_warnings": True}, None),
    "explains": (line(express=False), {"predicted_express": True}, None),
    "both rules": (line(findings=("P109: long",)), {"no_warnings": True, "predicted": 0.5}, None),
}


@pytest.mark.parametrize("case", BATCH_RULES)
def test_what_a_rule_approves_before_the_test(case: str):
    given, rules, wanted = BATCH_RULES[case]
    assert decided(given, "batch", **rules) == wanted


RESULT_RULES = {
    "passes": (line(scores=(90, 10)), {"passes": True}, "approve"),
    "is cut": (line(scores=(90, 50), stands=False), {"passes": True}, None),
    "is cut by rule": (line(scores=(90, 50), stands=False), {"cut_failed": True}, "reject"),
    "stands under cut_failed alone": (line(scores=(90, 10)), {"cut_failed": True}, None),
    "high enough": (line(scores=(80, 10)), {"positive": 80}, "approve"),
    "not high enough": (line(scores=(79, 10)), {"positive": 80}, None),
    "low enough": (line(scores=(80, 20)), {"negative": 20}, "approve"),
    "unscored": (line(scores=(None, 20)), {"positive": 0}, None),
    "unclear": (line(scores=(90, 10), first_token="UNCLEAR"), {"express": True}, None),
    "clean but cut": (line(scores=(50, 50), stands=False), {"no_warnings": True}, None),
}


@pytest.mark.parametrize("case", RESULT_RULES)
@pytest.mark.parametrize("kind", ["results", "final"])
def test_what_a_rule_decides_after_the_test(case: str, kind: str):
    given, rules, wanted = RESULT_RULES[case]
    assert decided(given, kind, **rules) == wanted


def test_a_share_is_asked_all_the_same_and_always_the_same_one():
    lines = tuple(line(f"01-{index:03d}") for index in range(400))
    review = Review(lines=lines, batch=BatchLine(batch="1"))
    policy = Policy.model_validate({"batch": {"no_warnings": True}, "ask_share": 0.25})
    left = decide_by_rule(review, policy, 7).undecided()
    assert 60 < len(left) < 140
    assert left == decide_by_rule(review, policy, 7).undecided() != decide_by_rule(review, policy, 8).undecided()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[batch]\npredicted = 2\n", "batch.predicted"),
        ("[batch]\npasses = true\n", "batch.passes: unknown rule"),
        ("[final]\n", "names no rule"),
        ("[later]\nx = 1\n", "later: unknown rule"),
        ("ask_share = 0.5\n", "names no review"),
        ("[batch\n", "is not TOML"),
    ],
)
def test_a_policy_that_is_none_is_one_clear_error(tmp_path: Path, text: str, message: str):
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(SpecError, match=message):
        read_policy(file)


def test_the_policy_and_the_lines_in_the_documentation_are_valid(tmp_path: Path):
    text = (ROOT / "docs/review.md").read_text()
    file = tmp_path / "policy.toml"
    file.write_text(text.split("```text\n")[1].split("```")[0])
    policy = read_policy(file)
    assert policy.definition and policy.batch and policy.results
    rules = {*BatchRules.model_fields, *ResultRules.model_fields, *DefinitionRules.model_fields, "ask_share"}
    assert rules <= set(re.findall(r"^(\w+) = ", file.read_text(), re.MULTILINE)), "every rule is told of"
    *lines, last = text.split("```json\n")[1].split("```")[0].splitlines()
    assert [PairLine.model_validate_json(line).decision for line in lines] == ["reject", "edit"]
    assert BatchLine.model_validate_json(last).action == "continue"


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5_400), ("12h", 43_200), ("7d", 604_800), ("1.5d", 129_600)])
def test_durations(text: str, seconds: float):
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "1e9d", "7 days", "٧d"])
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(SpecError, match="7d"):
        read_duration(text)


def test_the_uncertain_come_first_with_a_random_slice_between():
    certain = [line(f"01-{index:03d}", predicted=0.99) for index in range(60)]
    uncertain = [line(f"02-{index:03d}", predicted=0.5) for index in range(60)]
    order = asking_order(Review(lines=(*certain, *uncertain), batch=BatchLine(batch="1")), Settings(), 3)
    assert sorted(order) == sorted(one.pair for one in (*certain, *uncertain))
    drawn = [name for name in order if in_random_slice(3, name)]
    assert 15 < len(drawn) < 50
    others = [name for name in order if name not in drawn]
    assert [name[:2] for name in others] == sorted((name[:2] for name in others), reverse=True)
    assert order.index(drawn[1]) == EVERY + 1, "one drawn by chance, then some that are uncertain, then another"


def test_after_a_test_the_contradictions_come_first():
    clear = line("01-000", scores=(98, 2))
    close = line("01-001", scores=(62, 38))
    surprising = line("01-002", scores=(30, 70), stands=False)
    unscored = line("01-003", scores=(None, 10), stands=False)
    review = Review(lines=(clear, close, surprising, unscored), batch=BatchLine(batch="results-1"))
    seed = next(seed for seed in range(100) if not any(in_random_slice(seed, one.name) for one in review.lines))
    assert asking_order(review, Settings(), seed) == ["01-003", "01-002", "01-001", "01-000"]


def test_a_run_goes_on_by_rule_and_waits_for_what_the_rules_leave(tmp_path: Path, scripted_spec):
    policy = Policy.model_validate(
        {
            "definition": {"rank_agreement": 0.8},
            "batch": {"no_warnings": True, "predicted": 0.9},
            "results": {"passes": True, "express": True, "cut_failed": True},
            "final": {"passes": True},
        }
    )
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(policy=policy))
    result = finish(folder)
    asked: dict[str, list[str]] = {}
    while result.end == "waiting":
        id_ = waiting(folder)
        asked[id_.key] = read_review(folder, id_).undecided()
        answer(folder)
        result = finish(folder)
    assert result.end == "done", result
    assert set(asked) <= {"1"}, "only lint warnings are left to a person here"
    journal = Journal(folder.store_file)
    for key, decision in journal.all(PairDecision).items():
        assert decision.by == ("all" if key in asked.get("1", []) else "policy")
    for record in (ResultDecision, FinalDecision):
        assert {decision.by for decision in journal.all(record).values()} == {"policy"}


def test_a_person_is_told_once_of_each_review(tmp_path: Path, scripted_spec):
    import asyncio
    from functools import partial

    from agent.checkpoints import Watcher
    from agent.engine import work
    from agent.review.notify import notify

    log = tmp_path / "log.txt"
    code = "import os, sys; open(sys.argv[1], 'a').write(sys.argv[2] + ' ' + os.environ['TRAITSMITH_REVIEW'] + '\\n')"
    notifier = partial(notify, (sys.executable, "-c", code, str(log)))
    folder = start(tmp_path, scripted_spec(pairs=3), review="file", terms=ReviewTerms(at=("definition", "batch")))
    for _ in range(2):
        assert asyncio.run(work(folder, Watcher(), notifier=notifier)).end == "waiting"
    answer(folder)
    assert asyncio.run(work(folder, Watcher(), notifier=notifier)).end == "waiting"
    assert log.read_text() == f"{folder.path.name} the definition\n{folder.path.name} batch 1\n"


def test_a_message_that_does_not_go_out_stops_nothing(tmp_path: Path, scripted_spec):
    from agent.review.notify import notify
    from agent.review.schema import ReviewId

    folder = start(tmp_path, scripted_spec(pairs=3))
    id_ = ReviewId(kind="batch", number=1)
    assert "ended with 3" in (notify((sys.executable, "-c", "raise SystemExit(3)"), folder, id_) or "")
    assert "did not work" in (notify((str(tmp_path / "none"),), folder, id_) or "")
    quoting = (sys.executable, "-c", "import sys; sys.exit(sys.argv[1:-1] != ['$HOME; `x`'])", "$HOME; `x`")
    assert notify(quoting, folder, id_) is None, "no shell reads the command"
