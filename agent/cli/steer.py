"""`traitsmith steer`: what a trait's directions do to a model's answers, searched, confirmed and controlled."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
from rich.console import Console

from agent.cast import check_role
from agent.cli.options import HERE, AsJson, Budget, Cache, Out, Prices
from agent.cli.steering_tables import show_steering
from agent.cli.vectors import newest_vectors
from agent.folder import check_place, dump_json, write_atomically
from agent.judging.bench import JudgeBench, open_bench, opened_store
from agent.report.steering_page import render_steering
from agent.signs import refuses
from agent.spending import Spending, build_spending
from lm.errors import UserError
from prompts import load_prompt

if TYPE_CHECKING:
    from extract.dataset import Dataset
    from extract.models import LoadedModel
    from extract.vectors import Directions
    from steer.evaluation import EvaluationSettings
    from steer.report import SteeringReport


def steer(
    dataset: Annotated[str, typer.Argument(help="CATEGORY/TRAIT or a dataset folder.", metavar="TRAIT|DIR")],
    vectors: Annotated[
        Path | None,
        typer.Option(
            help="Directions: .safetensors, .gguf or .pt. [default: of the trait's newest run, else of `extract`]"
        ),
    ] = None,
    assistant: Annotated[str, typer.Option(help="Chat model that is steered; it needs weights.")] = "organism",
    judge: Annotated[str, typer.Option(help="Model that scores the answers.")] = "organism",
    layers: Annotated[str, typer.Option(help="all, 3,5, 20:60:2 or 30%-60%.")] = "all",
    controller: Annotated[str, typer.Option(help="How strengths are chosen: cliff or momentum.")] = "cliff",
    steps: Annotated[int, typer.Option(min=1, help="Strengths tried at most for a layer.")] = 6,
    strength_max: Annotated[float, typer.Option(min=0.1, help="Strongest push, in activation norms.")] = 1.5,
    tokens: Annotated[str, typer.Option(help="Tokens that are pushed: all, generated or prompt.")] = "all",
    min_coherence: Annotated[
        float, typer.Option(min=0, max=100, help="Coherence that a steered answer must keep.")
    ] = 70.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="New tokens of an answer.")] = 48,
    samples: Annotated[
        int, typer.Option(min=1, help="Answers to each confirming question: one is greedy, several are drawn.")
    ] = 1,
    random: Annotated[
        int,
        typer.Option(min=2, help="Random directions given the same search: what a claim must exceed; 19 are exact."),
    ] = 5,
    other: Annotated[
        list[Path] | None, typer.Option(help="Directions of another trait as a control; may be given again.")
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(help="TRAIT|DIR whose score of the same answers is a side effect; again for more."),
    ] = None,
    lower: Annotated[bool, typer.Option("--lower", help="Search for pushes that lower the trait.")] = False,
    budget: Budget = None,
    prices: Prices = None,
    cache: Cache = None,
    out: Out = HERE,
    as_json: AsJson = False,
) -> None:
    """Measure what directions do: baseline, layer x strength search, confirmation on other questions, controls.

    The same call again takes what the judge has answered before; exit 5 where nothing beyond control was found.
    """
    _one_of("--controller", controller, ("cliff", "momentum"))
    _one_of("--tokens", tokens, ("all", "generated", "prompt"))
    if not isfinite(strength_max):
        raise UserError(f"--strength-max {strength_max}: a finite number from 0.1 is allowed.")
    from steer.evaluation import EvaluationSettings
    from steer.operators import Tokens
    from steer.strengths import SearchRule

    rule = SearchRule(
        controller=cast(Literal["cliff", "momentum"], controller), steps=steps, highest=strength_max,
        min_coherence=min_coherence, wanted=-1 if lower else 1, tokens=Tokens(tokens),
    )  # fmt: skip
    settings = EvaluationSettings(
        rule=rule, max_tokens=max_tokens, random_seeds=tuple(range(1, random + 1)), samples=samples
    )
    terms = build_spending({"budget": budget, "prices": prices, "cache": cache})
    given = Files(dataset, vectors, tuple(other or ()), tuple(also or ()), out.resolve())
    folder, report = asyncio.run(_measure(given, assistant, judge, terms, layers, settings))
    if as_json:
        print(json.dumps({"folder": str(folder), "report": json.loads(report.model_dump_json())} | report.summary()))
    else:
        show_steering(Console(), report, folder)
    raise typer.Exit(0 if report.beyond_control and report.coherent and report.baseline.passed else 5)


@dataclass(frozen=True)
class Files:
    """What is read, and where results go."""

    dataset: str
    vectors: Path | None
    others: tuple[Path, ...]
    also: tuple[str, ...]
    out: Path

    def read_dataset(self, name: str) -> "Dataset":
        """A dataset by its folder or its trait's name."""
        from extract import load_dataset

        here = Path(name)
        return load_dataset(here if here.is_dir() else self.out / "datasets" / "traits" / name)


