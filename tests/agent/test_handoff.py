"""What a run hands on: the measured effect, each answer of it stored; and the dataset's card."""

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
import torch

from agent.checkpoints import Watcher
from agent.engine import work
from agent.errors import RunError
from agent.folder import RunFolder, create_run
from agent.handoff import publish_dataset
from agent.records import ExtractionRecord, Question, Questions, SteeringRecord, TraitRecord
from agent.spec import Spec
from agent.tools.register import TOOLS
from agent.tools.selection import final_pairs
from agent.workshop import Workshop, open_workshop
from extract import Trait, load_model
from extract.trait import Taxonomy
from extract.vectors import Directions, Provenance
from lm import CallStore, Rubric
from steer.report import SteeringReport
from tests.agent.runs import dataset_bytes, finish, kill_at, start

SETTINGS = {"methods": ["mean_difference"], "random_controls": 2, "answer_tokens": 6, "coherence_min": 0}
TAXONOMY = Taxonomy(
    categories=("social",), direction="expressed", target="other", temporal="chirp", valence="negative",
    epistemic="certain",
)  # fmt: skip
QUESTIONS = tuple(
    Question(text=f"Is the {thing} fine?", kind="choose", domain="homes", baseline=5.0)
    for thing in ("roof", "car", "boiler", "report")
)


@asynccontextmanager
async def about_to_steer(folder: RunFolder) -> AsyncIterator[Workshop]:
    """A run of the organism that has questions, and directions of one layer drawn by chance."""
    spec = folder.read_info().spec
    model = load_model("organism")
    drawn = torch.randn(1, model.d_model, generator=torch.Generator().manual_seed(4))
    directions = Directions(
        direction=torch.nn.functional.normalize(drawn, dim=1),
        norm=torch.ones(1),
        baseline=torch.zeros(1),
        activation_norm=torch.full((1,), 5.0),
        provenance=Provenance(
            trait=spec.path, dataset="", subject="organism", position=spec.settings.position, method="mean_difference",
            layers=(2,), pairs=1, pairs_fitted=1,
        ),
    )  # fmt: skip
    trait = Trait(
        category=spec.category, name=spec.trait, is_="Leaving it out.", is_not="Lying.", orthogonal="Manners.",
        taxonomy=TAXONOMY, rubric=Rubric(high="leaves it out", low="says it", key="is it told?"),
    )  # fmt: skip
    questions = Questions(prefix="Be honest.", questions=QUESTIONS, baseline=5.0, candidates={}, dropped=0)
    async with open_workshop(folder, lambda _: None) as workshop:
        file = directions.save(folder.vectors)
        extracted = ExtractionRecord(
            position=spec.settings.position, method="mean_difference", file=str(file.relative_to(folder.path)),
            pairs_fitted=1, pairs_held_out=0, figures=(), best_layer=None, best_auroc_ci95=None,
        )  # fmt: skip
        workshop.journal.append({"trait": TraitRecord(trait=trait), "questions": questions})
        workshop.journal.append({f"{spec.settings.position}/mean_difference": extracted})
        yield workshop


async def steered(folder: RunFolder) -> tuple[SteeringReport, int]:
    """What the step found, and how many of the assistant's answers the store holds for it."""
    async with about_to_steer(folder) as workshop:
        await TOOLS["steer_dataset"].run(workshop, {"round": 1, "test": 1})
        stored = [row.calls for row in workshop.calls.usage() if (row.step, row.role) == ("steer_dataset", "assistant")]
        return workshop.journal.get(SteeringRecord, "steering").report, sum(stored)


async def test_answers_of_the_steering_step_are_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec = Spec.model_validate({"category": "alignment", "trait": "strategic_omission", "settings": SETTINGS})
    folder = start(tmp_path, spec)
    report, stored = await steered(folder)
    assert report.grid
    assert stored > len(QUESTIONS)

    def none_left(*_: object, **__: object) -> None:
        raise AssertionError("an answer was written again")

    # As a run that was killed in the step takes it up: the answers are there, what was found is not.
    forget_steering(folder)
    monkeypatch.setattr("steer.writing.generate", none_left)
    assert await steered(folder) == (report, stored)


