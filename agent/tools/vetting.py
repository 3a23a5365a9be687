"""Vet pairs that exist already: a round without an author, and the gates of a dataset."""

from agent.errors import GateFailed
from agent.records import FreshTrial, LintRecord, Questions
from agent.steps.decide import describe_test, test_passes
from agent.steps.questions import measure_questions
from agent.tools.concluding_rounds import count_failures, find_failures
from agent.tools.finishing import require_low_baseline
from agent.tools.selection import results_of_round
from agent.tools.testing import run_pairs, sum_up
from agent.tools.tool import Done, Nothing, OfRound, OfTest, declare
from agent.workshop import Workshop


@declare(OfTest, Done)
async def vet_batch(workshop: Workshop, given: OfTest) -> Done:
    """Run existing pairs on the subject, with seeds that making them did not use, and judge what it wrote."""
    trials = await run_pairs(workshop, workshop.board.runnable(given.round), f"vet/{given.test}")
    workshop.journal.append(trials)
    fresh = {f"{id_}@{given.test}": FreshTrial.model_validate(trial.model_dump()) for id_, trial in trials.items()}
    workshop.journal.append(fresh)
    return Done(summary=f"{sum(trial.passed for trial in trials.values())} of {len(trials)} pairs pass")


@declare(OfRound, Done)
async def name_failures(workshop: Workshop, given: OfRound) -> Done:
    """Name the failure class of every failed pair; no lessons are learned."""
    failures = find_failures(workshop, given)
    workshop.journal.append(failures)
    return Done(summary=count_failures(failures) or "nothing failed")


@declare(OfTest, Done)
async def check_scenarios(workshop: Workshop, given: OfTest) -> Done:
    """Hold existing pairs against the gates of a dataset: no lint errors, pass rate, first tokens."""
    journal = workshop.journal
    test = sum_up(given.round, *results_of_round(workshop, given.round))
    journal.append({str(given.test): test})
    if blocked := [id_ for id_, record in journal.all(LintRecord).items() if record.blocked]:
        raise GateFailed(
            "lints",
            f"lint errors kept {len(blocked)} of {workshop.spec.pairs} pairs from the models, first {blocked[0]}.",
        )
    if not test_passes(test, workshop.spec.settings):
        raise GateFailed("pass rate", f"{describe_test(test)}.")
    return Done(summary=describe_test(test))


@declare(Nothing, Done)
async def measure_baseline(workshop: Workshop, _: Nothing) -> Done:
    """Ask the unsteered assistant existing steering questions and score its answers."""
    cast, journal = workshop.cast, workshop.journal
    given = journal.get(Questions, "given")
    trait = workshop.board.trait()
    measured = await measure_questions(cast.assistant, cast.judge, workshop.spec, trait, given)
    journal.append({"questions": measured})
    require_low_baseline(measured, workshop.spec.settings)
    return Done(summary=f"{len(measured.questions)} questions, baseline {measured.baseline:.0f}")
