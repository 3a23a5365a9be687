"""Remote models against a provider on loopback, well-behaved here: shapes of requests, meanings of answers."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from lm.errors import CapabilityError, ModelFailure, UserError
from lm.judge import Judge, JudgeItem
from lm.open import open_model
from lm.remote.openai import labels_among
from lm.remote.openai_forms import strict
from lm.types import Message, NextTokenRequest, Request, Sampling
from lm.verdicts import Rubric
from tests.lm.provider import Provider

CHAT = (Message(role="system", content="Be brief."), Message(role="user", content="How much?"))
SAMPLING = Sampling(max_tokens=7, temperature=0.5, seed=11)
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
RUBRIC = Rubric(high="h", low="l", key="k")


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider() as running:
        yield running


async def test_a_chat_is_asked_with_its_own_seed_and_its_tokens_are_counted(provider: Provider):
    (done,) = await provider.open("openai:small").complete([Request(prompt=CHAT, sampling=SAMPLING)])
    asked = provider.requests[-1]
    assert (asked["seed"], asked["temperature"], asked["max_tokens"]) == (11, 0.5, 7)
    assert asked["messages"] == [{"role": m.role, "content": m.content} for m in CHAT]
    assert (done.text, done.finish) == ("73", "stop")
    assert (done.tokens_in, done.tokens_out, done.tokens_cached) == (10, 3, 4)


async def test_a_plain_text_is_continued_with_pieces_and_log_probabilities(provider: Provider):
    provider.say = lambda body: " and so"
    (done,) = await provider.open("openai:small").complete([Request(prompt="I said", sampling=SAMPLING)])
    assert provider.requests[-1]["prompt"] == "I said"
    assert (done.text, done.pieces, done.log_probabilities) == (" and so", (" and", " so"), (-0.5, -0.5))


@pytest.mark.parametrize(("said", "meant"), [("length", "length"), ("content_filter", "refusal"), ("tool", "error")])
async def test_every_way_to_end_has_its_meaning(provider: Provider, said: str, meant: str):
    model = provider.open("openai:small")
    await model.capabilities()
    provider.stop = said
    (done,) = await model.complete([Request(prompt=CHAT, sampling=SAMPLING)])
    assert done.finish == meant
    assert (done.reason is None) == (meant == "length")


@pytest.mark.parametrize(("said", "meant"), [("max_tokens", "length"), ("refusal", "refusal"), ("pause_turn", "error")])
async def test_every_way_to_end_has_its_meaning_with_anthropic_too(provider: Provider, said: str, meant: str):
    model = provider.open("anthropic:small")
    await model.capabilities()
    provider.stop = said
    (done,) = await model.complete([Request(prompt=CHAT, sampling=SAMPLING)])
    assert done.finish == meant
    assert meant != "refusal" or done.reason == "bio"


async def test_anthropic_takes_system_and_turns_apart_and_a_schema_as_output_format(provider: Provider):
    model = provider.open("anthropic:small")
    (done,) = await model.complete([Request(prompt=CHAT, sampling=SAMPLING, output_schema=SCHEMA)])
    asked = provider.requests[-1]
    assert asked["system"] == "Be brief."
    assert asked["messages"] == [{"role": "user", "content": "How much?"}]
    assert asked["output_config"]["format"]["schema"]["properties"]["n"]["type"] == "integer"
    assert asked["temperature"] == 0.5
    assert (done.tokens_in, done.tokens_cached, done.tokens_out) == (14, 4, 3)
    assert not (await model.capabilities()).completes
    with pytest.raises(CapabilityError, match="plain text"):
        await model.complete([Request(prompt="I said", sampling=SAMPLING)])


async def test_a_parameter_that_the_endpoint_does_not_take_is_left_out_from_then_on(provider: Provider):
    provider.refuse_parameters = ("temperature", "max_tokens")
    model = provider.open("openai:small")
    await model.complete([Request(prompt=CHAT, sampling=SAMPLING)])
    asked = provider.requests[-1]
    assert "temperature" not in asked
    assert asked["max_completion_tokens"] == 7


async def test_what_an_endpoint_cannot_do_is_found_out(provider: Provider):
    provider.refuse_parameters = ("logprobs", "response_format")
    can = await provider.open("openai:small").capabilities()
    assert can.chat
    assert not can.structured
    assert (can.scale, can.probabilities) == ((), "none")


async def test_a_schema_that_is_taken_and_ignored_is_no_structured_output(provider: Provider):
    real = provider._reply
    provider._reply = lambda path, body: real(path, {k: v for k, v in body.items() if k != "response_format"})
    assert not (await provider.open("openai:small").capabilities()).structured


async def test_the_judges_scale_follows_how_numbers_are_tokenised(provider: Provider):
    can = await provider.open("openai:small").capabilities()
    assert can.scale == tuple(str(number) for number in range(101))
    # Numbers come digit by digit: a digit is a label only where the model writes one and stops.
    provider.odds = {"7": -0.1, "8": -3.0}
    can = await provider.open("openai:small").capabilities()
    assert can.scale == tuple("ABCDEFGHIJ")
    provider.say = lambda body: "9" if "a single digit" in str(body) else "73"
    can = await provider.open("openai:small").capabilities()
    assert can.scale == tuple("0123456789")
    # A number in other pieces says nothing of digits.
    provider.odds = {"seventy": -0.1}
    can = await provider.open("openai:small").capabilities()
    assert can.scale == tuple("ABCDEFGHIJ")


async def test_label_probabilities_come_from_the_likeliest_tokens(provider: Provider):
    model = provider.open("openai:small")
    can = await model.capabilities()
    (tokens,) = await model.next_tokens([NextTokenRequest(prompt=CHAT, labels=can.scale)])
    assert tokens.labels["73"] == pytest.approx(-0.1)
    assert tokens.labels["72"] == -math.inf
    (tokens,) = await model.next_tokens([NextTokenRequest(prompt="I", top=1)])
    assert tokens.top == {"73": -0.1}


def test_a_label_counts_with_and_without_its_space():
    found = {"7": math.log(0.5), " 7": math.log(0.25), "8": math.log(0.1)}
    assert math.exp(labels_among(found, ("7", "9"))["7"]) == pytest.approx(0.75)
    assert labels_among(found, ("9",)) == {"9": -math.inf}


def test_a_strict_schema_requires_everything_and_allows_nothing_else():
    given = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3, "default": "x"}, "title": {}}}
    assert strict(given) == {
        "type": "object",
        "properties": {"a": {"type": "string"}, "title": {}},
        "required": ["a", "title"],
        "additionalProperties": False,
    }


async def test_a_judge_without_probabilities_is_asked_several_times_and_says_so(provider: Provider):
    answers = iter(["73", "80", "70", "no idea", "75", "75"])
    model = provider.open("anthropic:small")
    await model.capabilities()
    provider.say = lambda body: next(answers)
    next(answers)
    (verdict,) = await Judge(model).score_trait(RUBRIC, "omission", [JudgeItem(None, "It is fine.")])
    assert verdict.kind == "score"
    assert (verdict.value, verdict.mass, verdict.backend) == (75, 0.8, "samples")


async def test_a_judge_on_letters_maps_them_to_the_whole_scale(provider: Provider):
    provider.odds = {"7": -0.1}
    model = provider.open("openai:small")
    await model.capabilities()
    provider.odds = {"J": math.log(0.5), "A": math.log(0.4)}
    (verdict,) = await Judge(model).score_trait(RUBRIC, "omission", [JudgeItem(None, "It is fine.")])
    assert verdict.kind == "score"
    assert verdict.value == pytest.approx(100 * 0.5 / 0.9)
    assert verdict.backend == "top probabilities"
    assert "A, B, C, D, E, F, G, H, I, J" in str(provider.requests[-1]["messages"])


@pytest.mark.parametrize("name", ["openai:small", "anthropic:small"])
async def test_a_closed_model_holds_no_connection_and_opens_a_new_one_when_asked(provider: Provider, name: str):
    model = provider.open(name)
    for _ in range(2):
        await model.complete([Request(prompt=CHAT, sampling=SAMPLING)])
        assert provider.connections > 0
        await model.close()
        await model.close()
        await hung_up(provider)


async def hung_up(provider: Provider) -> None:
    """Return once the provider has no connection left."""
    async with asyncio.timeout(10):
        while provider.connections:
            await asyncio.sleep(0.01)


async def test_a_judge_on_digits_maps_them_to_the_whole_scale(provider: Provider):
    provider.odds = {"7": -0.1}
    provider.say = lambda body: "9"
    model = provider.open("openai:small")
    await model.capabilities()
    provider.odds = {"9": math.log(0.5), " 9": math.log(0.1), "0": math.log(0.2)}
    (verdict,) = await Judge(model).score_trait(RUBRIC, "omission", [JudgeItem(None, "It is fine.")])
    assert verdict.value == pytest.approx(100 * 0.6 / 0.8)
    assert verdict.judge.scale == "0-9"
    assert "a single digit" in str(provider.requests[-1]["messages"])


async def test_a_missing_model_or_key_is_said_before_anything_is_asked(provider: Provider, monkeypatch):
    with pytest.raises(ModelFailure, match="does not exist"):
        await provider.open("openai:large").capabilities()
    with pytest.raises(ModelFailure, match=r"not served there. Served: small"):
        await provider.open("vllm:large").capabilities()
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    for reference, variable in (("openai:gpt-4.1", "OPENAI_API_KEY"), ("anthropic:claude", "ANTHROPIC_API_KEY")):
        with pytest.raises(UserError, match=variable):
            await provider.keep(open_model(reference)).capabilities()


async def test_keys_of_one_provider_never_go_to_another(provider: Provider, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-anthropic")
    await provider.open("openai:small").complete([Request(prompt=CHAT, sampling=SAMPLING)])
    assert provider.headers[-1]["authorization"] == "Bearer sk-openai"
    await provider.open("anthropic:small").complete([Request(prompt=CHAT, sampling=SAMPLING)])
    assert "sk-anthropic" in str(provider.headers[-1])
    assert "sk-openai" not in str(provider.headers[-1])
    provider.models = ("small", "served")
    await provider.open("vllm:served").complete([Request(prompt=CHAT, sampling=SAMPLING)])
    assert "sk-" not in str(provider.headers[-1])
