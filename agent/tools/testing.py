"""Run pairs on the subject and have them judged: a round's batch, and later every accepted pair afresh."""

from collections.abc import Mapping

from agent.errors import GateFailed
from agent.records import FirstTokenRecord, FreshTest, FreshTrial, Outcome, PredictionRecord, Trial
from agent.steps.analyse import decide_outcome
from agent.steps.decide import describe_test, express_enough, test_passes
from agent.steps.first_token import examine_first_tokens
from agent.steps.trial import try_pairs
from agent.tools.selection import chosen_pairs
from agent.tools.tool import Decided, Done, OfRound, OfTest, declare
from agent.workshop import Workshop
from extract.trait import Pair

UNCLEAR = Outcome(accepted=False, reason="its first tokens do not show the trait clearly, and too few pairs' do")


@declare(OfRound, Done)
async def test_batch(workshop: Workshop, given: OfRound) -> Done:
    """Run the approved pairs on the subject and judge what it wrote."""
    pairs = workshop.board.runnable(given.round)
    trials = await run_pairs(workshop, pairs, "trial")
    workshop.journal.append(trials)
    return Done(summary=f"{sum(trial.passed for trial in trials.values())} of {len(trials)} pairs pass")


@declare(OfRound, Done)
async def test_batch_first_tokens(workshop: Workshop, given: OfRound) -> Done:
    """Ask of every tested pair whether its first tokens are the behaviour or its continuation."""
    cast, board = workshop.cast, workshop.board
    pairs = board.runnable(given.round)
    trials = workshop.journal.all(Trial)
    predicted = workshop.journal.all(PredictionRecord)
    records = await examine_first_tokens(
        pairs, trials, cast.subject, cast.judge, board.trait(), workshop.spec, predicted
    )
    workshop.journal.append(records)
    express = sum(record.result.verdict == "EXPRESS" for record in records.values())
    return Done(summary=f"{express} of {len(records)} pairs express the trait in their first tokens")


@declare(OfTest, Decided)
async def fresh_test(workshop: Workshop, given: OfTest) -> Decided:
    """Test every accepted pair once more with seeds not used before; the pass rate is this test's."""
    spec, journal = workshop.spec, workshop.journal
    pairs = chosen_pairs(workshop)
    trials = await run_pairs(workshop, pairs, f"fresh/{given.test}")
    journal.append({f"{id_}@{given.test}": FreshTrial.model_validate(t.model_dump()) for id_, t in trials.items()})
    first_tokens = journal.all(FirstTokenRecord)
    record = sum_up(given.round, trials, first_tokens)
    journal.append({str(given.test): record})
    following = given.model_dump() | {"summary": describe_test(record)}
    if test_passes(record, spec.settings):
        return Decided(**following, step="questions")
    if given.round >= spec.rounds:
        raise GateFailed("pass rate", f"{describe_test(record)}, and all {spec.rounds} rounds are used.")
    _remove_failing(workshop, given.test, record, trials, first_tokens)
    return Decided(**following | {"round": given.round + 1, "test": given.test + 1}, step="draft")


async def run_pairs(workshop: Workshop, pairs: list[Pair], purpose: str) -> dict[str, Trial]:
    """Complete pairs on the run's subject and score them with its judge; `purpose` decides the seeds."""
    cast = workshop.cast
    return await try_pairs(pairs, cast.subject, cast.judge, workshop.board.trait(), workshop.spec, purpose)


def sum_up(round_number: int, trials: Mapping[str, Trial], first_tokens: Mapping[str, FirstTokenRecord]) -> FreshTest:
    """What a fresh test came to."""
    return FreshTest(
        round=round_number,
        pairs=tuple(trials),
        passed=tuple(id_ for id_, trial in trials.items() if trial.passed),
        express=tuple(id_ for id_ in trials if first_tokens[id_].result.verdict == "EXPRESS"),
        unscored=sum(trial.unscored > 0 for trial in trials.values()),
    )


def _remove_failing(
    workshop: Workshop,
    test: int,
    record: FreshTest,
    trials: Mapping[str, Trial],
    first_tokens: Mapping[str, FirstTokenRecord],
) -> None:
    outcomes = {id_: decide_outcome(trial, first_tokens.get(id_)) for id_, trial in trials.items()}
    if not express_enough(record, workshop.spec.settings):
        # First tokens are not read again: what is unclear now would fail every later test too.
        outcomes |= {id_: UNCLEAR for id_, found in outcomes.items() if found.accepted and id_ not in record.express}
    workshop.journal.append({f"{id_}@{test}": outcome for id_, outcome in outcomes.items() if not outcome.accepted})