def test_the_card_tells_what_its_dataset_cost_and_of_how_many_pairs(tmp_path: Path, scripted_spec: Callable[..., Spec]):
    spec = scripted_spec(pairs=3)
    folder = start(tmp_path, spec)
    assert finish(folder).end == "done"
    card = json.loads((folder.dataset(spec) / "card.json").read_text())
    assert (card["fresh_test"]["n_pairs"], card["fresh_test"]["passed"]) == (3, 3)
    with closing(CallStore(folder.store_file)) as store:
        calls = sum(row.calls for row in store.usage())
    assert (card["cost"]["usd"], card["cost"]["calls"]) == (0, calls), "nothing is asked after it is written"
    assert set(card["cost"]) == {"usd", "calls", "tokens_in", "tokens_out"}


def begun_without_replace(out: Path, spec: Spec) -> RunFolder:
    """A run that may replace nothing."""
    return create_run(out, spec, "none", replace=False)


def test_a_dataset_that_appears_while_a_run_works_is_not_overwritten(
    tmp_path: Path, scripted_spec: Callable[..., Spec]
):
    spec = scripted_spec(pairs=3)
    first, second = begun_without_replace(tmp_path, spec), begun_without_replace(tmp_path, spec)
    place = first.dataset(spec)
    place.mkdir(parents=True)
    (place / "positive.txt").write_text("Weeks of somebody's work.\n")
    with pytest.raises(RunError, match=re.escape(f"traitsmith resume {first.path}")):
        finish(first)
    assert [file.name for file in place.iterdir()] == ["positive.txt"]
    place.rename(tmp_path / "aside")
    assert finish(first).end == "done", "the run goes on once the way is free"
    written = dataset_bytes(tmp_path)
    other = scripted_spec(pairs=3, seed=1)
    second.write_info(second.read_info().model_copy(update={"spec": other}))
    with pytest.raises(RunError, match="after this run began"):
        finish(second)
    assert dataset_bytes(tmp_path) == written


@pytest.mark.parametrize("event", ["begins", "ends"])
def test_a_run_killed_while_it_writes_goes_on_without_replace(
    tmp_path: Path, scripted_spec: Callable[..., Spec], event: str
):
    spec = scripted_spec(pairs=3)
    folder = begun_without_replace(tmp_path, spec)
    assert kill_at(folder, "write", event=event) == 9
    assert folder.dataset(spec).exists() == (event == "ends")
    assert finish(folder).end == "done"


async def test_a_run_that_finds_its_own_dataset_leaves_it_as_it_is(tmp_path: Path, scripted_spec: Callable[..., Spec]):
    spec = scripted_spec(pairs=3)
    folder = begun_without_replace(tmp_path, spec)
    assert (await work(folder, Watcher())).end == "done"
    card = folder.dataset(spec) / "card.json"
    told = json.loads(card.read_text())
    card.write_text(json.dumps(told | {"cost": {"usd": 5}}))
    written = dataset_bytes(tmp_path)
    async with open_workshop(folder, lambda _: None) as workshop:
        publish_dataset(workshop, final_pairs(workshop))
        assert dataset_bytes(tmp_path) == written
        card.write_text(json.dumps(told | {"seed": 7}))
        with pytest.raises(RunError, match="after this run began"):
            publish_dataset(workshop, final_pairs(workshop))


def forget_steering(folder: RunFolder) -> None:
    """Take the finding out of a run's journal."""
    with closing(sqlite3.connect(folder.store_file)) as store, store:
        assert store.execute("DELETE FROM records WHERE kind = 'steering'").rowcount == 1
