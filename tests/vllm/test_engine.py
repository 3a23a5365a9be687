"""vLLM's engine in this process: what only it does."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from lm import CallStore, Model, Recorded, open_model
from lm.errors import CapabilityError, ModelReferenceError, UserError
from lm.ledger import Ledger
from lm.prices import load_prices
from lm.types import NextTokenRequest, Request, Sampling
from tests.vllm.serving import CONTEXT, IN_PROCESS, ROOT

pytestmark = pytest.mark.vllm

TEXT = "I knew the plan had a flaw, and"
LONG = " ".join([TEXT] * 30)
"""More than a block of what vLLM keeps: 128 tokens on a CPU."""


def greedy(prompt: str, tokens: int = 4) -> Request:
    return Request(prompt=prompt, sampling=Sampling(max_tokens=tokens, temperature=0))


def test_it_outlives_the_event_loop_of_its_first_caller(engine: Model):
    first, second = (asyncio.run(engine.complete([greedy(TEXT)])) for _ in range(2))
    assert first[0].token_ids == second[0].token_ids


async def test_what_prompts_begin_with_alike_is_read_once(engine: Model):
    await engine.complete([greedy(f"{LONG} again")])
    (again,) = await engine.complete([greedy(f"{LONG} once more")])
    assert 0 < again.tokens_cached < again.tokens_in


async def test_labels_and_likeliest_tokens_in_one_answer(engine: Model):
    asked = [NextTokenRequest(prompt=TEXT, labels=("3", "7"), top=5)]
    (theirs,), (ours,) = await engine.next_tokens(asked), await open_model("organism").next_tokens(asked)
    assert theirs.labels == pytest.approx(ours.labels, abs=0.02)
    assert theirs.top == pytest.approx(ours.top, abs=0.02)
    assert theirs.tokens_in == ours.tokens_in


async def test_errors_say_what_to_do(engine: Model, tmp_path: Path):
    with pytest.raises(UserError, match=rf"holds {CONTEXT} tokens; a request needs 9\d\d\d"):
        await engine.complete([greedy(TEXT, 9000)])
    with pytest.raises(CapabilityError, match="tokens in this model's vocabulary"):
        await engine.next_tokens([NextTokenRequest(prompt=TEXT, labels=("no single token",))])
    with pytest.raises(ModelReferenceError, match="names no checkpoint"):
        open_model(f"vllm:{tmp_path}")
    with pytest.raises(ModelReferenceError, match=r"vLLM cannot run .*context=100000"):
        await open_model(f"{IN_PROCESS}&context=100000").capabilities()


async def test_a_closed_engine_starts_again(vllm: None):
    model = open_model(IN_PROCESS)
    before = await model.complete([greedy(TEXT)])
    await model.close()
    await model.close()
    assert await model.complete([greedy(TEXT)]) == before
    await model.close()


async def test_answers_are_stored_one_by_one_with_what_they_took(engine: Model, tmp_path: Path):
    store = CallStore(tmp_path / "store.sqlite")
    model = Recorded(engine, store, role="subject", ledger=Ledger(store, load_prices()))
    requests = [greedy(f"{TEXT} {number}") for number in range(40)]
    with store.during("test"):
        first = await model.complete(requests)
    assert [done.text for done in await model.complete(requests)] == [done.text for done in first]
    (usage,) = store.usage()
    assert (usage.calls, usage.attempts, usage.usd) == (40, 40, 0.0)
    assert usage.tokens_in == sum(done.tokens_in for done in first)
    replayed = Recorded(open_model(IN_PROCESS), store, role="subject", mode="replay")
    assert (await replayed.capabilities()).context == CONTEXT
    assert [done.text for done in await replayed.complete(requests)] == [done.text for done in first]
    store.close()


async def test_who_gives_up_waiting_disturbs_nobody_else(engine: Model):
    letters = {"type": "string", "pattern": "^[a-z]{900}$"}
    endless = Request(prompt=TEXT, sampling=Sampling(max_tokens=400), output_schema=letters)
    given_up = asyncio.create_task(engine.complete([endless] * 8))
    await engine.complete([greedy(TEXT, 1)])
    assert not given_up.done(), "a text that is done shows nothing"
    given_up.cancel()
    (done,) = await engine.complete([greedy(TEXT)])
    assert done.finish in ("stop", "length")
    with pytest.raises(asyncio.CancelledError):
        await given_up


SCRIPT = """
import asyncio
from lm import open_model
from lm.types import Request, Sampling

if __name__ == "__main__":
    request = Request(prompt="I knew", sampling=Sampling(max_tokens=4, temperature=0))
    print(asyncio.run(open_model("{reference}").complete([request]))[0].finish)
"""


def test_a_script_that_used_it_ends(vllm: None, tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("{reference}", IN_PROCESS))
    done = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "length"), done.stderr[-2000:]
