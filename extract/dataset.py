"""The dataset folder: four contract files that other tools read, and three of our own.

    positive.txt, negative.txt   one scenario per line, matched by line number      \\
    definition.txt               the judge's rubric: HIGH, LOW, Key                   | the contract
    steering.json                questions (full texts), prefix, baseline           /
    trait.toml                   what the trait is, and its taxonomy
    pairs.jsonl                  all that is known of each pair, in the order of the lines
    card.json                    how the dataset came to be

The same dataset gives the same bytes: nothing here writes a time, a path or a random id.
"""

import hashlib
import io
import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonlines
import tomli_w
from pydantic import ConfigDict, Field, ValidationError

from extract.folder import read_folder, write_folder
from extract.trait import Pair, Side, Taxonomy, Trait
from lm.errors import UserError
from lm.faults import first_fault
from lm.types import Value
from lm.verdicts import Rubric

CONTRACT = ("positive.txt", "negative.txt", "definition.txt", "steering.json")
OURS = ("trait.toml", "pairs.jsonl", "card.json")

UNPLACED = Taxonomy(
    categories=("cognitive",),
    direction="expressed",
    target="self",
    temporal="hum",
    valence="neutral",
    epistemic="certain",
)
"""Stands in for the taxonomy of a folder without trait.toml; such a dataset's card names the missing files."""


class Steering(Value):
    """Contents of steering.json. Keys that other tools add are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    questions: tuple[str, ...] = ()
    """Full texts, the behavioural prefix included."""
    prefix: str = ""
    """The prefix alone: informative, never prepended."""
    baseline: float | None = None
    """Mean trait score of the unsteered assistant, 0-100; None where it was not measured."""


class Dataset(Value):
    """A trait, its pairs, its steering questions, and the card that says how they came to be."""

    trait: Trait
    pairs: tuple[Pair, ...]
    steering: Steering = Steering()
    card: dict[str, Any] = Field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the contract files."""
        files = contract_files(self)
        return hashlib.sha256(b"\0".join(files[name] for name in CONTRACT)).hexdigest()


def save_dataset(dataset: Dataset, path: str | Path, *, replace: bool = False) -> None:
    """Write the folder in one step; an existing one only with `replace`. Raises UserError for unusable scenarios."""
    write_folder(Path(path), dataset_files(dataset), replace=replace)


def load_dataset(path: str | Path) -> Dataset:
    """Read a dataset folder; one with only the four contract files will do.

    Raises UserError naming file and line where the folder is not as agreed.
    """
    folder = Path(path)
    files = read_folder(folder, CONTRACT + OURS)
    for name in CONTRACT[:3]:
        if name not in files:
            raise UserError(f"{folder / name} is missing. A dataset folder holds {', '.join(CONTRACT)}.")
    sides = _matched_lines(folder, files)
    rubric = _parse_rubric(folder / "definition.txt", _text(folder / "definition.txt", files["definition.txt"]))
    missing = [name for name in CONTRACT + OURS if name not in files]
    return Dataset(
        trait=_read_trait(folder, files, rubric),
        pairs=_read_pairs(folder, files, sides),
        steering=_read_json(folder / "steering.json", files, Steering),
        card=_read_card(folder, files) | ({"missing": missing} if missing else {}),
    )


def dataset_files(dataset: Dataset) -> dict[str, bytes]:
    """The bytes of all seven files."""
    return contract_files(dataset) | _own_files(dataset)


def contract_files(dataset: Dataset) -> dict[str, bytes]:
    """The bytes of the four contract files."""
    return {
        "positive.txt": _scenario_lines("positive", [pair.positive for pair in dataset.pairs]),
        "negative.txt": _scenario_lines("negative", [pair.negative for pair in dataset.pairs]),
        "definition.txt": dataset.trait.rubric.as_text().encode(),
        "steering.json": _json_bytes(dataset.steering.model_dump(mode="json")),
    }


def _own_files(dataset: Dataset) -> dict[str, bytes]:
    trait = dataset.trait
    described = {
        "category": trait.category,
        "name": trait.name,
        "is": trait.is_,
        "is_not": trait.is_not,
        "orthogonal": trait.orthogonal,
        "setup_rule": trait.taxonomy.setup_rule.value,
        "neighbours": list(trait.neighbours),
        "taxonomy": trait.taxonomy.model_dump(mode="json"),
    }
    return {
        "trait.toml": tomli_w.dumps(described).encode(),
        "pairs.jsonl": _jsonl_bytes([pair.model_dump(mode="json") for pair in dataset.pairs]),
        "card.json": _json_bytes(dataset.card),
    }


def _json_bytes(data: object) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode()


def _jsonl_bytes(rows: Sequence[dict[str, Any]]) -> bytes:
    buffer = io.StringIO()
    with jsonlines.Writer(buffer, dumps=lambda row: json.dumps(row, ensure_ascii=False)) as writer:
        writer.write_all(rows)
    return buffer.getvalue().encode()


def _scenario_lines(side: Side, scenarios: Sequence[str]) -> bytes:
    for number, scenario in enumerate(scenarios, 1):
        if fault := _fault(scenario):
            raise UserError(f"The {side} scenario of pair {number} {fault}: {scenario!r}.")
    return "".join(f"{scenario}\n" for scenario in scenarios).encode()


def _fault(scenario: str) -> str:
    """What keeps a scenario from being one line of a text file; empty when nothing does."""
    if not scenario.strip():
        return "is blank"
    if len(scenario.splitlines()) > 1 or scenario.splitlines()[0] != scenario:
        return "holds a line break"
    return ""


