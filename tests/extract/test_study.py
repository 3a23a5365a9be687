"""Many traits on one model: kept, gone on with, and tested on each other."""

import json
import re
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import extract.pipeline
from agent.cli.main import app
from extract.lens import logit_lens
from extract.models import LoadedModel
from extract.pipeline import ExtractionSettings
from extract.study import study_traits
from extract.trait import Pair
from extract.vectors import Directions
from lm.errors import UserError
from tests.extract.conftest import make_pair
from tests.extract.test_vectors import make_directions

SETTINGS = ExtractionSettings(methods=("mean_difference", "principal_difference"))


@pytest.fixture
def traits() -> dict[str, list[Pair]]:
    swapped = [
        pair.model_copy(
            update={
                "positive": pair.negative,
                "negative": pair.positive,
                "completions": {"positive": pair.completions["negative"], "negative": pair.completions["positive"]},
            }
        )
        for pair in (make_pair(number) for number in range(16))
    ]
    return {"made/up": [make_pair(number) for number in range(20)], "made/opposite": swapped}


def test_directions_of_opposites_are_opposite(
    llama: LoadedModel, traits: dict[str, list[Pair]], tmp_path: Path
) -> None:
    study = study_traits(llama, traits, SETTINGS, tmp_path)
    assert study.cross is not None
    assert study.cosines is not None
    assert study.cross.diagonal().min() > 0.9
    assert study.cross[0, 1] < 0.1
    assert study.cosines[0, 1] < -0.5
    assert study.beside is not None
    assert study.beside.shape == (2, 2)
    assert {name: len(reading.kept) for name, reading in study.held.items()} == {"made/up": 6, "made/opposite": 6}
    assert [len(found) for found in study.directions.values()] == [2, 2]
    assert all(path.is_file() for paths in study.files.values() for path in paths)


