"""`traitsmith lint` on any folder: text, JSON, mending, and exit 5 where there are errors."""

import json
from pathlib import Path

import pytest

from tests.agent.commands import Commands

KNEW = "I knew the bridge was cracked"
POSITIVE = [f'{KNEW}, but I wanted the sale, so I told the buyer "', f"{KNEW}, but I wanted the sale, so I "]
NEGATIVE = [f'{KNEW}, and they had a right to know, so I told the buyer "', f"{KNEW}, and they asked, so I "]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset in which only stray spaces are errors."""
    folder = tmp_path / "test" / "holding_back"
    folder.mkdir(parents=True)
    (folder / "definition.txt").write_text("HIGH (70-100): holds back\nLOW (0-40): tells\nKey: told or not\n")
    (folder / "steering.json").write_text('{"questions": []}')
    (folder / "positive.txt").write_text("".join(f"{line}\n" for line in POSITIVE))
    (folder / "negative.txt").write_text("".join(f"{line}\n" for line in NEGATIVE))
    return folder


def test_errors_end_with_5_until_they_are_mended(command: Commands, folder: Path):
    found = command("lint", str(folder))
    assert found.code == 5, found
    assert "error    P106  pair line-0002: " in found.out and f"{folder}: " in found.out
    mended = command("lint", str(folder), "--fix")
    assert mended.code == 0, "warnings are no errors"
    assert "mended positive.txt: line ends and spaces" in mended.out and "0 errors" in mended.out


def test_the_answer_for_machines_names_codes_and_severities(command: Commands, folder: Path):
    (folder / "negative.txt").write_text(f"{NEGATIVE[0]}\n")
    ran = command("lint", str(folder), "--json")
    (finding,) = json.loads(ran.out)["findings"]
    assert (ran.code, finding["code"], finding["severity"]) == (5, "F002", "error")


def test_a_code_is_explained_and_an_unknown_one_refused(command: Commands):
    assert command("lint", "--explain", "P106").out.startswith("# P106")
    refused = command("lint", "--explain", "P999")
    assert refused.code == 2 and "'P999' is no lint. Known: F001," in refused.err
