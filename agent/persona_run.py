"""The writing half of the persona pipeline: definition, answers and scores, each model's answer paid for once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from agent.cast import check_price, check_role
from extract.models import LoadedModel
from extract.persona_writing import (
    Definition,
    Pole,
    define_persona,
    label_of,
    load_definition,
    save_answers,
    save_definition,
    write_answers,
)
from lm import CallStore, Judge, Model, Recorded, open_model
from lm.ledger import Ledger
from lm.local.model import LocalModel


@dataclass(frozen=True)
class PersonaRun:
    """What is asked of whom; files go to `folder`."""

    trait: str
    folder: Path
    about: str
    author: str | None
    """None: the definition is in a folder."""
    definition: Path | None
    judge: str
    samples: int
    max_tokens: int
    seed: int


async def write_persona(run: PersonaRun, subject: LoadedModel, calls: CallStore, ledger: Ledger) -> tuple[Path, Path]:
    """Two files of scored answers, `TRAIT_pos.csv` and `TRAIT_neg.csv`; the subject itself is the assistant.

    What was answered before is not asked again. Raises SpecError for a model without a price under a budget and for a
    judge that cannot score the trait, before anybody is asked anything; UserError for a definition that cannot be read,
    ModelFailure where an author writes none.
    """
    given = load_definition(run.definition, run.trait) if run.definition is not None else None
    if given is None:
        check_price("author", _author(run), ledger)
    assistant = Recorded(LocalModel(subject.reference, subject.checkpoint), calls, role="assistant", ledger=ledger)
    files = []
    async with _opened("judge", run.judge, calls, ledger) as model:
        with calls.during("probe"):
            await check_role("judge", label_of(run.trait), model, others=("judge",))
        definition = given or await _written(run, calls, ledger)
        save_definition(definition, run.folder, run.trait)
        with calls.during("answers"):
            for pole in get_args(Pole):
                answers = await write_answers(
                    assistant,
                    Judge(model),
                    run.trait,
                    definition,
                    pole,
                    subject.spelling.as_chat_text,
                    samples=run.samples,
                    max_tokens=run.max_tokens,
                    seed=run.seed,
                )
                files.append(save_answers(answers, run.folder / f"{run.trait}_{pole}.csv", run.trait))
    return files[0], files[1]


async def _written(run: PersonaRun, calls: CallStore, ledger: Ledger) -> Definition:
    async with _opened("author", _author(run), calls, ledger) as author:
        with calls.during("define"):
            return await define_persona(author, run.trait, run.about, seed=run.seed)


def _author(run: PersonaRun) -> str:
    assert run.author is not None, "without a definition there is an author"
    return run.author


@asynccontextmanager
async def _opened(role: str, reference: str, calls: CallStore, ledger: Ledger) -> AsyncIterator[Model]:
    """A model whose answers are recorded, closed at the end."""
    check_price(role, reference, ledger)
    opened = open_model(reference)
    try:
        yield Recorded(opened, calls, role=role, ledger=ledger)
    finally:
        await opened.close()
