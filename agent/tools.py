"""The agent's tools, each declared once: name, description, schemas of what goes in and what comes out.

A tool reads the journal, calls one step of the method and writes what came of it; running it twice changes nothing.
The graph's nodes call these tools, and so can any other program: `await TOOLS["draft_batch"].run(workshop, {...})`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from agent.coverage import choose_balanced, plan_cells
from agent.errors import GateFailed
from agent.handoff import extract_run, publish_dataset, steer_run, write_run_files
from agent.records import (
    Calibration,
    Draft,
    DraftFailure,
    Ending,
    Failure,
    FirstTokenRecord,
    FreshTest,
    FreshTrial,
    LintRecord,
    Questions,
    RoundRecord,
    TraitRecord,
    Trial,
)
from agent.review.batch import apply_review, prepare_review
from agent.steps.analyse import analyse_failures, decide_outcome, learn_lessons
from agent.steps.decide import OBSERVED, approach_advice, decide_next, describe_test, next_approach, test_passes
from agent.steps.define import calibrate_rubric, define_trait, revise_rubric
from agent.steps.draft import draft_pairs, redraft_pairs
from agent.steps.first_token import examine_first_tokens
from agent.steps.predict import predict_completions
from agent.steps.questions import write_questions
from agent.steps.trial import try_pairs
from agent.workshop import Workshop
from extract.lint.pairs import lint_pair
from extract.trait import Pair


class Values(BaseModel):
    """Base of what goes into and comes out of tools."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Values):
    """A tool that needs no input."""


class OfRound(Values):
    """A tool that works on one round."""

    round: int
    approach: str = "as drafted"


class OfTest(OfRound):
    """A tool that works on one fresh test."""

    test: int


class Done(Values):
    """What a tool did, in words for people."""

    summary: str


class Prepared(Done):
    """A batch that waits for its reviewer."""

    digest: str


class Decided(Done):
    """Where the run goes next, with its counters set for it."""

    step: Literal["draft", "fresh_test", "questions"]
    round: int
    approach: str
    test: int


class Written(Done):
    """Whether there are weights to go on with."""

    step: Literal["extract", "conclude"]


InT = TypeVar("InT", bound=Values)
OutT = TypeVar("OutT", bound=Values)


@dataclass(frozen=True)
class Tool(Generic[InT, OutT]):
    """One tool: what it is called, what it does, what it takes and gives."""

    name: str
    description: str
    takes: type[InT]
    gives: type[OutT]
    call: Callable[[Workshop, InT], Awaitable[OutT]]

    async def run(self, workshop: Workshop, values: Mapping[str, Any]) -> OutT:
        """Check the input, do the work, give the output."""
        with workshop.calls.during(self.name):
            return await self.call(workshop, self.takes.model_validate(dict(values)))


TOOLS: dict[str, Tool[Any, Any]] = {}
"""All tools by name."""


def _tool(
    takes: type[InT], gives: type[OutT]
) -> Callable[[Callable[[Workshop, InT], Awaitable[OutT]]], Tool[InT, OutT]]:
    def declare(call: Callable[[Workshop, InT], Awaitable[OutT]]) -> Tool[InT, OutT]:
        tool = Tool(call.__name__, call.__doc__ or "", takes, gives, call)
        TOOLS[tool.name] = tool
        return tool

    return declare


@_tool(Nothing, Done)
async def define(workshop: Workshop, _: Nothing) -> Done:
    """Define the trait and calibrate its rubric until the judge ranks texts as they were written."""
    spec, cast, journal = workshop.spec, workshop.cast, workshop.journal
    trait = await define_trait(cast.author, spec)
    for number in range(spec.settings.calibration_tries):
        calibration = await calibrate_rubric(cast.author, cast.judge, spec, trait, number)
        journal.append({str(number): calibration})
        if calibration.passed:
            journal.append({"trait": TraitRecord(trait=trait)})
            return Done(summary=f"rubric calibrated, rank agreement {calibration.spearman:.2f}")
        trait = await revise_rubric(cast.author, spec, trait, calibration, number)
    journal.append({"trait": TraitRecord(trait=trait)})
    raise GateFailed("calibration", _describe_calibration(journal.all(Calibration), spec.settings.calibration_spearman))


