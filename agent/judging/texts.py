"""Texts to judge, from plain lines, JSON lines or CSV, with what is known about each."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError, field_validator

from lm.errors import UserError
from lm.faults import shortened
from lm.types import Value

_FIELDS = ("text", "situation", "level", "label")
_ALLOWED = "A row has `text` and, if known, `situation`, and `level` (0-100) or `label` (0 or 1)"


class TextRow(Value):
    """One text of a file. Fields of other names are somebody else's and are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    line: int
    """Where it stands in its file, counted from 1."""
    text: str
    situation: str | None = None
    """What its speaker knows, or the question it answers."""
    level: float | None = Field(default=None, ge=0, le=100, allow_inf_nan=False)
    """How strongly it shows the trait, as people say, 0-100."""
    label: Literal[0, 1] | None = None
    """Whether it shows the trait, as people say."""

    @field_validator("level", "label", mode="before")
    @classmethod
    def _number(cls, given: object, info: Any) -> object:
        """Truth values are labels, never levels; the cells of a CSV file are texts."""
        if isinstance(given, bool):
            if info.field_name == "level":
                raise ValueError("a level is a number from 0 to 100")
            return int(given)
        if isinstance(given, str) and info.field_name == "label":
            return {"0": 0, "1": 1, "false": 0, "true": 1}.get(given.strip().lower(), given)
        return given


def read_texts(file: Path) -> list[TextRow]:
    """The texts of a .jsonl or .csv file, or of the lines of any other; blank lines are none.

    UserError names the file and line of what cannot be used.
    """
    source = _read(file)
    read = {".jsonl": _json_lines, ".ndjson": _json_lines, ".csv": _cells}.get(file.suffix.lower(), _plain_lines)
    rows = [_row(file, line, given) for line, given in read(file, source)]
    if not rows:
        raise UserError(f"{file} holds no texts. {_ALLOWED}; a plain file has one text per line.")
    return rows


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"cannot read {str(file)!r}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{file}, line {line}: not UTF-8 (byte {error.start}). Save the file as UTF-8.") from error


def _plain_lines(_: Path, source: str) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(source.split("\n"), 1):
        if line.strip():
            yield number, {"text": line.rstrip("\r")}


def _json_lines(file: Path, source: str) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(source.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UserError(f"{file}, line {number}: not JSON: {error}. Write one object per line.") from error


def _cells(file: Path, source: str) -> Iterator[tuple[int, object]]:
    reader = csv.DictReader(io.StringIO(source, newline=""), strict=True)
    try:
        if "text" not in (reader.fieldnames or ()):
            raise UserError(f"{file}, line 1: no column `text`. The first line names the columns. {_ALLOWED}.")
        for cells in reader:
            if None in cells:
                raise UserError(f"{file}, line {reader.line_num}: more cells than columns. Quote texts with commas.")
            # An empty cell says nothing, except that a text is empty.
            yield reader.line_num, {name: cell for name, cell in cells.items() if cell or name == "text"}
    except csv.Error as error:
        raise UserError(f"{file}, line {reader.line_num}: not CSV: {error}.") from error


def _row(file: Path, line: int, given: object) -> TextRow:
    if not isinstance(given, dict):
        raise UserError(f"{file}, line {line}: {type(given).__name__} where an object should be. {_ALLOWED}.")
    try:
        row = TextRow.model_validate({name: given[name] for name in _FIELDS if name in given} | {"line": line})
    except ValidationError as error:
        fault = error.errors()[0]
        field = fault["loc"][0]
        got = f", got {shortened(given[field])}" if field in given else ""
        raise UserError(f"{file}, line {line}: {field}: {fault['msg']}{got}. {_ALLOWED}.") from error
    if row.level is not None and row.label is not None:
        raise UserError(f"{file}, line {line}: both a level and a label. {_ALLOWED}.")
    return row
