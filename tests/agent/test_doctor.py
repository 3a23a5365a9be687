"""`traitsmith doctor` and what a run says of a model that cannot play its role, against a server on loopback."""

import asyncio
import json
from pathlib import Path
from subprocess import CompletedProcess

from tests.agent.commands import traitsmith
from tests.agent.test_cli import TRAIT
from tests.lm.provider import Provider


async def test_doctor_says_what_each_model_can_be(tmp_path: Path):
    async with Provider() as provider:
        references = [f"openai:small@{provider.url}", f"anthropic:small@{provider.root}", f"vllm:large@{provider.url}"]
        done = await asyncio.to_thread(traitsmith, "doctor", *references, "--json", cwd=tmp_path)
        told = await asyncio.to_thread(traitsmith, "doctor", references[1], cwd=tmp_path)
    assert done.returncode == 2
    answer = json.loads(done.stdout)
    assert answer["installed"]["openai"]
    served, chatting, missing = answer["models"]
    assert served["roles"] == ["author", "judge", "subject", "assistant"]
    assert served["judge"] == {"backend": "top probabilities", "scale": ["0", "100"]}
    assert chatting["judge"] == {"backend": "samples", "scale": None}
    assert list(chatting["lacks"]) == ["subject"]
    assert "Served: small" in missing["error"]
    assert told.returncode == 0
    assert "cannot be the subject: it lacks completion of plain texts" in told.stdout


async def test_what_a_role_lacks_is_one_error_and_no_run_is_left(tmp_path: Path):
    async with Provider() as provider:
        good, chatting = f"openai:small@{provider.url}", f"anthropic:small@{provider.root}"

        async def create(**others: str) -> CompletedProcess[str]:
            roles = {"author": good, "judge": good, "subject": good, **others}
            options = [word for role, reference in roles.items() for word in (f"--{role}", reference)]
            return await asyncio.to_thread(traitsmith, "create", TRAIT, *options, cwd=tmp_path)

        provider.refuse_parameters = ("response_format",)
        lacking = await create()
        provider.refuse_parameters = ()
        silent = await create(subject=chatting)
        provider.misbehave = lambda number: "401"
        denied = await create()
    for done, words in (
        (lacking, "cannot be the author: it lacks structured output"),
        (silent, "cannot be the subject: it lacks completion of plain texts"),
        (denied, "Incorrect API key provided"),
    ):
        assert done.returncode == 2, done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())
