"""What an endpoint breaks at, though it chats, it cannot do; a server that is down may do all of it later."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from lm.errors import ModelFailure
from lm.references import parse_reference
from lm.remote.anthropic import AnthropicModel
from lm.remote.openai import OpenAIModel
from lm.scales import LETTERS
from lm.types import Request, Sampling
from tests.lm.loopback import send
from tests.lm.test_limits import SHORT
from tests.lm.test_vllm_means import CHAT, Server

Where = Callable[[str, dict[str, Any]], bool]
AT: dict[str, Where] = {
    "scoring": lambda path, _: path == "/generative_scoring",
    "texts": lambda path, _: path == "/v1/completions",
    "schemas": lambda _, body: bool(
        {"response_format", "structured_outputs", "guided_json", "output_config"} & {*body}
    ),
    "log-probabilities": lambda _, body: "logprobs" in body,
    "odds": lambda path, body: "logprobs" in body or path == "/generative_scoring",
    "many log-probabilities": lambda _, body: body.get("top_logprobs", 0) > 5,
    "counting": lambda path, _: path.endswith("/count_tokens"),
    "everything": lambda path, _: not path.endswith("/models"),
}


class Breaking(Server):
    """Fails with `status` at what `at` names."""

    at: Where = staticmethod(AT["everything"])
    status = 500
    failed = 0

    async def _answer(self, path: str, headers: dict[str, str], body: dict[str, Any], writer: Any) -> bool:
        if self.at(path, body):
            self.failed += 1
            return await send(writer, self.status, {"error": {"message": "something went wrong"}})
        return await super()._answer(path, headers, body, writer)

    def vllm(self) -> OpenAIModel:
        return self.keep(OpenAIModel(parse_reference(f"vllm:small@{self.url}"), SHORT))

    def anthropic(self) -> AnthropicModel:
        return self.keep(AnthropicModel(parse_reference(f"anthropic:small@{self.root}"), SHORT))


@pytest.fixture
async def server() -> AsyncIterator[Breaking]:
    async with Breaking() as running:
        yield running


@pytest.mark.parametrize("status", [500, 501])
@pytest.mark.parametrize(
    ("at", "completes", "structured", "probabilities"),
    [
        ("scoring", True, True, "all"),
        ("texts", False, True, "all"),
        ("schemas", True, False, "all"),
        ("many log-probabilities", True, True, "all"),
        ("log-probabilities", False, True, "all"),
        ("odds", False, True, "none"),
    ],
)
async def test_what_a_server_breaks_at_it_cannot_do(
    server: Breaking, status: int, at: str, completes: bool, structured: bool, probabilities: str
):
    server.at, server.status = AT[at], status
    model = server.vllm()
    able = await model.capabilities()
    assert able.chat
    assert (able.completes, able.structured, able.probabilities) == (completes, structured, probabilities)
    (done,) = await model.complete([Request(prompt=CHAT, sampling=Sampling(max_tokens=9))])
    assert done.text == "73"


async def test_labels_are_found_among_fewer_tokens_where_many_break_the_server(server: Breaking):
    server.at, server.honours_ids, server.scores = AT["many log-probabilities"], False, False
    able = await server.vllm().capabilities()
    assert (able.scale, able.probabilities) == (LETTERS, "top")


@pytest.mark.parametrize("status", [500, 501])
@pytest.mark.parametrize(("at", "structured"), [("schemas", False), ("counting", True)])
async def test_it_is_so_with_the_messages_endpoint_too(server: Breaking, status: int, at: str, structured: bool):
    server.at, server.status = AT[at], status
    assert (await server.anthropic().capabilities()).structured is structured


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_that_is_down_can_be_asked_later(server: Breaking, status: int):
    server.status = status
    for model in (server.vllm(), server.anthropic()):
        with pytest.raises(ModelFailure, match=f"HTTP {status}: something went wrong"):
            await model.capabilities()


async def test_a_server_that_is_busy_is_not_one_that_cannot(server: Breaking):
    server.at, server.status = AT["schemas"], 503
    with pytest.raises(ModelFailure, match="HTTP 503"):
        await server.vllm().capabilities()


@pytest.mark.parametrize("status", [501, 505])
async def test_what_is_not_built_is_not_tried_again(server: Breaking, status: int):
    server.at = lambda *_: False
    model = server.vllm()
    await model.capabilities()
    server.at, server.status = AT["everything"], status
    with pytest.raises(ModelFailure, match=f"turned the request down .HTTP {status}"):
        await model.complete([Request(prompt=CHAT, sampling=Sampling(max_tokens=9))])
    assert server.failed == 1
