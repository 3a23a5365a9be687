"""`traitsmith extract`: directions of one or many traits, each text read once."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from agent.cli.options import HERE, AsJson, Out
from agent.folder import check_place
from lm.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from extract.lens import Words
    from extract.models import LoadedModel
    from extract.study import Study
    from extract.trait import Pair


def extract(
    traits: Annotated[list[str], typer.Argument(help="CATEGORY/TRAIT or dataset folders.", metavar="TRAIT|DIR...")],
    subject: Annotated[str, typer.Option(help="Model whose activations are read.")] = "organism",
    position: Annotated[list[str] | None, typer.Option(help="Which tokens; may be repeated.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="How directions are found; may be repeated.")] = None,
    component: Annotated[list[str] | None, typer.Option(help="What is read; may be repeated.")] = None,
    layers: Annotated[str, typer.Option(help="all, 5,10, 20:60:2 (both ends) or 30%-60% of the depth.")] = "all",
    held_out: Annotated[float, typer.Option(help="Share of the pairs held out, whole ground truths.")] = 0.3,
    evidence: Annotated[bool, typer.Option(help="Folds, null, stability, warnings.")] = True,
    remove_massive: Annotated[bool, typer.Option("--remove-massive", help="Fit without massive coordinates.")] = False,
    figures: Annotated[bool, typer.Option("--figures", help="Draw figures (needs matplotlib).")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of splits and draws.")] = 0,
    out: Out = HERE,
    as_json: AsJson = False,
) -> None:
    """Extract directions; run again, it goes on where it stopped; other settings have folders of their own."""
    from extract import open_subject
    from extract.engine import EngineSubject
    from extract.layers import parse_layers
    from extract.pipeline import ExtractionSettings
    from extract.positions import Position
    from extract.study import study_traits
    from extract.vector_files import encode_name

    if not 0 <= held_out < 1:
        raise UserError(f"--held-out is {held_out}; a share from 0 up to, not including, 1 is allowed.")
    positions = tuple(str(Position.parse(text)) for text in position or ["response[:5]"])
    named = _read([_folder(trait, out) for trait in traits])
    place = out / "runs" / "extract"
    check_place(place)
    model = open_subject(subject)
    chosen = parse_layers(layers, model.n_layers)
    if isinstance(model, EngineSubject):
        model = model.at(chosen)
    settings = ExtractionSettings(
        positions=positions,
        methods=tuple(method or ["mean_difference"]),
        components=tuple(component or ["residual"]),
        layers=chosen,
        held_out=held_out,
        evidence=evidence,
        remove_massive=remove_massive,
        seed=seed,
    )
    root = place / encode_name(model.reference)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        tasks = {name: bar.add_task(name, total=2 * len(pairs)) for name, pairs in named.items()}
        study = study_traits(
            model,
            named,
            settings,
            root,
            progress=lambda name, done, of: bar.update(tasks[name], completed=done, total=of),
        )
    if figures:
        _draw(study, root)
    words = {} if isinstance(model, EngineSubject) else _words(model, study)
    print(json.dumps(_as_json(study, words)) if as_json else _as_text(study, words))


def _folder(trait: str, out: Path) -> Path:
    return Path(trait) if Path(trait).is_dir() else out / "datasets" / "traits" / trait


def _read(folders: Sequence[Path]) -> "dict[str, Sequence[Pair]]":
    """The pairs of each dataset by its trait. Raises UserError where two are of one trait."""
    from extract import load_dataset

    found: dict[str, Sequence[Pair]] = {}
    places: dict[str, Path] = {}
    for folder in folders:
        dataset = load_dataset(folder)
        trait = dataset.trait.path
        if trait in found:
            raise UserError(
                f"{places[trait]} and {folder} are both datasets of {trait}, and directions are kept by trait. "
                "Extract them one after the other, or give one another name in its trait.toml."
            )
        found[trait], places[trait] = dataset.pairs, folder
    return found


def _words(model: "LoadedModel", study: "Study") -> dict[Path, "Words"]:
    """What the output head makes of directions of the residual stream, at the best layer of each, by file."""
    from extract.lens import logit_lens

    return {
        path: logit_lens(model, directions[directions.best_layer])
        for name, found in study.directions.items()
        for path, directions in zip(study.files[name], found, strict=True)
        if directions.provenance.component == "residual"
    }


def _as_text(study: "Study", words: dict[Path, "Words"]) -> str:
    from extract.tables import matrix_table

    names = list(study.directions)
    blocks = [
        "\n".join([directions.table(), *([str(words[path])] if path in words else [])])
        for name, found in study.directions.items()
        for path, directions in zip(study.files[name], found, strict=True)
    ]
    if study.cross is not None:
        blocks.append(
            "AUROC of each direction (row) on each trait's held-out pairs\n" + matrix_table(names, study.cross)
        )
    if study.cosines is not None:
        blocks.append("cosines at the middle layer\n" + matrix_table(names, *_cosines(study)))
    blocks += ["\n".join(str(path) for paths in study.files.values() for path in paths)]
    return "\n\n".join(blocks)


def _cosines(study: "Study") -> tuple["Tensor", tuple[str, ...]]:
    """Between the traits, and with length and refusal where they were measured: values, names of further columns."""
    import torch

    assert study.cosines is not None
    if study.beside is None:
        return study.cosines, ()
    return torch.cat([study.cosines, study.beside], dim=1), ("length", "refusal")


def _as_json(study: "Study", words: dict[Path, "Words"]) -> dict[str, object]:
    return {
        "directions": [
            {
                "file": str(path),
                **directions.provenance.model_dump(mode="json"),
                "words": asdict(words[path]) if path in words else None,
            }
            for name, found in study.directions.items()
            for path, directions in zip(study.files[name], found, strict=True)
        ],
        "traits": list(study.directions),
        "cross": None if study.cross is None else study.cross.tolist(),
        "cosines": None if study.cosines is None else study.cosines.tolist(),
    }


def _draw(study: "Study", root: Path) -> None:
    from extract.plots import plot_auroc, plot_curve, plot_matrix, plot_projections

    for name, found in study.directions.items():
        folder = study.folders[name]
        if found[0].provenance.held_out:
            plot_auroc(found).savefig(folder / "auroc.png")
        if found[0].provenance.evidence:
            plot_curve(found[0]).savefig(folder / "pairs.png")
        if study.held[name].kept:
            plot_projections(found[0][found[0].best_layer], study.held[name]).savefig(folder / "projections.png")
    names = list(study.directions)
    together = hashlib.sha256(
        "\n".join(str(folder.relative_to(root)) for folder in study.folders.values()).encode()
    ).hexdigest()[:16]
    if study.cross is not None:
        title = "AUROC of directions on other traits' pairs"
        plot_matrix(names, study.cross, title=title).savefig(root / f"cross-{together}.png")
    if study.cosines is not None:
        values, beside = _cosines(study)
        plot_matrix(names, values, beside=beside, title="cosines").savefig(root / f"cosines-{together}.png")
