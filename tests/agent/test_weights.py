"""Which weights stand for a served model, and the check that they are the served ones."""

import pytest

from agent.cast import check_references
from agent.errors import GateFailed, SpecError
from agent.spec import Spec
from agent.steps.agreement import check_agreement
from lm import Request, ScriptedModel

PROMPTS = [f"text {number}" for number in range(12)]
SERVED = "vllm:base@http://127.0.0.1:8000/v1"


def spec(**fields: object) -> Spec:
    return Spec.model_validate({"category": "test", "trait": "x", "subject": SERVED, **fields})


def writer(differs: int) -> ScriptedModel:
    """Continues the first so many texts in its own way."""

    def reply(request: Request) -> str:
        number = int(str(request.prompt).split()[-1])
        return f"mine {number}" if number < differs else f"all alike {number}"

    return ScriptedModel(reply, lambda _: {})


async def test_weights_that_write_what_the_server_writes_are_taken():
    assert "8 of 8 texts" in await check_agreement("subject", writer(0), writer(0), PROMPTS)
    assert "6 of 8 texts" in await check_agreement("subject", writer(0), writer(2), PROMPTS)


async def test_other_weights_fail_a_gate():
    with pytest.raises(GateFailed, match=r"5 of 8 texts alike .* --subject-weights") as failed:
        await check_agreement("subject", writer(0), writer(3), PROMPTS)
    assert failed.value.gate == "weights"


def test_where_weights_come_from():
    assert spec().weights("subject") is None
    assert spec(subject_weights="hf:w").weights("subject") == "hf:w"
    assert spec(subject_weights="hf:w").weights("assistant") == "hf:w"
    other = "vllm:chat@http://127.0.0.1:8000/v1"
    assert spec(subject_weights="hf:w", assistant=other).weights("assistant") is None
    assert spec(assistant=other, assistant_weights="hf:c").weights("assistant") == "hf:c"
    assert spec(subject="organism").weights("assistant") == "organism"


def test_a_reference_without_weights_is_refused():
    with pytest.raises(SpecError, match=r"--subject-weights .* has no weights to load"):
        check_references(spec(subject_weights=SERVED))