@_tool(OfRound, Done)
async def draft_batch(workshop: Workshop, given: OfRound) -> Done:
    """Draft a batch: a pair per cell of the coverage grid, and redrafts of pairs that failed."""
    spec, board, author = workshop.spec, workshop.board, workshop.cast.author
    size = _batch_size(workshop, given.round)
    failed = board.failed(given.round - 1)[: int(size * spec.settings.redraft_share)]
    drafts = workshop.journal.all(Draft)
    cells = plan_cells(spec, size - len(failed), given.round, [drafts[pair.id].cell for pair in board.standing()])
    advice = approach_advice(given.approach)
    lessons = "\n".join(line for line in (f"- {advice}" if advice else "", board.lessons() or "") if line) or None
    guidance = {"winners": board.winners(), "lessons": lessons, "reasons": board.reasons(), "avoid": None}
    written = await draft_pairs(author, spec, board.trait(), given.round, cells, guidance)
    written |= await redraft_pairs(author, spec, board.trait(), given.round, len(cells), failed, lessons)
    workshop.journal.append(written)
    lost = sum(isinstance(draft, DraftFailure) for draft in written.values())
    return Done(summary=f"{len(written) - lost} pairs drafted, {len(failed)} of them redrafts, {lost} malformed")


@_tool(OfRound, Done)
async def lint_batch(workshop: Workshop, given: OfRound) -> Done:
    """Check every drafted pair without a model; pairs with errors go no further."""
    board = workshop.board
    label = board.trait().label
    earlier = [draft.pair for draft in board.drafts().values() if draft.pair.round < given.round]
    records: dict[str, LintRecord] = {}
    for id_, draft in board.drafts(given.round).items():
        records[id_] = LintRecord(findings=lint_pair(draft.pair, earlier, label))
        earlier.append(draft.pair)
    workshop.journal.append(records)
    blocked = sum(record.blocked for record in records.values())
    return Done(summary=f"{len(records) - blocked} pairs pass the lints, {blocked} are kept back")


@_tool(OfRound, Done)
async def predict_batch(workshop: Workshop, given: OfRound) -> Done:
    """Let the author predict both completions of every pair before anything is run."""
    board = workshop.board
    pairs = board.unblocked(given.round)
    records = await predict_completions(workshop.cast.author, workshop.spec, board.trait(), pairs)
    workshop.journal.append(records)
    return Done(summary=f"{sum(len(r.predictions) for r in records.values())} completions predicted")


@_tool(OfRound, Prepared)
async def prepare_batch_review(workshop: Workshop, given: OfRound) -> Prepared:
    """Lay a batch out for its reviewer; with review none every pair is approved."""
    request = prepare_review(workshop, given.round)
    return Prepared(summary=f"{len(request.pairs)} pairs to review", digest=request.digest)


@_tool(OfRound, Done)
async def record_batch_review(workshop: Workshop, given: OfRound) -> Done:
    """Take over the reviewer's decisions on a batch."""
    apply_review(workshop, given.round)
    return Done(summary=f"{len(workshop.board.runnable(given.round))} pairs approved")


@_tool(OfRound, Done)
async def test_batch(workshop: Workshop, given: OfRound) -> Done:
    """Run the approved pairs on the subject and judge what it wrote."""
    pairs = workshop.board.runnable(given.round)
    trials = await _try(workshop, pairs, "trial")
    workshop.journal.append(trials)
    return Done(summary=f"{sum(trial.passed for trial in trials.values())} of {len(trials)} pairs pass")


@_tool(OfRound, Done)
async def test_batch_first_tokens(workshop: Workshop, given: OfRound) -> Done:
    """Ask of every tested pair whether its first tokens are the behaviour or its continuation."""
    cast, board = workshop.cast, workshop.board
    pairs = board.runnable(given.round)
    trials = workshop.journal.all(Trial)
    records = await examine_first_tokens(pairs, trials, cast.subject, cast.judge, board.trait(), workshop.spec)
    workshop.journal.append(records)
    express = sum(record.result.verdict == "EXPRESS" for record in records.values())
    return Done(summary=f"{express} of {len(records)} pairs express the trait in their first tokens")


@_tool(OfRound, Done)
async def analyse_batch(workshop: Workshop, given: OfRound) -> Done:
    """Name the failure class of every failed pair and learn a lesson per class."""
    board, journal = workshop.board, workshop.journal
    trials, first_tokens = _of_round(workshop, given.round)
    drafts = board.drafts(given.round)
    failures = analyse_failures(
        [drafts[id_].pair for id_ in trials],
        trials,
        first_tokens,
        workshop.spec.settings,
        first_person=board.trait().taxonomy.direction == "expressed" and given.approach != OBSERVED,
    )
    journal.append(failures)
    lessons = await learn_lessons(
        workshop.cast.author, workshop.spec, board.trait(), given.round, failures, drafts, trials
    )
    journal.append(lessons)
    return Done(summary=_count_failures(failures) or "nothing failed")


