"""One retry authority: what is tried again, what stops at once, how concurrency follows the endpoint."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random
from time import monotonic

import pytest

from lm.errors import ModelFailure, UserError
from lm.limits import Cause, Gate, Patience, Transient, gate_of, persist, together
from lm.references import parse_reference
from lm.remote.anthropic import AnthropicModel
from lm.remote.openai import OpenAIModel
from lm.types import Message, Request, Sampling
from tests.lm.provider import STATUS_WORDS, Provider

SHORT = Patience(total=20, attempts=8, attempt_timeout=0.5, first_wait=0.01, longest_wait=0.05)
CALM = Patience(total=600, attempts=8, attempt_timeout=60, first_wait=0.01, longest_wait=0.05)
"""Where nothing stalls: a busy machine may be slow to answer."""
FAULTS = ("429", "429 after 0.05", "500", "529", "reset", "stall", "cut", "html", "nonsense")


def requests(count: int) -> list[Request]:
    return [
        Request(prompt=(Message(role="user", content=f"number {n}"),), sampling=Sampling(max_tokens=5, seed=n))
        for n in range(count)
    ]


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider() as running:
        yield running


def models(provider: Provider, patience: Patience = SHORT) -> list[OpenAIModel | AnthropicModel]:
    return [
        provider.keep(OpenAIModel(parse_reference(f"openai:small@{provider.url}"), patience)),
        provider.keep(AnthropicModel(parse_reference(f"anthropic:small@{provider.root}"), patience)),
    ]


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_waiting_mends_is_tried_again(provider: Provider, fault: str):
    for model in models(provider):
        await model.capabilities()
        began = provider.number
        provider.misbehave = lambda number, began=began: fault if number <= began + 2 else None
        (done,) = await model.complete(requests(1))
        assert (done.text, provider.number - began) == ("73", 3)


@pytest.mark.parametrize("fault", ["401", "404"])
async def test_what_waiting_does_not_mend_stops_at_once_with_the_providers_words(
    provider: Provider, fault: str, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-key")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret-key")
    for model in models(provider):
        provider.misbehave = lambda number: None
        await model.capabilities()
        began, provider.number = monotonic(), 0
        provider.misbehave = lambda number: fault
        provider.delay = 0.01
        with pytest.raises(ModelFailure, match=r"Incorrect API key|does not exist") as caught:
            await model.complete(requests(200))
        assert "sk-secret-key" not in str(caught.value)
        assert monotonic() - began < 3
        assert provider.number <= 32
        await asyncio.sleep(0.05)


async def test_no_half_of_a_key_is_left_where_long_words_are_cut(provider: Provider, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-key")
    monkeypatch.setitem(STATUS_WORDS, 400, "x" * 490 + " {key}")
    model = models(provider)[0]
    await model.capabilities()
    provider.misbehave = lambda number: "400"
    with pytest.raises(ModelFailure, match="xxx") as caught:
        await model.complete(requests(1))
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-one two", "sk-one\ntwo", "sk-\x7f", "sk-geheimschlüssel"])
async def test_what_cannot_be_a_key_is_never_sent_or_said(provider: Provider, monkeypatch, key: str):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UserError, match="OPENAI_API_KEY holds no key") as caught:
        await models(provider)[0].capabilities()
    assert "sk-" not in str(caught.value)
    assert provider.connections == 0


async def test_a_refusal_is_a_result(provider: Provider):
    model = models(provider)[0]
    await model.capabilities()
    provider.misbehave = lambda number: "filter"
    (done,) = await model.complete(requests(1))
    assert (done.finish, done.reason) == ("refusal", "not this topic")


async def test_it_waits_as_long_as_the_server_asks(provider: Provider):
    model = models(provider)[0]
    await model.capabilities()
    provider.number = 0
    provider.misbehave = lambda number: "429 after 0.4" if number == 1 else None
    began = monotonic()
    await model.complete(requests(1))
    assert 0.4 <= monotonic() - began < 2


async def test_it_does_not_wait_longer_than_its_patience(provider: Provider):
    model = models(provider)[0]
    await model.capabilities()
    provider.misbehave = lambda number: "429 after 3600"
    began = monotonic()
    with pytest.raises(ModelFailure, match="asks to wait 3600 s"):
        await model.complete(requests(1))
    assert monotonic() - began < 2


async def test_attempts_are_counted(provider: Provider):
    model = models(provider)[0]
    await model.capabilities()
    provider.number = 0
    provider.misbehave = lambda number: "500"
    with pytest.raises(ModelFailure, match=r"did not answer in 8 attempts.*The server had an error"):
        await model.complete(requests(1))
    assert provider.number == 8


async def test_a_fifth_of_all_attempts_failing_loses_and_doubles_nothing(provider: Provider):
    random = Random(5)
    for model in models(provider, replace(SHORT, total=60, attempt_timeout=2)):
        provider.misbehave = lambda number: None
        await model.capabilities()
        provider.delivered.clear()
        provider.misbehave = lambda number: random.choice(FAULTS) if random.random() < 0.2 else None
        done = await model.complete(requests(150))
        assert [completion.finish for completion in done] == ["stop"] * 150
        assert sorted(provider.delivered.values()) == [1] * 150


async def test_concurrency_grows_while_clean_and_is_cut_on_429(provider: Provider):
    model = models(provider, CALM)[0]
    await model.capabilities()
    gate = gate_of(provider.url)
    assert gate.limit == Gate().limit, "what the server is asked about itself says nothing about what it can take"
    provider.delay = 0.01
    await model.complete(requests(300))
    assert provider.most_inside > 30
    before = gate.limit
    provider.number = 0
    provider.misbehave = lambda number: "429" if number <= 20 else None
    await model.complete(requests(60))
    assert gate.limit < before


class Server:
    """A server in a time of its own: each second it answers as many of those inside as it can, the oldest first."""

    def __init__(self, most: int) -> None:
        self.most, self.time, self.inside = most, 0.0, deque[asyncio.Future[None]]()

    async def answer(self) -> None:
        self.inside.append(asyncio.get_running_loop().create_future())
        await self.inside[-1]

    async def work(self) -> None:
        while True:
            for _ in range(10):
                await asyncio.sleep(0)
            self.time += 1
            for _ in range(min(self.most, len(self.inside))):
                self.inside.popleft().set_result(None)


async def flood(gate: Gate, server: Server, monkeypatch: pytest.MonkeyPatch, count: int = 3000) -> None:
    monkeypatch.setattr("lm.limits.monotonic", lambda: server.time)
    working = asyncio.create_task(server.work())
    await together(persist(server.answer, gate, Patience(), "model") for _ in range(count))
    working.cancel()


async def test_it_asks_for_as_many_at_once_as_a_server_can_take(monkeypatch: pytest.MonkeyPatch):
    gate, server = Gate(), Server(10_000)
    await flood(gate, server, monkeypatch)
    assert gate.limit == 512
    assert server.time <= 16, "twice as many every other second, then 512"


async def test_small_batches_that_had_to_wait_are_soon_sent_whole(monkeypatch: pytest.MonkeyPatch):
    gate, server = Gate(), Server(10_000)
    for _ in range(3):
        await flood(gate, server, monkeypatch, 40)
    assert gate.limit > 35
    assert gate.limit <= 40, "no more than there is to send"


@pytest.mark.parametrize("most", [8, 40, 100])
async def test_it_stops_where_more_at_once_only_wait(monkeypatch: pytest.MonkeyPatch, most: int):
    gate, server = Gate(), Server(most)
    await flood(gate, server, monkeypatch)
    assert 0.8 * most <= gate.limit <= max(4 * most, 100)
    assert server.time <= 3000 / most + 15, "and keeps the server busy"


async def test_a_pause_holds_new_requests_back():
    gate = Gate()
    async with gate.slot() as entered:
        gate.trouble(Transient("server", "down", retry_after=0.2), entered, 0.2)
    began = monotonic()
    async with gate.slot():
        assert monotonic() - began >= 0.19


async def test_a_wait_beyond_all_patience_keeps_nobody_before_the_gate():
    gate = Gate()

    async def turned_away() -> None:
        raise Transient("rate", "HTTP 429", retry_after=3600)

    async with asyncio.timeout(5):
        for _ in range(2):
            with pytest.raises(ModelFailure, match=r"in 1 attempts.*asks to wait 3600 s"):
                await persist(turned_away, gate, Patience(), "model")


async def test_a_long_queue_uses_nobodys_patience_up():
    gate = Gate(start=1, most=1)
    failed = set()

    async def answer(number: int) -> int:
        async def send() -> int:
            await asyncio.sleep(0.05)
            if number not in failed:
                failed.add(number)
                raise Transient("line", "cut")
            return number

        return await persist(send, gate, Patience(total=1, first_wait=0.01), "model")

    assert await together(answer(number) for number in range(30)) == list(range(30))


@pytest.mark.parametrize("cause", ["rate", "time"])
async def test_one_burst_of_429_or_time_outs_is_one_cut(cause: Cause):
    gate = Gate(start=10)
    async with gate.slot() as first, gate.slot() as second:
        gate.trouble(Transient(cause, "slow"), first, 0)
        gate.trouble(Transient(cause, "slow"), second, 0)
    assert gate.limit == 7


async def test_a_cancelled_waiter_hands_its_turn_on():
    gate = Gate(start=1)
    order = []

    async def enter(name: str) -> None:
        async with gate.slot():
            order.append(name)
            await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(enter(name)) for name in "abc"]
    await asyncio.sleep(0.005)
    tasks[1].cancel()
    await asyncio.wait_for(tasks[2], 1)
    assert order == ["a", "c"]


async def test_the_first_failure_stops_the_others():
    stopped = []

    async def wait() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            stopped.append(True)
            raise

    async def fail() -> None:
        raise ModelFailure("no")

    with pytest.raises(ModelFailure, match="no"):
        await together([wait(), fail(), wait()])
    assert stopped == [True, True]


async def test_what_nobody_foresaw_is_raised_as_it_is():
    async def send() -> None:
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError):
        await persist(send, Gate(), SHORT, "model")
