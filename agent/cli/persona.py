"""`traitsmith persona`: three persona vectors, from a trait's name or from scored answers."""

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.options import AsJson, Budget, Prices
from agent.folder import check_place
from agent.spending import Spending, build_spending
from lm.errors import UserError

if TYPE_CHECKING:
    from agent.persona_run import PersonaRun
    from extract.models import LoadedModel


def persona(
    trait: Annotated[str, typer.Argument(help="The trait: name of its score's column.", metavar="NAME")],
    subject: Annotated[str, typer.Option(help="The model that answers and is read.")],
    about: Annotated[str | None, typer.Option(help="What the trait is: an author writes its definition.")] = None,
    definition: Annotated[
        Path | None, typer.Option(help="Folder with trait_data_extract/ and trait_data_eval/.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="Writes the definition.")] = None,
    judge: Annotated[str | None, typer.Option(help="Scores the answers.")] = None,
    samples: Annotated[int, typer.Option(min=1, help="Answers to each question and side.")] = 10,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens of an answer.")] = 400,
    positive: Annotated[Path | None, typer.Option(help="CSV of answers that were asked to show the trait.")] = None,
    negative: Annotated[Path | None, typer.Option(help="CSV of answers that were asked not to, row by row.")] = None,
    threshold: Annotated[float, typer.Option(help="Score that parts the sides, and least coherence.")] = 50.0,
    seed: Annotated[int, typer.Option(help="Of definition and answers.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for all files.")] = Path("persona_vectors"),
    budget: Budget = None,
    prices: Prices = None,
    as_json: AsJson = False,
) -> None:
    """Vectors of the effective pairs: prompt_avg_diff, response_avg_diff, prompt_last_diff."""
    from extract import load_model
    from extract.persona import persona_vectors, read_answers

    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", trait):
        raise UserError(
            f"{trait!r} is no trait's name. A name has small letters, digits and _, and begins with a letter."
        )
    if (positive is None) != (negative is None):
        raise UserError("Scored answers come as two files, --positive and --negative, row by row.")
    check_place(out)
    if positive is not None and negative is not None:
        model, files = load_model(subject), (positive, negative)
    else:
        run = _planned(trait, about, definition, author, judge, samples, max_tokens, seed, out)
        spending = build_spending({"budget": budget, "prices": prices})
        model = load_model(subject)
        files = _write(run, model, spending)
    sides = read_answers(files[0], trait), read_answers(files[1], trait)
    found = persona_vectors(model, *sides, threshold=threshold)
    paths = [str(path) for path in found.save(out, trait)]
    if as_json:
        print(json.dumps({"pairs": found.pairs, "effective": found.effective, "files": paths}))
        return
    print(f"{found.effective} of {found.pairs} pairs are effective\n" + "\n".join(paths))


def _planned(
    trait: str,
    about: str | None,
    definition: Path | None,
    author: str | None,
    judge: str | None,
    samples: int,
    max_tokens: int,
    seed: int,
    out: Path,
) -> "PersonaRun":
    from agent.persona_run import PersonaRun

    if judge is None:
        raise UserError("Answers need a --judge; answers that are scored already come with --positive and --negative.")
    if definition is None and (about is None or author is None):
        raise UserError("Say what the trait is (--about TEXT --author MODEL), or give a --definition FOLDER.")
    return PersonaRun(trait, out, about or "", author, definition, judge, samples, max_tokens, seed)


def _write(run: "PersonaRun", model: "LoadedModel", spending: Spending) -> tuple[Path, Path]:
    """Answers and scores; what was paid for lies in a store beside them, so that the same command goes on."""
    from agent.judging.bench import opened_store
    from agent.persona_run import write_persona
    from lm.ledger import Ledger
    from lm.prices import load_prices

    with opened_store(run.folder / f"{run.trait}.calls.sqlite") as calls:
        ledger = Ledger(calls, load_prices(Path(spending.prices) if spending.prices else None), spending.budget)
        return asyncio.run(write_persona(run, model, calls, ledger))