@_tool(OfRound, Done)
async def cut_batch(workshop: Workshop, given: OfRound) -> Done:
    """Cut every pair that failed, and conclude the round."""
    board, journal = workshop.board, workshop.journal
    trials, first_tokens = _of_round(workshop, given.round)
    outcomes = {id_: decide_outcome(trial, first_tokens.get(id_)) for id_, trial in trials.items()}
    journal.append(outcomes)
    failures = journal.all(Failure)
    record = RoundRecord(
        drafted=board.drafted(given.round),
        passed=sum(outcome.accepted for outcome in outcomes.values()),
        unscored=sum(trial.unscored > 0 for trial in trials.values()),
        failures=_tally([failures[id_] for id_ in trials if id_ in failures]),
        approach=given.approach,
        accepted_total=len(board.standing()),
    )
    journal.append({str(given.round): record})
    return Done(summary=f"yield {record.yield_:.0%}, {record.accepted_total} pairs stand")


@_tool(OfTest, Decided)
async def decide(workshop: Workshop, given: OfTest) -> Decided:
    """Decide what follows: another round, a fresh test, a change of approach, or the end."""
    spec = workshop.spec
    rounds = workshop.board.rounds()
    chosen = len(_chosen(workshop))
    step = decide_next(rounds, chosen, spec.pairs, spec.rounds, spec.settings)
    if step == "stop":
        raise GateFailed("pairs", _describe_shortage(workshop, chosen))
    approach = next_approach(given.approach) if step == "change" else given.approach
    what = {"draft": "another round", "fresh_test": "test afresh", "change": f"change the approach: {approach}"}[step]
    summary = f"{chosen} of {spec.pairs} pairs: {what}"
    if step == "fresh_test":
        return Decided(summary=summary, step="fresh_test", round=given.round, approach=approach, test=given.test)
    return Decided(summary=summary, step="draft", round=given.round + 1, approach=approach, test=given.test)


@_tool(OfTest, Decided)
async def fresh_test(workshop: Workshop, given: OfTest) -> Decided:
    """Test every accepted pair once more with seeds not used before; the pass rate is this test's."""
    spec, journal = workshop.spec, workshop.journal
    pairs = _chosen(workshop)
    trials = await _try(workshop, pairs, f"fresh/{given.test}")
    journal.append({f"{id_}@{given.test}": FreshTrial.model_validate(t.model_dump()) for id_, t in trials.items()})
    first_tokens = journal.all(FirstTokenRecord)
    record = FreshTest(
        round=given.round,
        pairs=tuple(trials),
        passed=tuple(id_ for id_, trial in trials.items() if trial.passed),
        express=tuple(id_ for id_ in trials if first_tokens[id_].result.verdict == "EXPRESS"),
        unscored=sum(trial.unscored > 0 for trial in trials.values()),
    )
    journal.append({str(given.test): record})
    following = given.model_dump() | {"summary": describe_test(record)}
    if test_passes(record, spec.settings):
        return Decided(**following, step="questions")
    if given.round >= spec.rounds:
        raise GateFailed("pass rate", f"{describe_test(record)}, and all {spec.rounds} rounds are used.")
    _remove_failing(workshop, given.test, trials, first_tokens)
    return Decided(**following | {"round": given.round + 1, "test": given.test + 1}, step="draft")


@_tool(OfTest, Done)
async def write_steering_questions(workshop: Workshop, _: OfTest) -> Done:
    """Write steering questions behind a prefix and measure their baseline."""
    cast, spec = workshop.cast, workshop.spec
    found = workshop.journal.find(Questions, "questions") or await write_questions(
        cast.author, cast.assistant, cast.judge, spec, workshop.board.trait(), final_pairs(workshop)
    )
    workshop.journal.append({"questions": found})
    if found.baseline is None or found.baseline >= spec.settings.baseline_max:
        raise GateFailed(
            "baseline", f"the baseline is {found.baseline}; it must lie below {spec.settings.baseline_max:.0f}."
        )
    return Done(summary=f"{len(found.questions)} questions behind {found.prefix!r}, baseline {found.baseline:.0f}")


