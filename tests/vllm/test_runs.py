"""The main job with every role on a real server, and weights loaded beside it."""

import json
from pathlib import Path

import pytest

from agent.spec import Spec
from tests.agent.runs import finish, start

pytestmark = pytest.mark.vllm


def spec_on(server: str, **fields: object) -> Spec:
    served = f"vllm:organism@{server}/v1"
    values = {"author": served, "judge": served, "subject": served, "pairs": 60, **fields}
    return Spec.model_validate({"category": "alignment", "trait": "strategic_omission", **values})


@pytest.mark.parametrize("kind", ["vllm", "anthropic"])
def test_a_run_on_a_server(server: str, tmp_path: Path, kind: str):
    others = {"author": f"anthropic:organism@{server}", "judge": f"anthropic:organism@{server}"}
    spec = spec_on(server, subject_weights="organism", **(others if kind == "anthropic" else {}))
    folder = start(tmp_path, spec)
    result = finish(folder)
    shown = json.loads(folder.validation_file.read_text())
    assert result.end == "done", result
    assert shown["scenarios"]["n_pairs"] >= 50
    assert shown["scenarios"]["pass_rate"] >= 0.9
    assert shown["steering"]["delta"] > 0
    assert shown["cost"]["attempts"] >= shown["cost"]["calls"] > 0


def test_without_weights_a_run_ends_after_the_dataset(server: str, tmp_path: Path):
    folder = start(tmp_path, spec_on(server, pairs=50))
    assert finish(folder).end == "done"
    shown = json.loads(folder.validation_file.read_text())
    assert shown["scenarios"]["pass_rate"] >= 0.9
    assert shown["steering"] is None
