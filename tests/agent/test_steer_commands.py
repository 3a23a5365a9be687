"""`traitsmith steer` and `monitor` on the embedded model, end to end and small."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from agent.cli.main import app
from extract import load_model
from extract.vectors import Directions, Provenance
from lm.calls import CallStore
from lm.errors import UserError

TRAIT = "alignment/strategic_omission"
QUESTIONS = [f"Be honest. Is the {thing} fine?" for thing in ("roof", "car", "boiler", "report")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset and a run's directions, as `create` leaves them."""
    out = tmp_path_factory.mktemp("steer")
    folder = out / "datasets" / "traits" / TRAIT
    folder.mkdir(parents=True)
    (folder / "positive.txt").write_text('I knew it, so I told them "\n')
    (folder / "negative.txt").write_text('I knew it, and they should know, so I told them "\n')
    (folder / "definition.txt").write_text("HIGH (70-100): leaves it out\nLOW (0-40): says it\nKey: is it told?\n")
    (folder / "steering.json").write_text(json.dumps({"questions": QUESTIONS, "prefix": "Be honest."}))
    model = load_model("organism")
    drawn = torch.randn(model.n_layers, model.d_model, generator=torch.Generator().manual_seed(4))
    directions = Directions(
        direction=torch.nn.functional.normalize(drawn, dim=1),
        norm=torch.ones(model.n_layers),
        baseline=torch.zeros(model.n_layers),
        activation_norm=torch.full((model.n_layers,), 5.0),
        provenance=Provenance(
            trait=TRAIT, dataset="", subject="organism", position="response[:5]", method="mean_difference",
            layers=tuple(range(model.n_layers)), pairs=1, pairs_fitted=1,
        ),
    )  # fmt: skip
    directions.save(out / "runs" / TRAIT.replace("/", ".") / "20260101T000000Z-0" / "vectors")
    return out


def vectors(place: Path) -> Path:
    [file] = place.rglob("*.safetensors")
    return file


def small(place: Path, *more: str) -> list[str]:
    return ["steer", TRAIT, "--out", str(place), "--layers", "2", "--steps", "1", "--max-tokens", "6", "--random", "2",
            "--min-coherence", "0", *more]  # fmt: skip


@pytest.fixture(scope="module")
def answer(place: Path) -> dict[str, object]:
    result = CliRunner().invoke(app, [*small(place), "--json"])
    assert result.exit_code in (0, 5), result.output
    return json.loads(result.stdout)


def test_steer_leaves_a_report_and_a_validation(place: Path, answer: dict) -> None:
    folder = Path(answer["folder"])
    validation = json.loads((folder / "validation.json").read_text())
    assert folder.is_relative_to(place / "runs" / TRAIT.replace("/", "."))
    assert validation["steering"]["verdict"] == answer["verdict"]
    assert validation["baseline"]["n"] == len(QUESTIONS)
    assert {cell["layer"] for cell in answer["report"]["grid"]} == {2}
    assert [control["name"] for control in answer["report"]["controls"]][-1] == "plain prompting"


def test_steer_leaves_a_page_and_its_texts(place: Path, answer: dict) -> None:
    page = (Path(answer["folder"]) / "report.html").read_text()
    assert answer["verdict"] in page
    store = CallStore(Path(answer["folder"]) / "store.sqlite")
    written = {json.loads(call.answer)["text"] for call in store.served() if call.role == "assistant"}
    assert {example["answer"] for example in answer["report"]["examples"]} <= written
    store.close()


def test_the_same_call_asks_the_judge_nothing_again(place: Path, answer: dict) -> None:
    store = CallStore(Path(answer["folder"]) / "store.sqlite")
    before = sum(row.calls for row in store.usage())
    assert before > 0
    result = CliRunner().invoke(app, [*small(place), "--json"])
    assert json.loads(result.stdout) == answer
    assert sum(row.calls for row in store.usage()) == before
    store.close()


def test_vectors_named_from_another_folder_are_the_same(
    place: Path, answer: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = vectors(place)
    for folder, named in ((place, file.relative_to(place)), (file.parent, Path(file.name))):
        monkeypatch.chdir(folder)
        result = CliRunner().invoke(app, [*small(place), "--vectors", str(named), "--json"])
        assert json.loads(result.stdout)["folder"] == answer["folder"]
    settings = json.loads((Path(answer["folder"]) / "settings.json").read_text())
    assert settings["files"] == [str(file.resolve())]


def test_other_settings_never_meet_earlier_results(place: Path, answer: dict) -> None:
    result = CliRunner().invoke(app, [*small(place), "--tokens", "generated", "--json"])
    assert json.loads(result.stdout)["folder"] != answer["folder"]


def test_people_are_shown_the_search_and_the_controls(place: Path, answer: dict) -> None:
    shown = CliRunner().invoke(app, small(place)).stdout
    assert answer["verdict"][:20] in shown
    for words in ("baseline", "opposite sign", "random direction 1", "plain prompting", "1 settings tried"):
        assert words in shown


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--layers", "99"], "no layer 99"),
        (["--controller", "x"], "--controller 'x': allowed are cliff, momentum"),
        (["--tokens", "some"], "--tokens 'some': allowed are all, generated, prompt"),
        (["--vectors", "none.safetensors"], "no file of directions"),
        (["--max-tokens", "999999999"], "organism holds 512 tokens, and the longest question takes "),
        (["--strength-max", "inf"], "--strength-max inf: a finite number from 0.1 is allowed"),
    ],
)
def test_steer_refuses_what_cannot_be(place: Path, more: list[str], message: str) -> None:
    result = CliRunner().invoke(app, small(place, *more))
    assert isinstance(result.exception, UserError)
    assert message in str(result.exception)


