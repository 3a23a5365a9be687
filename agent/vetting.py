"""Vet pairs that exist already: lints, test, first tokens, failure classes; then baseline, directions and steering.

A vetting run keeps the same journal as one that creates, with one round and one fresh test, so that status, report and
validation.json read it alike. It needs no graph: its stages follow each other, and running one again changes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import closing

from agent.candidates import Candidates
from agent.checkpoints import Watcher
from agent.errors import GateFailed
from agent.folder import Part, RunFolder
from agent.records import Cell, Draft, Ending, LintRecord, PairDecision, TraitRecord
from agent.steps.questions import given_questions
from agent.store import Journal
from agent.tools.register import TOOLS
from agent.workshop import Workshop

ROUND = {"round": 1, "approach": "as given", "test": 1}
"""What the tools are given: a vetting has one round and one fresh test."""

STAGES: dict[Part, tuple[tuple[str, str], ...]] = {
    "scenarios": (
        ("lint", "lint_batch"),
        ("test", "vet_batch"),
        ("first_token", "test_batch_first_tokens"),
        ("analyse", "name_failures"),
        ("cut", "cut_batch"),
        ("decide", "check_scenarios"),
    ),
    "baseline": (("baseline", "measure_baseline"),),
    "directions": (("extract", "extract_dataset"),),
    "steering": (("steer", "steer_dataset"),),
}
"""What is done for each part, in this order: names of stages, with the tool that each one calls."""


def lay_out(folder: RunFolder, candidates: Candidates) -> None:
    """Write what is vetted into the run's journal, every pair approved."""
    with closing(Journal(folder.store_file)) as journal:
        journal.append({"trait": TraitRecord(trait=candidates.trait)})
        journal.append(
            {
                pair.id: Draft(
                    pair=pair,
                    cell=Cell(lock_in=pair.lock_in, domain=pair.domain, stakes=pair.stakes, audience=pair.audience),
                )
                for pair in candidates.pairs
            }
        )
        journal.append({pair.id: PairDecision(decision="approve", by="none") for pair in candidates.pairs})
        if candidates.steering.questions:
            journal.append({"given": given_questions(candidates.steering)})


def untouched(folder: RunFolder) -> bool:
    """Whether nothing has been vetted yet."""
    with closing(Journal(folder.store_file)) as journal:
        return not journal.all(LintRecord)


async def vet(workshop: Workshop, watcher: Watcher, stop_asked: Callable[[], bool]) -> bool:
    """Go through the stages until one fails its gate; False when stopped between two."""
    for name, tool in _stages(workshop):
        if stop_asked():
            return False
        if not await _run_stage(workshop, watcher, name, tool):
            break
    else:
        workshop.journal.append({"ending": Ending(passed=True, gate=None, message=_describe_end(workshop))})
    await _run_stage(workshop, watcher, "conclude", "conclude_run")
    return True


def _stages(workshop: Workshop) -> Iterator[tuple[str, str]]:
    if workshop.journal.find(Ending, "ending") is None:
        for part in workshop.info.vet:
            yield from STAGES[part]


async def _run_stage(workshop: Workshop, watcher: Watcher, name: str, tool: str) -> bool:
    """Call one tool; False where its gate failed, which is written down."""
    watcher.begins(name)
    takes = TOOLS[tool].takes.model_fields
    try:
        done = await TOOLS[tool].run(workshop, {field: value for field, value in ROUND.items() if field in takes})
    except GateFailed as failure:
        workshop.journal.append({"ending": Ending(passed=False, gate=failure.gate, message=str(failure))})
        watcher.ends(name, str(failure))
        return False
    watcher.ends(name, done.summary)
    return True


def _describe_end(workshop: Workshop) -> str:
    missing = [part for part in STAGES if part not in workshop.info.vet]
    return "all gates passed" + (f"; not measured: {', '.join(missing)}" if missing else "")