@_tool(OfTest, Written)
async def write_dataset(workshop: Workshop, _: OfTest) -> Written:
    """Write the dataset: the old one stands until the new one is whole."""
    path = publish_dataset(workshop, final_pairs(workshop))
    if missing := [role for role in ("subject", "assistant") if workshop.spec.weights(role) is None]:
        roles = " and ".join(missing)
        return Written(summary=f"dataset written to {path}; no weights of the {roles}: it ends here", step="conclude")
    return Written(summary=f"dataset written to {path}", step="extract")


@_tool(OfTest, Done)
async def extract_dataset(workshop: Workshop, _: OfTest) -> Done:
    """Read directions from the accepted pairs' activations and test them on held-out ground truths."""
    return Done(summary=await extract_run(workshop, final_pairs(workshop)))


@_tool(OfTest, Done)
async def steer_dataset(workshop: Workshop, _: OfTest) -> Done:
    """Measure what the directions do to the assistant, beside random directions given the same search."""
    return Done(summary=await steer_run(workshop))


@_tool(Nothing, Done)
async def conclude_run(workshop: Workshop, _: Nothing) -> Done:
    """Conclude the run: validation.json, the report, the manifest."""
    ending = workshop.journal.find(Ending, "ending") or Ending(passed=True, gate=None, message="all gates passed")
    workshop.journal.append({"ending": ending})
    write_run_files(workshop)
    return Done(summary=ending.message)


def final_pairs(workshop: Workshop) -> list[Pair]:
    """The pairs of the latest fresh test, with everything known about them."""
    test = workshop.board.last_test()
    if test is None:
        return []
    wanted = set(test.pairs)
    return workshop.board.complete([pair for pair in workshop.board.standing() if pair.id in wanted])


async def _try(workshop: Workshop, pairs: list[Pair], purpose: str) -> dict[str, Trial]:
    cast = workshop.cast
    return await try_pairs(pairs, cast.subject, cast.judge, workshop.board.trait(), workshop.spec, purpose)


def _chosen(workshop: Workshop) -> list[Pair]:
    return choose_balanced(workshop.board.standing(), workshop.spec)


def _batch_size(workshop: Workshop, round_number: int) -> int:
    """Small first, then chunks; larger chunks once a round has passed well, never far beyond what is missing."""
    spec, rounds = workshop.spec, workshop.board.rounds()
    settings = spec.settings
    if round_number == 1 or not rounds:
        return settings.first_batch
    good = rounds[-1].yield_ >= settings.yield_floor
    size = settings.scale_chunk if good else settings.chunk
    missing = spec.pairs - len(_chosen(workshop))
    return max(min(size, int(missing / max(rounds[-1].yield_, 0.5)) + 4), settings.first_batch)


def _of_round(workshop: Workshop, round_number: int) -> tuple[dict[str, Trial], dict[str, FirstTokenRecord]]:
    ids = {pair.id for pair in workshop.board.runnable(round_number)}
    trials = {id_: trial for id_, trial in workshop.journal.all(Trial).items() if id_ in ids}
    return trials, workshop.journal.all(FirstTokenRecord)


def _remove_failing(
    workshop: Workshop, test: int, trials: Mapping[str, Trial], first_tokens: Mapping[str, FirstTokenRecord]
) -> None:
    outcomes = {id_: decide_outcome(trial, first_tokens.get(id_)) for id_, trial in trials.items()}
    workshop.journal.append({f"{id_}@{test}": outcome for id_, outcome in outcomes.items() if not outcome.accepted})


def _tally(failures: list[Failure]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for failure in failures:
        counts[failure.failure] = counts.get(failure.failure, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _count_failures(failures: Mapping[str, Failure]) -> str:
    return ", ".join(f"{count} {failure}" for failure, count in _tally(list(failures.values())).items())


def _describe_calibration(tries: Mapping[str, Calibration], wanted: float) -> str:
    shown = ", ".join("unscored" if c.spearman is None else f"{c.spearman:.2f}" for c in tries.values())
    return f"the judge does not rank texts as the author wrote them: rank agreement {shown}, needed is {wanted}."


def _describe_shortage(workshop: Workshop, chosen: int) -> str:
    rounds = workshop.board.rounds()
    approaches = ", ".join(dict.fromkeys(record.approach for record in rounds))
    return (
        f"not extractable this way: {chosen} of {workshop.spec.pairs} pairs stand after {len(rounds)} rounds; "
        f"approaches tried: {approaches}."
    )
