"""The main job with every role on vLLM, and weights loaded beside it."""

import json
from pathlib import Path

import pytest

from agent.spec import Spec
from lm import CallStore
from tests.agent.runs import finish, start
from tests.vllm.serving import IN_PROCESS

pytestmark = pytest.mark.vllm

STEERED_HERE = ("assistant", "steer_dataset")
"""Answers of the weights beside the server: nothing is sent for them."""


def spec_of(model: str, **fields: object) -> Spec:
    values = {"author": model, "judge": model, "subject": model, "pairs": 60, **fields}
    return Spec.model_validate({"category": "alignment", "trait": "strategic_omission", **values})


def served(server: str) -> str:
    return f"vllm:organism@{server}/v1"


def messages(server: str) -> dict[str, str]:
    return dict.fromkeys(("author", "judge"), f"anthropic:organism@{server}")


@pytest.mark.parametrize("kind", ["server", "anthropic", "engine"])
def test_a_run(server: str, tmp_path: Path, kind: str):
    others = messages(server) if kind == "anthropic" else {}
    spec = spec_of(
        IN_PROCESS if kind == "engine" else served(server),
        subject_weights="organism",
        assistant_weights="organism",
        **others,
    )
    folder = start(tmp_path, spec)
    result = finish(folder)
    shown = json.loads(folder.validation_file.read_text())
    assert result.end == "done", result
    assert shown["scenarios"]["n_pairs"] >= 50
    assert shown["scenarios"]["pass_rate"] >= 0.9
    assert shown["steering"]["delta"] > 0
    asked = [row for row in CallStore(folder.store_file).usage() if (row.role, row.step) != STEERED_HERE]
    assert sum(row.attempts for row in asked) >= sum(row.calls for row in asked) > 0
    if kind != "anthropic":  # vLLM's messages endpoint does not tell.
        assert shown["cost"]["tokens_cached"] > 0.5 * shown["cost"]["tokens_in"], "what prompts share comes first"


def test_without_weights_a_run_ends_after_the_dataset(server: str, tmp_path: Path):
    folder = start(tmp_path, spec_of(served(server), pairs=50))
    assert finish(folder).end == "done"
    shown = json.loads(folder.validation_file.read_text())
    assert shown["scenarios"]["pass_rate"] >= 0.9
    assert shown["steering"] is None
    assert "no weights of the subject and assistant" in shown["message"]
