"""Step 13: write the dataset, read directions from it, and measure what they do."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.errors import RunError
from agent.folder import dump_json, write_atomically
from agent.records import ExtractionRecord, FreshTest, LayerFigure, Questions, SteeringRecord
from agent.report.build import write_report
from agent.settings import Settings
from agent.signs import refuses
from agent.steps.agreement import check_agreement
from agent.steps.decide import wilson_interval
from agent.steps.questions import full_text
from agent.validation import build_validation
from agent.workshop import Workshop
from extract.lint.findings import Finding
from extract.lint.sets import lint_set
from extract.trait import Pair
from lm import Message, Model, Prompt, Usage
from lm.calls import total_usd

if TYPE_CHECKING:
    from extract.dataset import Dataset
    from extract.models import LoadedModel
    from steer.evaluation import EvaluationSettings


def publish_dataset(workshop: Workshop, pairs: Sequence[Pair]) -> Path:
    """Write datasets/traits/{category}/{trait} in one step; a run killed while it wrote finds its own and leaves it.

    Raises RunError where another one appeared there after the run began, unless the run may replace what it finds.
    """
    from extract.dataset import Dataset, save_dataset

    dataset = Dataset(
        trait=workshop.board.trait(),
        pairs=tuple(pair.model_copy(update={"judge": workshop.spec.judge}) for pair in pairs),
        steering=_steering(workshop),
        card=_card(workshop, pairs),
    )
    path = workshop.folder.dataset(workshop.spec)
    replace = workshop.info.replace
    if replace or not path.exists():
        save_dataset(dataset, path, replace=replace)
    elif not _lies_at(path, dataset):
        raise RunError(
            f"a dataset appeared at {path} after this run began, and the run was not told to --replace one. "
            f"Move that folder away, then go on with: traitsmith resume {workshop.folder.path}"
        )
    return path


def _lies_at(path: Path, dataset: "Dataset") -> bool:
    """Whether a folder holds this very dataset; what it cost may differ, as resuming a run may ask models anew."""
    from extract.dataset import dataset_files
    from extract.folder import read_folder

    wanted = dataset_files(dataset)
    there = read_folder(path, tuple(wanted)) if path.is_dir() else {}
    return _without_cost(there) == _without_cost(wanted)


def _without_cost(files: Mapping[str, bytes]) -> dict[str, Any]:
    """A dataset's files, its card without what it cost; as bytes where the card is none."""
    try:
        card = json.loads(files.get("card.json", b""))
        del card["cost"]
    except (ValueError, TypeError, KeyError):
        return dict(files)
    return {**files, "card.json": card}


def _lint_whole(workshop: Workshop, pairs: Sequence[Pair]) -> Sequence[Finding]:
    questions = workshop.journal.get(Questions, "questions")
    return lint_set(pairs, workshop.spec.settings.set_limits, [question.text for question in questions.questions])


async def extract_run(workshop: Workshop, pairs: Sequence[Pair]) -> str:
    """Directions for every method from the very tokens that were tested; a line that says how well they separate."""
    from extract import extract_directions

    spec = workshop.spec
    model = await _load_weights(workshop, "subject", workshop.cast.subject, [pair.positive for pair in pairs])
    found = await asyncio.to_thread(
        extract_directions,
        model,
        pairs,
        positions=(spec.settings.position,),
        methods=spec.settings.methods,
        trait=spec.path,
        seed=spec.seed,
    )
    records = {}
    for directions in found:
        file = directions.save(workshop.folder.vectors)
        about, quality = directions.provenance, directions.provenance.held_out
        records[f"{about.position}/{about.method}"] = ExtractionRecord(
            position=about.position,
            method=about.method,
            file=str(file.relative_to(workshop.folder.path)),
            pairs_fitted=about.pairs_fitted,
            pairs_held_out=quality.pairs if quality else 0,
            figures=tuple(LayerFigure(**row.model_dump()) for row in quality.layers) if quality else (),
            best_layer=quality.best_layer if quality else None,
            best_auroc_ci95=quality.best_auroc_ci95 if quality else None,
        )
    workshop.journal.append(records)
    return "held-out AUROC " + ", ".join(_describe(record) for record in records.values())


async def steer_run(workshop: Workshop) -> str:
    """Baseline, search, confirmation and controls on the assistant; a line that says what was found."""
    from extract import Directions
    from steer.evaluation import evaluate
    from steer.scoring import judged, questions_of
    from steer.side_effects import Aside
    from steer.writing import LocalWriter, StoredWriter

    spec, board = workshop.spec, workshop.board
    record = workshop.journal.get(ExtractionRecord, f"{spec.settings.position}/{spec.settings.methods[0]}")
    trait = board.trait()
    chats = [(Message(role="user", content=question),) for question in _steering(workshop).questions]
    model = await _load_weights(workshop, "assistant", workshop.cast.assistant, chats)
    settings = evaluation_settings(spec.settings)
    local = LocalWriter(model, settings.max_rows)
    report = await evaluate(
        model,
        Directions.load(workshop.folder.path / record.file),
        questions_of(_steering(workshop)),
        judged(workshop.cast.judge, trait.rubric, trait.label),
        settings=settings,
        progress=lambda part, answers: workshop.say(f"{part}: {answers} answers"),
        aside=Aside(refuses=refuses),
        writer=StoredWriter(local, workshop.calls, model.reference, model.checkpoint.identity),
    )
    workshop.journal.append({"steering": SteeringRecord(report=report)})
    return report.verdict