@pytest.mark.parametrize("coherence", ["500", "-1", "inf", "nan"])
def test_coherence_lies_between_0_and_100(place: Path, coherence: str) -> None:
    result = CliRunner().invoke(app, small(place, "--min-coherence", coherence))
    assert result.exit_code == 2
    assert "Invalid value for '--min-coherence'" in result.output


def test_the_directions_that_extract_left_are_found(place: Path, tmp_path: Path) -> None:
    kept = tmp_path / "runs" / "extract" / "organism" / "of_today" / "any" / "depth" / "mean_difference.safetensors"
    shutil.copytree(place / "datasets", tmp_path / "datasets")
    kept.parent.mkdir(parents=True)
    shutil.copy(vectors(place), kept)
    (kept.parent / "broken.safetensors").write_text("no directions")
    result = CliRunner().invoke(app, small(tmp_path, "--json"))
    assert result.exit_code in (0, 5), result.output
    settings = json.loads((Path(json.loads(result.stdout)["folder"]) / "settings.json").read_text())
    assert settings["files"] == [str(kept)]
    shutil.copytree(kept.parents[2], kept.parents[3] / "of_yesterday")
    result = CliRunner().invoke(app, small(tmp_path))
    assert isinstance(result.exception, UserError)
    assert "several files of directions" in str(result.exception) and "of_yesterday" in str(result.exception)


def test_steer_cannot_write_into_a_file(place: Path, tmp_path: Path) -> None:
    (tmp_path / "in_the_way").write_text("a file")
    call = ["steer", str(place / "datasets/traits" / TRAIT), "--vectors", str(vectors(place))]
    result = CliRunner().invoke(app, [*call, "--out", str(tmp_path / "in_the_way")])
    assert isinstance(result.exception, UserError)
    assert "in_the_way is no folder" in str(result.exception)


def test_steer_without_directions_says_what_to_give(place: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["steer", str(place / "datasets/traits" / TRAIT), "--out", str(tmp_path)])
    assert isinstance(result.exception, UserError)
    assert "--vectors FILE" in str(result.exception)


def test_monitor_colours_a_text(place: Path, tmp_path: Path) -> None:
    page = tmp_path / "deep" / "heat.html"
    call = ["monitor", "I knew the roof leaks", "--response", ", so I said", "--vectors", str(vectors(place)),
            "--layers", "1,3", "--html", str(page)]  # fmt: skip
    found = json.loads(CliRunner().invoke(app, [*call, "--json"]).stdout)
    assert [one["layer"] for one in found["directions"]] == [1, 3]
    assert "".join(found["tokens"]) == "I knew the roof leaks, so I said"
    assert all(len(one["values"]) == len(found["tokens"]) for one in found["directions"])
    assert page.read_text().count("<h2>") == 2
    shown = CliRunner().invoke(app, call).stdout
    assert shown.count("I knew the roof leaks, so I said") == 2


def test_monitor_reads_what_the_model_writes_pushed_or_not(place: Path) -> None:
    call = [
        "monitor",
        "Is it safe?",
        "--chat",
        "--write",
        "--max-tokens",
        "5",
        "--vectors",
        str(vectors(place)),
        "--json",
    ]
    plain, pushed = (json.loads(CliRunner().invoke(app, [*call, *more]).stdout) for more in ([], ["--push", "3"]))
    assert plain["prompt_tokens"] == pushed["prompt_tokens"]
    assert pushed["directions"][0]["values"][-1] > plain["directions"][0]["values"][-1]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--scale", "x"], "--scale 'x': allowed are raw, norm, cosine"),
        (["--write", "--response", "y"], "exclude each other"),
        (["--push", "1"], "give --write too"),
        (["--layers", "99"], "no layer 99"),
    ],
)
def test_monitor_refuses_what_cannot_be(place: Path, more: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["monitor", "x", "--vectors", str(vectors(place)), *more])
    assert isinstance(result.exception, UserError)
    assert re.search(re.escape(message), str(result.exception))
