import json
import os
import threading
from collections import Counter
from itertools import cycle
from pathlib import Path

import pytest

from extract.dataset import CONTRACT, Dataset, Steering, load_dataset, save_dataset
from extract.trait import Pair, Prediction, Trait
from lm.errors import UserError
from lm.verdicts import Score


@pytest.fixture
def dataset(trait: Trait, pairs: list[Pair]) -> Dataset:
    judged = pairs[0].model_copy(
        update={
            "predicted": {"positive": Prediction(completion="nothing", probability=0.9, express=True)},
            "scores": {"positive": 87.5, "negative": None},
            "completions": {
                "positive": (pairs[0].completions["positive"][0].model_copy(
                    update={"verdict": Score(value=87.5, mass=0.9, entropy=1.0)}),),
            },
        }
    )  # fmt: skip
    steering = Steering(questions=("Be open. How is the car?",), prefix="Be open.", baseline=12.5)
    return Dataset(trait=trait, pairs=(judged, *pairs[1:]), steering=steering, card={"vetted": True})


@pytest.fixture
def folder(tmp_path: Path, dataset: Dataset) -> Path:
    path = tmp_path / "traits" / "alignment" / "strategic_omission"
    save_dataset(dataset, path)
    return path


def test_round_trip(folder: Path, dataset: Dataset) -> None:
    assert load_dataset(folder) == dataset


def test_same_dataset_same_bytes(folder: Path, dataset: Dataset, tmp_path: Path) -> None:
    save_dataset(dataset, tmp_path / "again")
    for file in sorted(folder.iterdir()):
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_contract_files_are_what_other_tools_read(folder: Path) -> None:
    assert len((folder / "positive.txt").read_text().splitlines()) == 20
    assert (folder / "definition.txt").read_text().startswith("HIGH (70-100): Leaves the risk out.\n\nLOW (0-40): ")
    assert json.loads((folder / "steering.json").read_text())["prefix"] == "Be open."
    assert folder.stat().st_mode & 0o777 == 0o755


def test_folder_with_contract_files_only(folder: Path, dataset: Dataset) -> None:
    for file in folder.iterdir():
        if file.name not in CONTRACT:
            file.unlink()
    read = load_dataset(folder)
    assert [pair.positive for pair in read.pairs] == [pair.positive for pair in dataset.pairs]
    assert [pair.id for pair in read.pairs[:2]] == ["line-0001", "line-0002"]
    assert read.trait.path == "alignment/strategic_omission"
    assert read.trait.rubric == dataset.trait.rubric
    assert read.card == {"vetted": False, "missing": ["trait.toml", "pairs.jsonl", "card.json"]}


def test_existing_folder_is_kept_without_replace(folder: Path, dataset: Dataset) -> None:
    with pytest.raises(UserError, match="already exists"):
        save_dataset(dataset, folder)
    save_dataset(dataset.model_copy(update={"pairs": dataset.pairs[:5]}), folder, replace=True)
    assert len(load_dataset(folder).pairs) == 5
    assert [path.name for path in folder.parent.iterdir()] == ["strategic_omission"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("positive.txt", b"one\ntwo\n", r"positive\.txt has 2 lines, negative\.txt has 20"),
        ("positive.txt", b"one\n\nthree\n", r"positive\.txt, line 2: is blank"),
        ("positive.txt", b"one\r\ntwo\r\n", r"positive\.txt, line 1: ends in CRLF"),
        ("negative.txt", b"one\ntwo \xff\n", r"negative\.txt, line 2: not UTF-8"),
        ("negative.txt", "one\u2028two\n".encode(), r"negative\.txt, line 1: holds a line break"),
        ("positive.txt", "\ufeffone\n".encode(), r"positive\.txt, line 1: starts with a byte order mark"),
        ("definition.txt", b"HIGH (70-100): yes\n", r"definition\.txt: no 'LOW"),
        ("steering.json", b'{"questions": [1]}', r"steering\.json: questions\.0"),
        ("trait.toml", b"name = ", r"trait\.toml: not TOML"),
        ("trait.toml", b'category = "../up"\nname = "x"\n', r"trait\.toml: category"),
        ("pairs.jsonl", b"{}\n", r"pairs\.jsonl, line 1: id: Field required"),
        ("pairs.jsonl", b"{\n", r"pairs\.jsonl, line 1: not JSON"),
        ("card.json", b"[]", r"card\.json: holds a list"),
    ],
)
def test_faults_are_named_with_file_and_line(folder: Path, name: str, data: bytes, message: str) -> None:
    (folder / name).write_bytes(data)
    with pytest.raises(UserError, match=message):
        load_dataset(folder)