def evaluation_settings(settings: Settings) -> "EvaluationSettings":
    """How the effect of directions is measured, as the run's settings have it."""
    from steer.evaluation import EvaluationSettings
    from steer.operators import Tokens
    from steer.strengths import SearchRule

    return EvaluationSettings(
        rule=SearchRule(
            min_coherence=settings.coherence_min,
            highest=settings.strength_max,
            tokens=Tokens(settings.pushed_tokens),
        ),
        max_tokens=settings.answer_tokens,
        max_baseline=settings.baseline_max,
        random_seeds=tuple(range(1, settings.random_controls + 1)),
    )


async def _load_weights(workshop: Workshop, role: str, served: Model, prompts: Sequence[Prompt]) -> "LoadedModel":
    """The weights of subject or assistant; where they stand for a served model, they must write what it writes."""
    from extract import load_model
    from lm.local.model import LocalModel

    reference = workshop.spec.weights(role) or workshop.spec.reference(role)
    model = await asyncio.to_thread(load_model, reference)
    if reference != workshop.spec.reference(role):
        workshop.say(await check_agreement(role, served, LocalModel(reference, model.checkpoint), prompts))
    return model


def _describe(record: ExtractionRecord) -> str:
    best = next((figure for figure in record.figures if figure.layer == record.best_layer), None)
    return f"{record.method}: " + (f"{best.auroc:.2f} at layer {best.layer}" if best else "not measured")


def _steering(workshop: Workshop) -> Any:
    from extract import Steering

    questions = workshop.journal.get(Questions, "questions")
    return Steering(
        questions=tuple(full_text(questions.prefix, question.text) for question in questions.questions),
        prefix=questions.prefix,
        baseline=questions.baseline,
    )


def _card(workshop: Workshop, pairs: Sequence[Pair]) -> dict[str, Any]:
    """How the dataset came to be; no times and no paths.

    The same seed gives the same bytes where the same models give the same answers, but for `cost`: it counts what this
    run itself asked, which differs where it took answers of another run or had to ask a server again.
    """
    spec, board = workshop.spec, workshop.board
    test = board.last_test() or FreshTest(round=0, pairs=(), passed=(), express=(), unscored=0)
    return {
        "vetted": True,
        "trait": spec.path,
        "seed": spec.seed,
        "models": {role: spec.reference(role) for role in ("author", "judge", "subject", "assistant")},
        "thresholds": {"positive_min": spec.settings.positive_min, "negative_max": spec.settings.negative_max},
        "rounds": [record.model_dump() for record in board.rounds()],
        "pairs": len(pairs),
        "fresh_test": {
            "n_pairs": len(test.pairs),
            "passed": len(test.passed),
            "express": len(test.express),
            "unscored": test.unscored,
            "pass_rate_ci95": wilson_interval(len(test.passed), len(test.pairs)),
        },
        "samples_per_side": spec.settings.samples,
        "cost": _cost(workshop.calls.usage()),
        "findings": [f"{finding.code}: {finding.message}" for finding in _lint_whole(workshop, pairs)],
        "prompts": workshop.info.prompts,
        "pairs_sha256": hashlib.sha256(
            json.dumps([[pair.positive, pair.negative] for pair in pairs]).encode()
        ).hexdigest(),
    }


def _cost(usage: Sequence[Usage]) -> dict[str, Any]:
    """What the dataset took up to here; no seconds, which no two runs share. USD is None where a price is unknown."""
    return {
        "usd": total_usd(usage),
        "calls": sum(row.calls for row in usage),
        "tokens_in": sum(row.tokens_in for row in usage),
        "tokens_out": sum(row.tokens_out for row in usage),
    }


def write_run_files(workshop: Workshop) -> None:
    """validation.json, the prompts as used, the report; last the manifest, which says that the run is whole."""
    folder, usage = workshop.folder, workshop.calls.usage()
    validation = build_validation(workshop.spec, workshop.journal, usage)
    if workshop.info.vet:
        validation["author"] = None
    write_atomically(folder.validation_file, dump_json(validation))
    write_report(folder, workshop.journal, usage)
    lasting = [
        folder.info_file,
        folder.validation_file,
        folder.report_file,
        *sorted(folder.vectors.rglob("*.safetensors")),
    ]
    digests = {str(file.relative_to(folder.path)): _sha256(file) for file in lasting}
    write_atomically(folder.manifest_file, dump_json({"passed": validation["passed"], "files": digests}))


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
