"""Say why pairs failed, cut them, and decide what follows a round."""

from collections.abc import Mapping

from agent.errors import GateFailed
from agent.records import Failure, ResultDecision, RoundRecord
from agent.review.record import overruled
from agent.steps.analyse import analyse_failures, decide_outcome, learn_lessons
from agent.steps.decide import OBSERVED, RUBRIC, decide_next, describe_attempts, next_approach, untried
from agent.tools.definition import rethink_rubric
from agent.tools.selection import chosen_pairs, results_of_round
from agent.tools.tool import Decided, Done, OfRound, OfTest, declare
from agent.workshop import Workshop
from extract.lint.sets import lint_shares


@declare(OfRound, Done)
async def analyse_batch(workshop: Workshop, given: OfRound) -> Done:
    """Name the failure class of every failed pair and learn a lesson per class."""
    board, journal = workshop.board, workshop.journal
    failures = find_failures(workshop, given)
    journal.append(failures)
    trials, _ = results_of_round(workshop, given.round)
    # All drafts: a pair that was deferred to this round was drafted in an earlier one.
    drafts = board.drafts()
    lessons = await learn_lessons(
        workshop.cast.author, workshop.spec, board.trait(), given.round, failures, drafts, trials
    )
    journal.append(lessons)
    return Done(summary=count_failures(failures) or "nothing failed")


@declare(OfRound, Done)
async def cut_batch(workshop: Workshop, given: OfRound) -> Done:
    """Cut every pair that failed or that the reviewer rejected, and conclude the round."""
    board, journal = workshop.board, workshop.journal
    trials, first_tokens = results_of_round(workshop, given.round)
    decisions = journal.all(ResultDecision)
    outcomes = {
        id_: overruled(decide_outcome(trial, first_tokens.get(id_)), decisions.get(id_))
        for id_, trial in trials.items()
    }
    journal.append(outcomes)
    failures = journal.all(Failure)
    record = RoundRecord(
        drafted=board.drafted(given.round) + len(board.deferred(given.round)),
        passed=sum(outcome.accepted for outcome in outcomes.values()),
        unscored=sum(trial.unscored > 0 for trial in trials.values()),
        failures=_tally([failures[id_] for id_ in trials if id_ in failures]),
        approach=given.approach,
        accepted_total=len(board.standing()),
        findings=_clusters(workshop),
    )
    journal.append({str(given.round): record})
    return Done(summary=f"yield {record.yield_:.0%}, {record.accepted_total} pairs stand")


@declare(OfTest, Decided)
async def decide(workshop: Workshop, given: OfTest) -> Decided:
    """Decide what follows: another round, a fresh test, a change of approach, or the end."""
    spec = workshop.spec
    rounds = workshop.board.rounds()
    chosen = len(chosen_pairs(workshop))
    step = decide_next(rounds, chosen, spec.pairs, spec.rounds, spec.settings)
    if step == "give_up":
        raise GateFailed("extractable", _describe_end(workshop, chosen))
    if step == "out_of_rounds":
        raise GateFailed("pairs", _describe_shortage(workshop, chosen))
    approach = next_approach(given.approach) if step == "change" else given.approach
    if step == "change" and approach == RUBRIC:
        await rethink_rubric(workshop)
    what = {"draft": "another round", "fresh_test": "test afresh", "change": f"change the approach: {approach}"}[step]
    summary = f"{chosen} of {spec.pairs} pairs: {what}"
    if step == "fresh_test":
        return Decided(summary=summary, step="fresh_test", round=given.round, approach=approach, test=given.test)
    return Decided(summary=summary, step="draft", round=given.round + 1, approach=approach, test=given.test)


def _clusters(workshop: Workshop) -> tuple[str, ...]:
    """What the pairs that stand have too much of, once there are enough to say so."""
    standing, settings = workshop.board.standing(), workshop.spec.settings
    if len(standing) < settings.first_batch:
        return ()
    return tuple(f"{finding.code}: {finding.message}" for finding in lint_shares(standing, settings.set_limits))


def _tally(failures: list[Failure]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for failure in failures:
        counts[failure.failure] = counts.get(failure.failure, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def find_failures(workshop: Workshop, given: OfRound) -> dict[str, Failure]:
    """The failure class of every pair of a round that failed; by pair id."""
    trials, first_tokens = results_of_round(workshop, given.round)
    drafts, trait = workshop.board.drafts(), workshop.board.trait()
    return analyse_failures(
        [drafts[id_].pair for id_ in trials],
        trials,
        first_tokens,
        workshop.spec.settings,
        workshop.board.ended(given.round),
        first_person=trait.taxonomy.direction == "expressed" and given.approach != OBSERVED,
    )


def count_failures(failures: Mapping[str, Failure]) -> str:
    """Failure classes with their number, the most frequent first."""
    return ", ".join(f"{count} {failure}" for failure, count in _tally(list(failures.values())).items())


def _describe_end(workshop: Workshop, chosen: int) -> str:
    rounds = workshop.board.rounds()
    return (
        f"not extractable this way: {chosen} of {workshop.spec.pairs} pairs stand after {len(rounds)} rounds, "
        f"and every approach was tried: {describe_attempts(rounds)}."
    )


def _describe_shortage(workshop: Workshop, chosen: int) -> str:
    rounds = workshop.board.rounds()
    left = untried(rounds)
    hint = f" Not tried yet: {', '.join(left)}. Allow more with --rounds." if left else " Allow more with --rounds."
    return (
        f"{chosen} of {workshop.spec.pairs} pairs stand, and all {len(rounds)} rounds are used up; tried was "
        f"{describe_attempts(rounds)}.{hint}"
    )
