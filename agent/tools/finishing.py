"""From the pairs that stand to questions, dataset, directions and their measured effect."""

from agent.errors import GateFailed
from agent.handoff import extract_run, publish_dataset, steer_run, write_run_files
from agent.records import Ending, Questions
from agent.settings import Settings
from agent.steps.questions import write_questions
from agent.tools.selection import final_pairs
from agent.tools.tool import Done, Nothing, OfTest, Written, declare
from agent.workshop import Workshop


@declare(OfTest, Done)
async def write_steering_questions(workshop: Workshop, _: OfTest) -> Done:
    """Write steering questions behind a prefix and measure their baseline."""
    cast, spec = workshop.cast, workshop.spec
    found = workshop.journal.find(Questions, "questions") or await write_questions(
        cast.author, cast.assistant, cast.judge, spec, workshop.board.trait(), final_pairs(workshop)
    )
    workshop.journal.append({"questions": found})
    require_low_baseline(found, spec.settings)
    return Done(summary=f"{len(found.questions)} questions behind {found.prefix!r}, baseline {found.baseline:.0f}")


def require_low_baseline(questions: Questions, settings: Settings) -> None:
    """Raise GateFailed unless the unsteered assistant leaves the trait unexpressed."""
    if questions.baseline is None:
        scored = sum(question.baseline is not None for question in questions.questions)
        raise GateFailed(
            "baseline",
            f"only {scored} of {len(questions.questions)} unsteered answers were scored: too few for a mean. "
            "Name another judge or assistant.",
        )
    if questions.baseline >= settings.baseline_max:
        raise GateFailed(
            "baseline", f"the baseline is {questions.baseline:.1f}; it must lie below {settings.baseline_max:.0f}."
        )


@declare(OfTest, Written)
async def write_dataset(workshop: Workshop, _: OfTest) -> Written:
    """Write the dataset: the old one stands until the new one is whole."""
    path = publish_dataset(workshop, final_pairs(workshop))
    if roles := _without_weights(workshop):
        return Written(summary=f"dataset written to {path}; no weights of the {roles}: it ends here", step="conclude")
    return Written(summary=f"dataset written to {path}", step="extract")


@declare(OfTest, Done)
async def extract_dataset(workshop: Workshop, _: OfTest) -> Done:
    """Read directions from the accepted pairs' activations and test them on held-out ground truths."""
    return Done(summary=await extract_run(workshop, final_pairs(workshop)))


@declare(OfTest, Done)
async def steer_dataset(workshop: Workshop, _: OfTest) -> Done:
    """Measure what the directions do to the assistant, beside random directions given the same search."""
    return Done(summary=await steer_run(workshop))


@declare(Nothing, Done)
async def conclude_run(workshop: Workshop, _: Nothing) -> Done:
    """Conclude the run: validation.json, the report, the manifest."""
    ending = workshop.journal.find(Ending, "ending") or Ending(passed=True, gate=None, message=_describe_end(workshop))
    workshop.journal.append({"ending": ending})
    write_run_files(workshop)
    return Done(summary=ending.message)


def _describe_end(workshop: Workshop) -> str:
    roles = _without_weights(workshop)
    rest = f"; it ends with the dataset, since there are no weights of the {roles} to steer with" if roles else ""
    return f"all gates passed{rest}"


def _without_weights(workshop: Workshop) -> str:
    """The roles that extraction and steering lack weights of, in words; empty where there are all."""
    return " and ".join(role for role in ("subject", "assistant") if workshop.spec.weights(role) is None)
