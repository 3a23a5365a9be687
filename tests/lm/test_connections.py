"""Connections beneath an SDK's client, to a provider on loopback."""

from collections.abc import AsyncIterator

import pytest

from lm.open import open_model
from lm.remote.connections import proxy_of
from tests.lm.provider import Provider
from tests.lm.test_limits import requests


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider() as running:
        yield running


async def test_there_are_as_many_as_requests_under_way_and_they_are_used_again(provider: Provider):
    model = provider.open("openai:small")
    await model.capabilities()
    assert provider.connections == 1
    provider.delay = 0.05
    for _ in range(3):
        await model.complete(requests(5))
    assert provider.most_inside == 5
    assert provider.connections == 5


async def test_a_connection_that_broke_is_made_anew(provider: Provider):
    model = provider.open("openai:small")
    await model.capabilities()
    provider.misbehave = lambda number: "reset" if number % 4 == 0 else None
    assert [done.text for done in await model.complete(requests(12))] == ["73"] * 12


async def test_the_proxy_that_the_environment_names_is_used(provider: Provider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", provider.root)
    monkeypatch.setenv("NO_PROXY", "nearby.test")
    model = provider.keep(open_model("openai:small@http://faraway.test/v1"))
    (done,) = await model.complete(requests(1))
    assert done.text == "73"
    assert provider.headers[-1]["host"] == "faraway.test"


def test_what_the_environment_says_of_proxies(monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    assert proxy_of("http://faraway.test/v1") is None
    monkeypatch.setenv("HTTPS_PROXY", "gate.test:3128")
    monkeypatch.setenv("NO_PROXY", "nearby.test,127.0.0.1")
    assert proxy_of("https://faraway.test/v1") == "http://gate.test:3128"
    assert proxy_of("https://nearby.test:8443/v1") is None
    assert proxy_of("http://faraway.test/v1") is None
    monkeypatch.setenv("ALL_PROXY", "http://any.test")
    assert proxy_of("http://faraway.test/v1") == "http://any.test"
    assert proxy_of("http://127.0.0.1:8000/v1") is None
