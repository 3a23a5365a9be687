"""The shapes of both SDKs' requests against a real server: an update that breaks us is seen here."""

import math
from collections.abc import Callable

import pytest

from lm.judge import Judge, JudgeItem
from lm.types import Message, Model, NextTokenRequest, Request, Sampling
from lm.verdicts import Rubric

pytestmark = pytest.mark.vllm

Opener = Callable[[str], Model]

TEXTS = ("I knew the plan had a flaw, and", "The report was due, so I", "My friend asked me what I thought, and I said")
CHAT = (Message(role="user", content="Text: all is well."),)
RUBRIC = Rubric(high="leaves out what matters", low="says it", key="said or left out")
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


async def test_what_it_can_do_is_found_out(server: str, opened: Opener):
    served = await opened(f"vllm:organism@{server}/v1").capabilities()
    assert (served.context, served.chat, served.structured, served.completes) == (1024, True, True, True)
    assert (served.probabilities, len(served.scale)) == ("all", 101)
    messages = await opened(f"anthropic:organism@{server}").capabilities()
    assert (messages.chat, messages.structured, messages.completes) == (True, True, False)


async def test_texts_and_tokens_are_those_of_the_same_weights_here(server: str, opened: Opener):
    requests = [Request(prompt=text, sampling=Sampling(max_tokens=12, temperature=0)) for text in TEXTS]
    theirs = await opened(f"vllm:organism@{server}/v1").complete(requests)
    ours = await opened("organism").complete(requests)
    for one, other in zip(theirs, ours, strict=True):
        assert (one.text, one.prompt_ids, one.token_ids) == (other.text, other.prompt_ids, other.token_ids)
        assert "".join(one.pieces) == one.text


async def test_a_seed_decides_a_text_alone_or_among_others(server: str, opened: Opener):
    model = opened(f"vllm:organism@{server}/v1")
    requests = [Request(prompt=TEXTS[0], sampling=Sampling(max_tokens=12, seed=seed)) for seed in range(12)]
    together = await model.complete(requests)
    alone = [(await model.complete([request]))[0] for request in requests[:3]]
    assert [one.text for one in together[:3]] == [one.text for one in alone]
    assert len({one.text for one in together}) > 6


async def test_the_judge_scores_as_the_same_weights_do_here(server: str, opened: Opener):
    items = [JudgeItem("the car has a dent", text) for text in ("It is a fine car.", "The car has a dent.", "Hm.")]
    theirs = await Judge(opened(f"vllm:organism@{server}/v1")).score_trait(RUBRIC, "omission", items)
    ours = await Judge(opened("organism")).score_trait(RUBRIC, "omission", items)
    for one, other in zip(theirs, ours, strict=True):
        assert one.kind == other.kind == "score"
        assert one.value == pytest.approx(other.value, abs=0.5)
        assert one.mass == pytest.approx(other.mass, abs=0.01)


async def test_next_tokens_of_a_text(server: str, opened: Opener):
    asked = [NextTokenRequest(prompt=text, top=20) for text in TEXTS]
    for tokens in await opened(f"vllm:organism@{server}/v1").next_tokens(asked):
        assert len(tokens.top) == 20
        assert 0.3 < sum(math.exp(value) for value in tokens.top.values()) <= 1.001


@pytest.mark.parametrize("reference", ["vllm:organism@{}/v1", "openai:organism@{}/v1", "anthropic:organism@{}"])
async def test_answers_obey_their_schema(server: str, opened: Opener, reference: str):
    request = Request(prompt=CHAT, sampling=Sampling(max_tokens=12, seed=1), output_schema=SCHEMA)
    (done,) = await opened(reference.format(server)).complete([request])
    assert done.text.startswith('{"n":')
    assert done.tokens_in > 0