def decode(path: Path, data: bytes) -> str:
    """A file's text. Raises UserError naming line and byte where it is not UTF-8; NUL bytes are those of UTF-16."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _no_text(path, data, error.start) from error
    if "\0" in text:
        raise _no_text(path, data, data.index(b"\0"))
    return text


def _no_text(path: Path, data: bytes, at: int) -> UserError:
    line = data[:at].count(b"\n") + 1
    return UserError(f"{path}, line {line}: not UTF-8 (byte {at} is 0x{data[at]:02x}). Save the file as UTF-8.")


def _text(path: Path, data: bytes) -> str:
    text = decode(path, data)
    if text.startswith("\ufeff"):
        raise UserError(f"{path}, line 1: starts with a byte order mark. Save the file as UTF-8 without one.")
    if "\r" in text:
        line = text[: text.index("\r")].count("\n") + 1
        raise UserError(f"{path}, line {line}: ends in CRLF. Save the file with LF line ends.")
    return text


def read_scenarios(path: Path, data: bytes) -> list[str]:
    """The scenarios of a file's bytes, one a line; UserError naming file and line where a line is none."""
    lines = _text(path, data).split("\n")
    if lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, 1):
        if fault := _fault(line):
            raise UserError(f"{path}, line {number}: {fault}. One scenario per line, no blank lines.")
    return lines


def _matched_lines(folder: Path, files: dict[str, bytes]) -> list[tuple[str, str]]:
    positive = read_scenarios(folder / "positive.txt", files["positive.txt"])
    negative = read_scenarios(folder / "negative.txt", files["negative.txt"])
    if len(positive) != len(negative):
        raise UserError(
            f"{folder}: positive.txt has {len(positive)} lines, negative.txt has {len(negative)}. "
            "Scenarios are matched by line number, so the counts must be equal."
        )
    return list(zip(positive, negative, strict=True))


def _parse_rubric(path: Path, text: str) -> Rubric:
    """The rubric of definition.txt; other headings between the three stay with the one before them."""
    parts = re.split(r"(?m)^(HIGH|LOW|Key)\b[^:\n]*:", text)
    found = {heading.lower(): body.strip() for heading, body in zip(parts[1::2], parts[2::2], strict=True)}
    absent = [name for name in ("HIGH", "LOW") if not found.get(name.lower())]
    if absent:
        raise UserError(
            f"{path}: no '{absent[0]} (…):' paragraph. A definition has HIGH (70-100), LOW (0-40) and Key paragraphs."
        )
    return Rubric(high=found["high"], low=found["low"], key=found.get("key", ""))


def _read_trait(folder: Path, files: dict[str, bytes], rubric: Rubric) -> Trait:
    path = folder / "trait.toml"
    described: dict[str, Any] = {"category": folder.resolve().parent.name, "name": folder.resolve().name}
    if "trait.toml" in files:
        try:
            described = tomllib.loads(_text(path, files["trait.toml"]))
        except tomllib.TOMLDecodeError as error:
            raise UserError(f"{path}: not TOML: {error}.") from error
    try:
        return Trait(
            category=described.get("category", ""),
            name=described.get("name", ""),
            is_=described.get("is", ""),
            is_not=described.get("is_not", ""),
            orthogonal=described.get("orthogonal", ""),
            taxonomy=described.get("taxonomy", UNPLACED),
            rubric=rubric,
            neighbours=tuple(described.get("neighbours", ())),
        )
    except ValidationError as error:
        where = path if "trait.toml" in files else folder
        raise UserError(f"{where}: {first_fault(error)}.") from error


def _read_pairs(folder: Path, files: dict[str, bytes], sides: Sequence[tuple[str, str]]) -> tuple[Pair, ...]:
    if "pairs.jsonl" not in files:
        return tuple(
            Pair(id=f"line-{number:04d}", ground_truth="", positive=positive, negative=negative, lock_in="other")
            for number, (positive, negative) in enumerate(sides, 1)
        )
    path = folder / "pairs.jsonl"
    text = _text(path, files["pairs.jsonl"])
    pairs: list[Pair] = []
    try:
        for row in jsonlines.Reader(io.StringIO(text)):
            pairs.append(Pair.model_validate(row))
    except jsonlines.InvalidLineError as error:
        raise UserError(f"{path}, line {error.lineno}: not JSON.") from error
    except ValidationError as error:
        raise UserError(f"{path}, line {len(pairs) + 1}: {first_fault(error)}.") from error
    if len(pairs) != len(sides):
        raise UserError(f"{path} has {len(pairs)} lines, positive.txt has {len(sides)}; they must be equal.")
    for number, (pair, side) in enumerate(zip(pairs, sides, strict=True), 1):
        if (pair.positive, pair.negative) != side:
            raise UserError(f"{path}, line {number}: differs from line {number} of positive.txt and negative.txt.")
    return tuple(pairs)


def _read_json(path: Path, files: dict[str, bytes], kind: type[Steering]) -> Steering:
    if path.name not in files:
        return kind()
    try:
        return kind.model_validate_json(_text(path, files[path.name]))
    except ValidationError as error:
        raise UserError(f"{path}: {first_fault(error)}.") from error


def _read_card(folder: Path, files: dict[str, bytes]) -> dict[str, Any]:
    if "card.json" not in files:
        return {"vetted": False}
    path = folder / "card.json"
    try:
        card = json.loads(_text(path, files["card.json"]))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: not JSON: {error.msg}.") from error
    if not isinstance(card, dict):
        raise UserError(f"{path}: holds a {type(card).__name__}; a card is an object.")
    return card
