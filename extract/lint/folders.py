"""Lint a dataset folder as it lies on disk, and mend what can be mended without changing a word."""

from pathlib import Path

from extract.dataset import CONTRACT, load_dataset
from extract.lint.findings import Finding, error
from extract.lint.pairs import lint_pair
from extract.lint.sets import SetLimits, lint_set
from lm.errors import UserError


def lint_folder(folder: Path, limits: SetLimits) -> list[Finding]:
    """All findings about a dataset folder; one that cannot be read has the single finding F001.

    Raises UserError where there is no such folder.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no dataset folder. One holds {', '.join(CONTRACT)}.")
    try:
        dataset = load_dataset(folder)
    except UserError as unreadable:
        return [error("F001", str(unreadable))]
    label = dataset.trait.label
    findings: list[Finding] = []
    for number, pair in enumerate(dataset.pairs):
        found = lint_pair(pair, dataset.pairs[:number], label)
        findings += [finding.model_copy(update={"pair": pair.id}) for finding in found]
    return [*findings, *lint_set(dataset.pairs, limits, dataset.steering.questions)]


def mend_folder(folder: Path) -> list[str]:
    """Mend what is safe in the two scenario files: byte order marks, CRLF, spaces at line ends, blank last lines.

    Returns what was changed. Files beside them that repeat the scenarios (pairs.jsonl) are left alone, so a folder
    that has one is not mended.
    """
    if (folder / "pairs.jsonl").exists():
        return []
    changed = []
    for name in ("positive.txt", "negative.txt"):
        file = folder / name
        if not file.is_file():
            continue
        before = file.read_bytes()
        after = _mend(before)
        if after != before:
            file.write_bytes(after)
            changed.append(f"{name}: line ends and spaces")
    return changed


def _mend(data: bytes) -> bytes:
    lines = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").split(b"\n")
    stripped = [line.strip(b" \t\r") for line in lines]
    while stripped and not stripped[-1]:
        stripped.pop()
    return b"".join(line + b"\n" for line in stripped)
