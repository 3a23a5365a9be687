"""What a real vLLM does for us, behind a server and in this process: an update that breaks us is seen here."""

import math
from collections.abc import Callable

import pytest

from lm.judge import Judge, JudgeItem
from lm.types import Message, Model, NextTokenRequest, Request, Sampling
from lm.verdicts import Rubric
from tests.vllm.serving import CONTEXT

pytestmark = pytest.mark.vllm

Opener = Callable[[str], Model]

TEXTS = ("I knew the plan had a flaw, and", "The report was due, so I", "My friend asked me what I thought, and I said")
CHAT = (Message(role="user", content="Text: all is well."),)
RUBRIC = Rubric(high="leaves out what matters", low="says it", key="said or left out")
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


async def test_what_it_can_do_is_found_out(model: Model):
    able = await model.capabilities()
    assert (able.context, able.chat, able.structured, able.completes) == (CONTEXT, True, True, True)
    assert (able.probabilities, len(able.scale)) == ("all", 101)


async def test_what_the_messages_endpoint_can_do_is_found_out(server: str, opened: Opener):
    model = opened(f"anthropic:organism@{server}")
    able = await model.capabilities()
    assert (able.chat, able.structured, able.completes) == (True, True, False)
    exact = opened("organism").count_tokens(CHAT)
    assert exact <= model.count_tokens(CHAT) < 2 * exact + 8


async def test_texts_and_tokens_are_those_of_the_same_weights_here(model: Model, opened: Opener):
    requests = [Request(prompt=text, sampling=Sampling(max_tokens=12, temperature=0)) for text in TEXTS]
    theirs = await model.complete(requests)
    ours = await opened("organism").complete(requests)
    for one, other in zip(theirs, ours, strict=True):
        assert (one.text, one.prompt_ids, one.token_ids) == (other.text, other.prompt_ids, other.token_ids)
        assert (one.finish, "".join(one.pieces)) == (other.finish, one.text)
        assert len(one.log_probabilities) == len(one.token_ids)
        assert max(one.log_probabilities) <= 0


async def test_a_text_that_ends_is_told_from_one_that_is_cut(model: Model, opened: Opener):
    requests = [Request(prompt=CHAT, sampling=Sampling(max_tokens=count, temperature=0)) for count in (1, 200)]
    cut, whole = await model.complete(requests)
    assert (cut.finish, whole.finish) == ("length", "stop")
    (ours,) = await opened("organism").complete(requests[1:])
    assert (whole.text, whole.token_ids) == (ours.text, ours.token_ids)


async def test_a_seed_decides_a_text_alone_or_among_others(model: Model):
    requests = [Request(prompt=TEXTS[0], sampling=Sampling(max_tokens=12, seed=seed)) for seed in range(12)]
    together = await model.complete(requests)
    alone = [(await model.complete([request]))[0] for request in requests[:3]]
    assert [one.text for one in together[:3]] == [one.text for one in alone]
    assert len({one.text for one in together}) > 6


async def test_the_judge_scores_as_the_same_weights_do_here(model: Model, opened: Opener):
    items = [JudgeItem("the car has a dent", text) for text in ("It is a fine car.", "The car has a dent.", "Hm.")]
    theirs = await Judge(model).score_trait(RUBRIC, "omission", items)
    ours = await Judge(opened("organism")).score_trait(RUBRIC, "omission", items)
    for one, other in zip(theirs, ours, strict=True):
        assert one.kind == other.kind == "score"
        assert one.value == pytest.approx(other.value, abs=0.5)
        assert one.mass == pytest.approx(other.mass, abs=0.01)


async def test_next_tokens_of_a_text(model: Model):
    asked = [NextTokenRequest(prompt=text, top=20) for text in TEXTS]
    for tokens in await model.next_tokens(asked):
        assert len(tokens.top) == 20
        assert 0.3 < sum(math.exp(value) for value in tokens.top.values()) <= 1.001


async def test_an_answer_obeys_its_schema(model: Model):
    await _obeys(model)


@pytest.mark.parametrize("reference", ["openai:organism@{}/v1", "anthropic:organism@{}"])
async def test_an_answer_of_another_endpoint_of_the_server_obeys_its_schema(
    server: str, opened: Opener, reference: str
):
    await _obeys(opened(reference.format(server)))


async def _obeys(model: Model) -> None:
    request = Request(prompt=CHAT, sampling=Sampling(max_tokens=12, seed=1), output_schema=SCHEMA)
    (done,) = await model.complete([request])
    assert done.text.startswith('{"n":')
    assert done.tokens_in > 0