async def _measure(
    given: Files, assistant: str, judge: str, terms: Spending, layers: str, settings: "EvaluationSettings"
) -> tuple[Path, "SteeringReport"]:
    """Check what can be checked, then evaluate; the folder is named after everything the result depends on."""
    from extract import load_model
    from steer.evaluation import evaluate
    from steer.scoring import judged, questions_of
    from steer.side_effects import Aside
    from steer.writing import LocalWriter, StoredWriter

    dataset, also = given.read_dataset(given.dataset), [given.read_dataset(name) for name in given.also]
    if not dataset.steering.questions:
        raise UserError(f"{given.dataset} has no steering questions: its steering.json is missing or empty.")
    runs = given.out / "runs" / dataset.trait.path.replace("/", ".")
    check_place(runs / "steer")
    files = [given.vectors or newest_vectors(given.out, dataset.trait.path), *given.others]
    model = load_model(assistant)
    directions, *others = [_usable(model, file, dataset) for file in files]
    settings = _completed(settings, layers, model, directions, dataset)
    about = _about(dataset, files, model, judge, settings) | {
        "also": {one.trait.path: one.trait.rubric.model_dump() for one in also}
    }
    folder = runs / "steer" / _digest(about)[:16]
    with opened_store(folder / "store.sqlite") as calls:
        async with open_bench(judge, dataset.trait.path, calls, terms) as bench:
            for one in also:
                await check_role("judge", one.trait.path, bench.judge.model, others=("judge",))
            aside = Aside(
                texts=[pair.positive for pair in dataset.pairs], refuses=refuses,
                traits={one.trait.path: judged(bench.judge, one.trait.rubric, one.trait.label) for one in also},
            )  # fmt: skip
            local = LocalWriter(model, settings.max_rows)
            with calls.during("steer"):
                report = await evaluate(
                    model, directions, questions_of(dataset.steering),
                    judged(bench.judge, dataset.trait.rubric, dataset.trait.label),
                    settings=settings, others=others, aside=aside, progress=_progress(Console(stderr=True)),
                    writer=StoredWriter(local, calls, model.reference, model.checkpoint.identity),
                )  # fmt: skip
            # Where the vectors lay is for people to read, no part of the name: the same files may be named otherwise.
            told = about | {"files": [str(file.resolve()) for file in files]}
            _write(folder, report, told, bench, _tested(dataset))
    return folder, report


def _usable(model: "LoadedModel", file: Path, given: "Dataset") -> "Directions":
    """Directions whose strengths can be told in activation norms; unknown norms are measured on the questions."""
    from extract import read_directions, with_activation_norms
    from lm.types import Message

    found = read_directions(file)
    if bool(found.activation_norm.isfinite().all()):
        return found
    chats = [(Message(role="user", content=question),) for question in given.steering.questions]
    return with_activation_norms(model, found, chats if model.spelling.chats else list(given.steering.questions))


