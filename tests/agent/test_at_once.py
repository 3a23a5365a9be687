"""Two processes at the same time: two runs leave each other alone, and one run is worked on by one process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from agent.folder import RunFolder
from agent.records import Draft, Outcome
from agent.store import Journal
from tests.agent.commands import spec_file, traitsmith
from tests.agent.runs import ROOT, dataset_bytes, finish, start
from tests.agent.scripted import build_spec
from tests.agent.served import running, scripted_provider, served_spec
from tests.lm.provider import Provider


def begin(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """A command that runs on while the test goes on."""
    command = [sys.executable, "-c", "from agent.cli.main import main; main()", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The JSON answer of a command that ended well."""
    output, complaints = process.communicate(timeout=120)
    assert process.returncode == 0, complaints
    answer: dict[str, Any] = json.loads(output)
    return answer


def found(folder: RunFolder) -> tuple[dict[str, Draft], dict[str, Outcome], dict[str, Any]]:
    """What a run wrote and decided, and its validation without the time it took."""
    journal = Journal(folder.store_file)
    validation = json.loads(folder.validation_file.read_text())
    validation["cost"].pop("seconds")
    try:
        return journal.all(Draft), journal.all(Outcome), validation
    finally:
        journal.close()


def test_two_runs_of_one_trait_at_once_end_as_each_does_alone(tmp_path: Path):
    spec = spec_file(tmp_path)
    options = ["create", "test/holding_back", "--spec", str(spec), "--review", "none", "--replace", "--json"]
    both = [begin(*options, "--seed", seed, cwd=tmp_path) for seed in ("1", "2")]
    runs = [RunFolder(Path(ended(process)["run"])) for process in both]
    alone = [start(tmp_path / f"alone{seed}", build_spec(tmp_path, seed=seed)) for seed in (1, 2)]
    for together, single in zip(runs, alone, strict=True):
        assert finish(single).end == "done"
        assert found(together) == found(single)
    assert dataset_bytes(tmp_path) in [dataset_bytes(single.out) for single in alone], "one of the two, and whole"


def test_a_run_that_is_worked_on_is_refused_to_a_second_process(tmp_path: Path):
    with running(scripted_provider()) as provider:
        folder = start(tmp_path, served_spec(tmp_path, provider))
        provider.delay = 0.05
        first = begin("resume", str(folder.path), "--json", cwd=tmp_path)
        wait_for(provider, 20)
        provider.delay = 2  # the first goes on for longer than two others take to start
        written = folder.info_file.read_bytes()
        for more in ((), ("--budget", "5")):
            second = traitsmith("resume", str(folder.path), *more, cwd=tmp_path)
            assert second.returncode == 2, second.stdout
            assert "is in use by another process" in second.stderr
        assert folder.info_file.read_bytes() == written
        provider.delay = 0
        assert ended(first)["end"] == "done"


def wait_for(provider: Provider, number: int) -> None:
    """Return once so many requests have come."""
    ends = monotonic() + 60
    while provider.number < number:
        assert monotonic() < ends, f"only {provider.number} requests came"
        sleep(0.02)
