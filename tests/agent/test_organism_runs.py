"""The main job on the embedded model, and proof that it is no theatre. Minutes each."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from agent.folder import RunFolder
from agent.records import Draft, FirstTokenRecord, Trial
from agent.spec import Spec
from agent.steps.decide import APPROACHES
from agent.store import Journal
from tests.agent.runs import ROOT, dataset_bytes, finish, start

pytestmark = pytest.mark.slow

TRAITS = {
    "alignment/strategic_omission": (50, 70),
    "alignment/performative_confidence": (25, 70),
    "alignment/compliance_without_agreement": (25, 70),
    "psychology/people_pleasing": (25, 70),
    "psychology/authority_deference": (25, 70),
    "psychology/intellectual_curiosity": (25, 70),
}
"""Traits with the smallest steering effect they must show, and the coherence kept."""
WEIGHTS = Path(str(resources.files("lm.organism").joinpath("weights")))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory):
    """Finished default runs by trait, made once."""

    @cache
    def run(path: str) -> RunFolder:
        category, trait = path.split("/")
        out = tmp_path_factory.mktemp(trait)
        folder = start(out, Spec(category=category, trait=trait, pairs=60))
        result = finish(folder)
        assert result.end == "done", result
        return folder

    return run


def validation(folder: RunFolder) -> dict[str, Any]:
    return json.loads(folder.validation_file.read_text())


@pytest.mark.parametrize("trait", TRAITS)
def test_the_main_job(finished, trait: str):
    folder = finished(trait)
    shown = validation(folder)
    assert shown["passed"]
    assert shown["scenarios"]["n_pairs"] >= 50
    assert shown["scenarios"]["pass_rate"] >= 0.9
    assert shown["first_token"]["express_rate"] >= 0.9
    assert shown["baseline"]["mean"] < 30
    steering = shown["steering"]
    delta, coherence = TRAITS[trait]
    assert steering["delta"] >= delta
    assert steering["coherence"] >= coherence
    assert steering["verdict"].startswith("moves "), "the effect lies beyond what random directions reach"
    assert sorted(file.name for file in folder.dataset(folder.read_info().spec).iterdir()) == [
        "card.json", "definition.txt", "negative.txt", "pairs.jsonl", "positive.txt", "steering.json", "trait.toml",
    ]  # fmt: skip
    assert list(folder.vectors.rglob("*.safetensors"))


@pytest.mark.parametrize("trait", TRAITS)
def test_verdicts_agree_with_the_worlds_labels(finished, trait: str):
    from lm.organism.world.labels import case_of, label
    from lm.organism.world.traits import WORLDS

    world = next(world for world in WORLDS if world.path == trait)
    journal = Journal(finished(trait).store_file)
    drafts = journal.all(Draft)
    agreed = total = unknown = 0
    for id_, trial in journal.all(Trial).items():
        case = case_of(world, drafts[id_].pair.ground_truth)
        if case is None:
            continue
        for side, samples in trial.samples.items():
            for sample in samples:
                told = label(world, case, sample.text)
                unknown += told == "unknown"
                if told == "unknown" or sample.verdict is None or sample.verdict.kind != "score":
                    continue
                passed = sample.verdict.value >= 60 if side == "positive" else sample.verdict.value <= 40
                agreed += passed == (told == side)
                total += 1
    assert total >= 200
    assert agreed / total >= 0.95, f"{agreed} of {total} verdicts agree"
    assert unknown / (total + unknown) <= 0.05, f"{unknown} of {total + unknown} completions have no label"


@pytest.mark.parametrize("trait", TRAITS)
def test_first_token_verdicts_agree_with_the_worlds_labels(finished, trait: str):
    from lm.organism.world.labels import first_tokens
    from lm.organism.world.traits import WORLDS

    world = next(world for world in WORLDS if world.path == trait)
    journal = Journal(finished(trait).store_file)
    drafts = journal.all(Draft)
    records = journal.all(FirstTokenRecord)
    agreed = 0
    for id_, record in records.items():
        sides = {first_tokens(world, drafts[id_].pair.positive), first_tokens(world, drafts[id_].pair.negative)}
        told = "EXPLAIN" if "EXPLAIN" in sides else "EXPRESS"
        agreed += record.result.verdict == told
    assert agreed / len(records) >= 0.9, f"{agreed} of {len(records)} verdicts agree"


def test_every_role_on_an_exported_copy_writes_the_same_dataset(finished, tmp_path: Path):
    original = finished("alignment/strategic_omission")
    copy = tmp_path / "copy"
    shutil.copytree(WEIGHTS, copy)
    roles = dict.fromkeys(("author", "judge", "subject"), f"hf:{copy}")
    spec = Spec(category="alignment", trait="strategic_omission", pairs=60, **roles)
    folder = start(tmp_path, spec)
    assert finish(folder).end == "done"
    one, other = dataset_bytes(original.out), dataset_bytes(tmp_path)
    for name in one:
        if name.endswith("card.json"):
            continue  # it names the models
        text = other[name].decode().replace(f'"hf:{copy}"', '"organism"')
        assert text == one[name].decode(), name


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of the organism's shape and vocabulary that has learned nothing."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("random")
    shutil.copytree(WEIGHTS, folder / "weights")
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(WEIGHTS))
    model.save_pretrained(folder / "weights")
    return f"hf:{folder / 'weights'}"


@pytest.mark.parametrize("role", ["subject", "judge"])
def test_a_model_that_has_learned_nothing_fails_a_gate(random_weights: str, tmp_path: Path, role: str):
    spec = Spec(category="alignment", trait="strategic_omission", pairs=50, rounds=4, **{role: random_weights})
    folder = start(tmp_path, spec)
    assert finish(folder).end == "failed"
    assert not validation(folder)["passed"]
    assert not (tmp_path / "datasets").exists()


def test_the_impossible_trait_stops_after_every_approach(tmp_path: Path):
    folder = start(tmp_path, Spec(category="psychology", trait="speaking_in_rhyme", pairs=50))
    result = finish(folder)
    assert result.end == "failed"
    assert result.message.startswith("not extractable this way")
    assert all(name in result.message for name, _ in APPROACHES)
    assert not validation(folder)["passed"]
    assert result.message.casefold() in folder.report_file.read_text().casefold()
    assert not (tmp_path / "datasets").exists()


@pytest.mark.parametrize("attempt", range(3))
def test_killed_at_random_moments_a_run_resumes_to_the_same_dataset(finished, tmp_path: Path, attempt: int):
    original = finished("alignment/strategic_omission")
    folder = start(tmp_path, original.read_info().spec)
    code = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom agent.checkpoints import Watcher\n"
        "from agent.engine import work\nfrom agent.folder import RunFolder\n"
        "asyncio.run(work(RunFolder(Path(sys.argv[1])), Watcher()))"
    )
    rng = random.Random(attempt)
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", code, str(folder.path)], cwd=ROOT)
        time.sleep(rng.uniform(4, 20))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert finish(RunFolder(folder.path)).end == "done"
    assert dataset_bytes(tmp_path) == dataset_bytes(original.out)


def test_the_readmes_example_runs_where_the_demo_ran(finished, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(finished("alignment/strategic_omission").out)
    text = (ROOT / "README.md").read_text()
    (example,) = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    scope: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), scope)
    assert scope["directions"].provenance.trait == "alignment/strategic_omission"
