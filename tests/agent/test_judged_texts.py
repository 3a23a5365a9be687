"""Files of texts: what is read, and one clear error for everything else."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.judging.guides import read_guide
from agent.judging.texts import read_texts
from lm.errors import UserError

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)


def written(folder: Path, name: str, data: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return file


def test_the_three_formats_say_the_same(tmp_path: Path):
    plain = read_texts(written(tmp_path, "a.txt", "It is fine.\r\n\nIt leaks.\n"))
    assert [(row.line, row.text) for row in plain] == [(1, "It is fine."), (3, "It leaks.")]
    lines = '{"text": "It leaks.", "situation": "the roof leaks", "level": 5, "extra": 1}\n'
    cells = 'text,situation,level,extra\n"It leaks.",the roof leaks,5,1\n'
    (of_json,) = read_texts(written(tmp_path, "a.jsonl", lines))
    (of_csv,) = read_texts(written(tmp_path, "a.csv", b"\xef\xbb\xbf" + cells.encode()))
    assert of_json.model_dump(exclude={"line"}) == of_csv.model_dump(exclude={"line"})
    assert (of_json.situation, of_json.level, of_json.label) == ("the roof leaks", 5, None)


@pytest.mark.parametrize(("given_", "meant"), [(True, 1), (0, 0), ("1", 1), ("False", 0)])
def test_labels_in_their_spellings(tmp_path: Path, given_: object, meant: int):
    (row,) = read_texts(written(tmp_path, "a.jsonl", json.dumps({"text": "x", "label": given_})))
    assert row.label == meant


BAD = {
    "missing.txt": (None, "cannot read"),
    "empty.txt": (b"\n \n", "holds no texts"),
    "bytes.txt": (b"fine\n\xff\n", "line 2: not UTF-8"),
    "cut.jsonl": (b'{"text": "x"}\n{"text": ', "line 2: not JSON"),
    "list.jsonl": (b'["x"]', "line 1: list where an object should be"),
    "nothing.jsonl": (b'{"txt": "x"}', "line 1: text: Field required"),
    "number.jsonl": (b'{"text": 5}', "line 1: text: Input should be a valid string, got 5"),
    "high.jsonl": (b'{"text": "x", "level": 101}', "less than or equal to 100, got 101"),
    "truth.jsonl": (b'{"text": "x", "level": true}', "a level is a number"),
    "two.jsonl": (b'{"text": "x", "level": 3, "label": 1}', "both a level and a label"),
    "label.jsonl": (b'{"text": "x", "label": 2}', "line 1: label"),
    "head.csv": (b"words\nx\n", "no column `text`"),
    "wide.csv": (b"text\nx,y\n", "line 2: more cells than columns"),
    "quote.csv": (b'text\n"x\n', "not CSV"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_named_with_its_place(tmp_path: Path, name: str):
    data, says = BAD[name]
    file = tmp_path / name if data is None else written(tmp_path, name, data)
    with pytest.raises(UserError) as caught:
        read_texts(file)
    assert says in str(caught.value)
    assert name in str(caught.value)


@SHARED
@given(data=st.binary() | st.text().map(str.encode), kind=st.sampled_from(["txt", "jsonl", "csv"]))
def test_any_file_is_texts_or_one_clear_error(tmp_path: Path, data: bytes, kind: str):
    try:
        rows = read_texts(written(tmp_path, f"any.{kind}", data))
    except UserError as error:
        assert "any." in str(error)
    else:
        assert rows and [row.line for row in rows] == sorted({row.line for row in rows})


@SHARED
@given(st.lists(st.fixed_dictionaries({"text": st.text(st.characters(codec="utf-8"))}), min_size=1))
def test_json_lines_come_back_whole(tmp_path: Path, rows: list[dict[str, str]]):
    source = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert [row.text for row in read_texts(written(tmp_path, "back.jsonl", source))] == [row["text"] for row in rows]


def test_a_rubric_comes_from_a_file_or_a_dataset_and_from_one_of_them(tmp_path: Path):
    file = written(tmp_path, "holding_back.toml", 'high = "h"\nlow = "l"\nkey = "k"\n')
    assert read_guide(None, file, tmp_path).label == "holding back"
    folder = tmp_path / "datasets/traits/test/holding_back"
    folder.mkdir(parents=True)
    written(folder, "definition.txt", "HIGH (70-100): h\n\nLOW (0-40): l\n\nKey: k\n")
    for side in ("positive", "negative"):
        written(folder, f"{side}.txt", f"a {side} line\n")
    of_dataset = read_guide("test/holding_back", None, tmp_path)
    assert of_dataset == read_guide(None, file, tmp_path) == read_guide(str(folder), None, tmp_path)
    for given_, says in (
        ((None, None), "neither is given"),
        (("test/holding_back", file), "both are given"),
        (("test/nonesuch", None), "There are: test/holding_back"),
        ((None, tmp_path / "none.toml"), "cannot read the rubric"),
        ((None, written(tmp_path, "typo.toml", 'hihg = "h"\nlow = "l"\nkey = "k"\n')), "high = "),
        ((None, written(tmp_path, "broken.toml", "= 3")), "not TOML"),
    ):
        with pytest.raises(UserError) as caught:
            read_guide(*given_, tmp_path)
        assert says in str(caught.value)