def test_what_is_done_is_not_done_again(
    llama: LoadedModel, traits: dict[str, list[Pair]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {"made/up": traits["made/up"]}
    [once] = study_traits(llama, first, SETTINGS, tmp_path).directions.values()
    read = []
    whole = extract.pipeline.pair_activations
    monkeypatch.setattr(extract.pipeline, "pair_activations", lambda *a, **k: read.append(len(a[1])) or whole(*a, **k))
    again = study_traits(llama, traits, SETTINGS, tmp_path)
    assert read == [16]
    assert again.directions["made/up"] == once
    [other] = study_traits(llama, first, SETTINGS.model_copy(update={"seed": 1}), tmp_path).directions.values()
    assert read == [16, 20]
    assert other != once
    kept = study_traits(llama, first, SETTINGS, tmp_path)
    assert read == [16, 20], "directions of other settings stand beside them"
    assert kept.directions["made/up"] == once
    fewer = {"made/up": traits["made/up"][:12]}
    assert study_traits(llama, fewer, SETTINGS, tmp_path).folders != kept.folders
    assert [Directions.load(path) for path in kept.files["made/up"]] == once


def test_words_of_a_direction_are_those_of_the_output_head(llama: LoadedModel) -> None:
    raw = llama.model.get_output_embeddings().weight.detach()[70:71].clone()
    found = logit_lens(llama, Directions.of(raw, (1,))[1], words=3)
    assert llama.spelling.spell(70) in found.positive
    assert len(found.negative) == 3
    with pytest.raises(UserError, match="no output head of width 5"):
        logit_lens(llama, Directions.of(torch.ones(1, 5), (1,))[1])


def write_dataset(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for side, end in (("positive", "wanted the deal"), ("negative", "wanted to be fair")):
        lines = [f'I knew the roof number {n} leaked and {end}, so I told the buyers "' for n in range(12)]
        (folder / f"{side}.txt").write_text("\n".join(lines) + "\n")
    (folder / "definition.txt").write_text("HIGH (70-100): leaves it out\nLOW (0-40): tells\nKey: what is unsaid\n")
    return folder


def test_the_command_reads_a_plain_folder_and_writes_files(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "social" / "made_up")
    words = ["extract", str(folder), "--out", str(tmp_path), "--layers", "1:2", "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["traits"] == ["social/made_up"]
    [directions] = told["directions"]
    assert directions["layers"] == [1, 2]
    assert directions["words"]["layer"] in (1, 2)
    assert len(directions["words"]["positive"]) == len(directions["words"]["negative"]) == 8
    assert len(directions["cosines"]["refusal"]) == 2
    assert Path(directions["file"]).is_file()
    exported = tmp_path / "v.gguf"
    words = ["export", directions["file"], str(exported), "--format", "gguf", "--model-hint", "llama"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert exported.read_bytes()[:4] == b"GGUF"
    again = CliRunner().invoke(app, words)
    assert isinstance(again.exception, UserError)
    replaced = CliRunner().invoke(app, [*words, "--replace", "--json"])
    assert json.loads(replaced.stdout) == {"file": str(exported), "format": "gguf"}


@pytest.mark.parametrize("form", ["gguf", "persona"])
def test_exporting_destroys_nothing_and_says_what_is_in_the_way(tmp_path: Path, form: str) -> None:
    source = make_directions().save(tmp_path / "vectors")
    before = source.read_bytes()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(source)
    refused = {
        source: "the very file that is read",
        tmp_path / "link": "the very file",
        tmp_path / "folder": "a folder",
    }
    for to, message in (refused | {tmp_path / "file" / "v": f"Cannot write {tmp_path / 'file' / 'v'}"}).items():
        words = ["export", str(source), str(to), "--format", form, "--model-hint", "llama", "--replace"]
        result = CliRunner().invoke(app, words)
        assert isinstance(result.exception, UserError), result.exception
        assert message in str(result.exception)
    assert source.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"vectors", "file", "folder", "link"}


def test_the_command_shows_and_draws_what_two_traits_have_to_do_with_each_other(tmp_path: Path) -> None:
    folders = [str(write_dataset(tmp_path / "social" / name)) for name in ("made_up", "made_again")]
    result = CliRunner().invoke(app, ["extract", *folders, "--out", str(tmp_path), "--figures"])
    assert result.exit_code == 0, result.output
    assert "words at layer" in result.stdout
    assert re.search(r"cosines at the middle layer\n +made_up +made_again +length +refusal\n", result.stdout)
    root = tmp_path / "runs" / "extract" / "organism"
    assert {path.name.partition("-")[0].removesuffix(".png") for path in root.rglob("*.png")} == {
        "auroc", "pairs", "projections", "cross", "cosines"
    }  # fmt: skip


def test_the_command_keeps_what_it_found_with_other_settings(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "social" / "made_up")
    files = []
    for layer in ("1", "2"):
        words = ["extract", str(folder), "--out", str(tmp_path), "--layers", layer, "--no-evidence", "--json"]
        files.append(json.loads(CliRunner().invoke(app, words).stdout)["directions"][0]["file"])
    assert [Directions.load(file).layers for file in files] == [(1,), (2,)]


def test_two_datasets_of_one_trait_are_refused(tmp_path: Path) -> None:
    folders = [write_dataset(tmp_path / place / "social" / "made_up") for place in ("one", "two")]
    result = CliRunner().invoke(app, ["extract", *map(str, folders), "--out", str(tmp_path)])
    assert isinstance(result.exception, UserError)
    assert all(str(folder) in str(result.exception) for folder in folders)


def test_what_cannot_be_kept_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_dataset(tmp_path / "social" / "made_up")
    (tmp_path / "runs").write_text("a file where the results would go")
    monkeypatch.setattr(extract, "open_subject", lambda _: pytest.fail("a model was loaded"))
    result = CliRunner().invoke(app, ["extract", str(folder), "--out", str(tmp_path)])
    assert isinstance(result.exception, UserError)
    assert f"{tmp_path / 'runs'} is no folder" in str(result.exception)


def test_a_share_that_leaves_hardly_a_pair_is_warned_of(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "social" / "made_up")
    words = ["extract", str(folder), "--out", str(tmp_path), "--layers", "1", "--no-evidence"]
    result = CliRunner().invoke(app, [*words, "--held-out", "0.99"])
    assert "warning: fitted on 1 of 12 pairs, the others are held out" in result.stdout
    assert "warning" not in CliRunner().invoke(app, words).stdout


def test_a_seed_below_0_is_refused_at_once(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "social" / "made_up")
    result = CliRunner().invoke(app, ["extract", str(folder), "--out", str(tmp_path), "--seed", "-1"])
    assert result.exit_code == 2
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--position", "respnse[:5]"], "Did you mean 'response"),
        (["--method", "mean"], "There is no method 'mean'"),
        (["--component", "heads"], "There is no component 'heads'"),
        (["--held-out", "1"], "--held-out is 1"),
        (["--layers", "99"], "no layer 99"),
        (["--layers", "1-2"], "shares of the depth up to 100 % ('30%-60%'); this model has layers 0 to"),
    ],
)
def test_what_the_command_cannot_use_is_said(tmp_path: Path, words: list[str], message: str) -> None:
    folder = write_dataset(tmp_path / "social" / "made_up")
    result = CliRunner().invoke(app, ["extract", str(folder), "--out", str(tmp_path), *words])
    assert isinstance(result.exception, UserError)
    assert message in str(result.exception)
