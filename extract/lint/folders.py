"""Lint a dataset folder as it lies on disk, and mend what can be mended without changing a word."""

import json
from collections.abc import Iterator
from pathlib import Path

from extract.dataset import CONTRACT, OURS, decode, load_dataset
from extract.folder import read_bytes, write_file
from extract.lint.findings import Finding, found
from extract.lint.pairs import lint_pair, terms_of
from extract.lint.sets import SetLimits, lint_set
from extract.trait import SIDES
from lm.errors import UserError

SCENARIOS = ("positive.txt", "negative.txt")


def lint_folder(folder: Path, limits: SetLimits) -> list[Finding]:
    """All findings about a dataset folder; of one that cannot be read, why (F001 to F003).

    Raises UserError where there is no such folder.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no dataset folder. One holds {', '.join(CONTRACT)}.")
    if faults := _unreadable(folder) or list(_check_lines(folder)):
        return faults
    try:
        dataset = load_dataset(folder)
    except UserError as unreadable:
        return [found("F001", str(unreadable))]
    terms = terms_of(dataset.trait)
    findings: list[Finding] = []
    for number, pair in enumerate(dataset.pairs):
        about = lint_pair(pair, dataset.pairs[:number], terms)
        findings += [finding.model_copy(update={"pair": pair.id}) for finding in about]
    return [*findings, *lint_set(dataset.pairs, limits, dataset.steering.questions)]


def _unreadable(folder: Path) -> list[Finding]:
    """Files that are no text of UTF-8, or cannot be opened; where one is missing is found by whoever loads."""
    findings = []
    for name in (*CONTRACT, *OURS):
        file = folder / name
        try:
            decode(file, read_bytes(file))
        except FileNotFoundError:
            continue
        except UserError as unreadable:
            findings.append(found("F001", str(unreadable)))
    return findings


def _check_lines(folder: Path) -> Iterator[Finding]:
    """Blank lines between scenarios, and files of different lengths; what else is wrong is found by whoever loads."""
    counts = {}
    for name in SCENARIOS:
        file = folder / name
        if not file.is_file():
            return
        lines = file.read_bytes().removesuffix(b"\n").split(b"\n")
        counts[name] = len(lines)
        blank = [number for number, line in enumerate(lines, start=1) if not line.strip()]
        if blank:
            yield found("F003", f"{file}, line {blank[0]}: blank; {len(blank)} of {len(lines)} lines are")
    one, other = SCENARIOS
    if counts[one] != counts[other]:
        yield found("F002", f"{folder}: {one} has {counts[one]} lines, {other} has {counts[other]}")


def mend_folder(folder: Path) -> list[str]:
    """Mend what is safe: byte order marks and CRLF in every file, spaces around scenarios and blank lines behind them.

    Scenarios stand in pairs.jsonl as well, and are mended there alike. Returns what was changed; no word ever is, and
    nothing where a file is no text. Raises UserError where a mended file cannot be written.
    """
    if _unreadable(folder):
        return []
    changed = []
    for name in (*CONTRACT, *OURS):
        file = folder / name
        if not file.is_file():
            continue
        before = file.read_bytes()
        after = _mend(name, before)
        if after != before:
            write_file(file, after)
            changed.append(f"{name}: line ends and spaces")
    return changed


def _mend(name: str, data: bytes) -> bytes:
    text = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    if name in SCENARIOS:
        lines = [line.strip(b" \t\r") for line in text.split(b"\n")]
    elif name == "pairs.jsonl":
        lines = [_mend_row(line) for line in text.split(b"\n")]
    else:
        return text
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\n" for line in lines)


def _mend_row(line: bytes) -> bytes:
    """A line of pairs.jsonl without spaces around its scenarios; as it is where they have none, or it is no pair."""
    try:
        row = json.loads(line)
    except ValueError:
        return line
    if not isinstance(row, dict):
        return line
    mended = {side: text.strip(" \t\r") for side in SIDES if isinstance(text := row.get(side), str)}
    same = all(row[side] == text for side, text in mended.items())
    return line if same else json.dumps(row | mended, ensure_ascii=False).encode()