def _completed(
    settings: "EvaluationSettings", layers: str, model: "LoadedModel", directions: "Directions", given: "Dataset"
) -> "EvaluationSettings":
    """The settings with the layers asked for, and the instruction of plain prompting where the trait is to rise."""
    from extract.layers import parse_layers

    named = parse_layers(layers, model.n_layers)
    there = tuple(layer for layer in named if layer in directions.layers)
    if not there or (layers != "all" and there != named):
        raise UserError(
            f"--layers {layers!r}: there are directions for layers {', '.join(map(str, directions.layers))}."
        )
    guide = {"trait": given.trait.label, "high": given.trait.rubric.high}
    instruction = load_prompt("show_trait").render(guide).user if settings.rule.wanted > 0 else ""
    _check_room(model, given, instruction, settings.max_tokens)
    return settings.model_copy(update={"layers": there, "instruction": instruction})


def _check_room(model: "LoadedModel", given: "Dataset", instruction: str, max_tokens: int) -> None:
    """UserError where the longest question and its answer are more than the model holds."""
    from steer.scoring import questions_of

    asked = questions_of(given.steering)
    prompts = [question.prompt(chat=model.spelling.chats, instruction=instruction) for question in asked]
    longest, holds = max(len(ids) for ids in model.spelling.encode(prompts)), model.checkpoint.context
    if longest + max_tokens > holds:
        raise UserError(
            f"--max-tokens {max_tokens}: {model.reference} holds {holds} tokens, and the longest question takes "
            f"{longest}. At most {holds - longest} are allowed."
            if longest < holds
            else f"the longest question takes {longest} tokens, and {model.reference} holds {holds}. Shorten it."
        )


def _about(
    given: "Dataset", files: list[Path], model: "LoadedModel", judge: str, settings: "EvaluationSettings"
) -> dict[str, Any]:
    """All that the result depends on: another question, rubric, judge, vector or setting is another folder."""
    return {
        "trait": given.trait.path,
        "questions": given.steering.questions,
        "prefix": given.steering.prefix,
        "rubric": given.trait.rubric.model_dump(),
        "vectors": [hashlib.sha256(file.read_bytes()).hexdigest() for file in files],
        "assistant": [model.reference, model.revision, model.checkpoint.identity],
        "judge": [judge, *(load_prompt(name).digest for name in ("judge_trait", "judge_coherence"))],
        "settings": settings.model_dump(mode="json"),
    }


def _tested(given: "Dataset") -> dict[str, Any] | None:
    """What the dataset's card says of the scenarios' fresh test; None where there was none."""
    test = given.card.get("fresh_test")
    return {"n_pairs": len(given.pairs)} | test if isinstance(test, dict) else None


def _write(
    folder: Path, report: "SteeringReport", about: dict[str, Any], bench: JudgeBench, scenarios: dict[str, Any] | None
) -> None:
    write_atomically(folder / "settings.json", dump_json(about))
    write_atomically(folder / "report.json", report.model_dump_json(indent=2) + "\n")
    write_atomically(folder / "report.html", render_steering(report))
    validation = {
        "trait": report.trait,
        "subject": report.subject,
        "assistant": report.assistant,
        "judge": bench.identity.model_dump(),
        "rounds": None,
        "scenarios": scenarios,
        "first_token": None,
        "baseline": report.baseline.model_dump() | {"passed": report.baseline.passed},
        "steering": report.summary(),
        "cost": bench.cost(),
        "passed": report.baseline.passed and report.beyond_control and report.coherent,
    }
    write_atomically(folder / "validation.json", dump_json(validation))


def _progress(console: Console) -> Callable[[str, int], None]:
    return lambda part, answers: console.print(f"{part}: {answers} answers", highlight=False, style="dim")


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UserError(f"{option} {value!r}: allowed are {', '.join(allowed)}.")


def _digest(about: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
