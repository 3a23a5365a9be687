"""Define the trait."""

from collections.abc import Mapping

from agent.errors import GateFailed
from agent.records import Calibration, DefinitionDecision, TraitRecord
from agent.steps.define import after_review, calibrate_rubric, define_trait, revise_rubric
from agent.tools.tool import Done, OfDefinition, declare
from agent.workshop import Workshop

RETHOUGHT = "rethought"
"""Key of the trait, and of its calibration, once the rubric was thought over again."""


@declare(OfDefinition, Done)
async def define(workshop: Workshop, given: OfDefinition) -> Done:
    """Define the trait and calibrate its rubric until the judge ranks texts as they were written."""
    cast, journal = workshop.cast, workshop.journal
    spec = after_review(workshop.spec, list(journal.all(DefinitionDecision).values())[: given.definition - 1])
    key = "trait" if given.definition == 1 else f"trait@{given.definition}"
    tries = spec.settings.calibration_tries
    trait = await define_trait(cast.author, spec)
    for number in range((given.definition - 1) * tries, given.definition * tries):
        calibration = await calibrate_rubric(cast.author, cast.judge, spec, trait, number)
        journal.append({str(number): calibration})
        if calibration.passed:
            journal.append({key: TraitRecord(trait=trait)})
            return Done(summary=f"rubric calibrated, rank agreement {calibration.spearman:.2f}")
        trait = await revise_rubric(cast.author, spec, trait, calibration, number)
    journal.append({key: TraitRecord(trait=trait)})
    raise GateFailed("calibration", _describe_calibration(journal.all(Calibration), spec.settings.calibration_spearman))


async def rethink_rubric(workshop: Workshop) -> None:
    """Let the author rewrite the rubric once, after everything else failed; kept where the judge ranks by it.

    Pairs that stand are held to the new rubric by the next fresh test. A rubric that a person gave stays.
    """
    cast, journal, spec = workshop.cast, workshop.journal, workshop.spec
    found = journal.all(Calibration)
    rethought = found.pop(RETHOUGHT, None)
    done = RETHOUGHT in journal.all(TraitRecord) or (rethought is not None and not rethought.passed)
    if done or spec.fixed_rubric is not None:
        return
    number, last = len(found), list(found.values())[-1]
    trait = await revise_rubric(cast.author, spec, workshop.board.trait(), last, number)
    calibration = await calibrate_rubric(cast.author, cast.judge, spec, trait, number)
    journal.append({RETHOUGHT: calibration})
    if calibration.passed:
        journal.append({RETHOUGHT: TraitRecord(trait=trait)})


def _describe_calibration(tries: Mapping[str, Calibration], wanted: float) -> str:
    shown = ", ".join("unscored" if c.spearman is None else f"{c.spearman:.2f}" for c in tries.values())
    return f"the judge does not rank texts as the author wrote them: rank agreement {shown}, needed is {wanted}."
