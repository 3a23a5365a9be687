"""By what means a vLLM server's label probabilities and structured answers are had, versions of it being different."""

import json
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lm.scales import LETTERS, NUMBERS
from lm.types import Message, NextTokenRequest, Request, Sampling
from tests.lm.loopback import send
from tests.lm.provider import Provider

CHAT = (Message(role="user", content="How much?"),)
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
ODDS = {"A": 0.5, "B": 0.25, "C": 0.125}


class Server(Provider):
    """A vLLM of some version: its own endpoints beside those of OpenAI."""

    honours_ids = True
    scores = True
    splits_numbers = True
    form = "response_format"
    """How it takes a schema; another way is taken and ignored."""
    most_top = 20

    def __init__(self) -> None:
        super().__init__()
        self.beside: list[tuple[str, dict[str, Any]]] = []

    async def _answer(self, path: str, headers: dict[str, str], body: dict[str, Any], writer: Any) -> bool:
        if path == "/tokenize":
            self.beside.append((path, body))
            return await send(writer, 200, {"tokens": self.tokens_of(body)})
        if path == "/generative_scoring" and self.scores:
            self.beside.append((path, body))
            (token,) = body["label_token_ids"]
            usage = {"prompt_tokens": 10, "completion_tokens": 1}
            return await send(writer, 200, {"data": [{"score": ODDS.get(chr(token), 0.0)}], "usage": usage})
        if body.get("top_logprobs", 0) > self.most_top:
            return await send(writer, 400, {"error": {"message": "too many logprobs"}})
        return await super()._answer(path, headers, body, writer)

    def tokens_of(self, body: dict[str, Any]) -> list[int]:
        text: str = body.get("prompt", "How much?")
        return [1000 + int(text)] if text.isdigit() and not self.splits_numbers else [ord(letter) for letter in text]

    def odds_of(self, body: dict[str, Any]) -> dict[str, float]:
        wanted = body.get("logprob_token_ids") if self.honours_ids else None
        if wanted is None:
            return {name: math.log(value) for name, value in list(ODDS.items())[: body.get("top_logprobs") or 1]}
        names = [str(token - 1000) if token >= 1000 else chr(token) for token in wanted]
        return {name: math.log(ODDS.get(name, 1e-9)) for name in names}

    def _reply(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        schema = body.pop("guided_json", None) or (body.pop("structured_outputs", None) or {}).get("json")
        if self.form != "response_format":
            body.pop("response_format", None)
            if schema is not None:
                body["response_format"] = {"json_schema": {"schema": schema}}
        return super()._reply(path, body)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as running:
        yield running


def chances(labels: dict[str, float]) -> dict[str, float]:
    return {label: round(math.exp(value), 6) for label, value in labels.items()}


async def test_labels_are_asked_for_by_id_in_one_request(server: Server):
    server.splits_numbers = False
    model = server.open("vllm:small")
    assert (await model.capabilities()).scale == NUMBERS
    before = server.number
    (tokens,) = await model.next_tokens([NextTokenRequest(prompt=CHAT, labels=NUMBERS)])
    assert server.number == before + 1
    assert server.requests[-1]["logprob_token_ids"] == [1000 + number for number in range(101)]
    assert set(tokens.labels) == set(NUMBERS)
    assert tokens.top == {}


async def test_labels_and_likeliest_tokens_are_two_requests(server: Server):
    model = server.open("vllm:small")
    (tokens,) = await model.next_tokens([NextTokenRequest(prompt=CHAT, labels=("C", "D"), top=2)])
    assert chances(tokens.labels) == {"C": 0.125, "D": 0.0}
    assert chances(tokens.top) == {"A": 0.5, "B": 0.25}


async def test_where_the_wish_for_ids_is_ignored_the_likeliest_tokens_serve(server: Server):
    server.honours_ids = False
    model = server.open("vllm:small")
    able = await model.capabilities()
    assert (able.scale, able.probabilities) == (LETTERS, "top")
    (tokens,) = await model.next_tokens([NextTokenRequest(prompt=CHAT, labels=LETTERS)])
    assert chances(tokens.labels) == {**dict.fromkeys(LETTERS, 0.0), **ODDS}


async def test_where_they_are_too_few_each_label_is_scored(server: Server):
    server.honours_ids, server.most_top = False, 5
    model = server.open("vllm:small")
    assert (await model.capabilities()).probabilities == "all"
    server.beside.clear()
    (tokens,) = await model.next_tokens([NextTokenRequest(prompt=CHAT, labels=LETTERS)])
    assert chances(tokens.labels) == {**dict.fromkeys(LETTERS, 0.0), **ODDS}
    (_, template), *scored = server.beside
    assert template["messages"] == [turn.model_dump() for turn in CHAT]
    assert [body["query"] for _, body in scored] == [[ord(letter) for letter in "How much?"]] * len(LETTERS)
    assert tokens.tokens_in == 10 * len(LETTERS)


async def test_labels_after_a_text_are_scored_for_texts_take_no_ids(server: Server):
    model = server.open("vllm:small")
    asked = NextTokenRequest(prompt="I said", labels=("A", "D"), top=1)
    (tokens,) = await model.next_tokens([asked])
    assert chances(tokens.labels) == {"A": 0.5, "D": 0.0}
    assert chances(tokens.top) == {"A": 0.5}
    assert [body["query"] for path, body in server.beside if path == "/generative_scoring"][-2:] == ["I said"] * 2


async def test_a_server_without_that_endpoint_tells_what_is_among_the_likeliest(server: Server):
    server.scores = False
    (tokens,) = await server.open("vllm:small").next_tokens([NextTokenRequest(prompt="I said", labels=("A", "D"))])
    assert chances(tokens.labels) == {"A": 0.5, "D": 0.0}


@pytest.mark.parametrize("form", ["response_format", "structured_outputs", "guided_json"])
async def test_a_schema_is_sent_in_the_words_that_the_server_obeys(server: Server, form: str):
    server.form = form
    real = server._reply
    server._reply = lambda path, body: real(path, {k: v for k, v in body.items() if k in (form, *ALWAYS)})
    model = server.open("vllm:small")
    assert (await model.capabilities()).structured
    await model.complete([Request(prompt=CHAT, sampling=Sampling(max_tokens=9), output_schema=SCHEMA)])
    sent = json.dumps(server.requests[-1])
    assert f'"{form}"' in sent
    assert '"n"' in sent


ALWAYS = ("model", "messages", "prompt", "logprobs", "top_logprobs", "logprob_token_ids")