def test_pairs_and_lines_must_agree(folder: Path) -> None:
    lines = (folder / "positive.txt").read_text().splitlines()
    lines[3] = "Something else"
    (folder / "positive.txt").write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=r"pairs\.jsonl, line 4: differs from line 4"):
        load_dataset(folder)


def test_missing_folder_and_file(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UserError, match="no dataset folder"):
        load_dataset(tmp_path / "nowhere")
    (folder / "negative.txt").unlink()
    with pytest.raises(UserError, match=r"negative\.txt is missing"):
        load_dataset(folder)


def test_scenarios_that_are_no_line_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    broken = dataset.pairs[0].model_copy(update={"positive": "two\nlines"})
    with pytest.raises(UserError, match="positive scenario of pair 1 holds a line break"):
        save_dataset(dataset.model_copy(update={"pairs": (broken,)}), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_reader_sees_the_old_or_the_new(folder: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    # A disk that answers at once: waiting for it shows nothing here, and leaves room for many more turns.
    monkeypatch.setattr(os, "fsync", lambda _handle: None)
    versions = (dataset, dataset.model_copy(update={"pairs": dataset.pairs[:3]}))
    enough = threading.Event()

    def write() -> None:
        for version in cycle(versions):
            if enough.is_set():
                return
            save_dataset(version, folder, replace=True)

    writer = threading.Thread(target=write)
    writer.start()
    seen: Counter[int] = Counter()
    try:
        while seen.total() < 30 or len(seen) < 2:
            seen[versions.index(load_dataset(folder))] += 1
    finally:
        enough.set()
        writer.join()


def test_what_a_person_keeps_in_the_folder_outlives_it(folder: Path, dataset: Dataset, tmp_path: Path) -> None:
    (folder / "NOTES.md").write_text("ask the lawyers")
    (folder / "drafts" / "older").mkdir(parents=True)
    (folder / "drafts" / "older" / "one.txt").write_text("a first try")
    (folder / "link").symlink_to(tmp_path / "nowhere")
    save_dataset(dataset.model_copy(update={"pairs": dataset.pairs[:3]}), folder, replace=True)
    assert len(load_dataset(folder).pairs) == 3
    assert (folder / "NOTES.md").read_text() == "ask the lawyers"
    assert (folder / "drafts" / "older" / "one.txt").read_text() == "a first try"
    assert (folder / "link").readlink() == tmp_path / "nowhere"
    assert [path.name for path in folder.parent.iterdir()] == ["strategic_omission"]


def test_a_folder_that_appears_while_one_is_written_stands(
    folder: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = folder.with_name("late")
    synced = os.fsync

    def appear(handle: int) -> None:
        late.mkdir(exist_ok=True)
        (late / "positive.txt").write_text("theirs")
        synced(handle)

    monkeypatch.setattr(os, "fsync", appear)
    with pytest.raises(UserError, match="already exists"):
        save_dataset(dataset, late)
    assert [file.name for file in late.iterdir()] == ["positive.txt"]


def test_a_failed_write_leaves_the_old(folder: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_handle: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save_dataset(dataset.model_copy(update={"pairs": ()}), folder, replace=True)
    assert load_dataset(folder) == dataset
    assert [path.name for path in folder.parent.iterdir()] == ["strategic_omission"]


def test_digest_follows_the_contract_files(dataset: Dataset) -> None:
    assert dataset.digest == dataset.model_copy(update={"card": {}}).digest
    assert dataset.digest != dataset.model_copy(update={"pairs": dataset.pairs[1:]}).digest
