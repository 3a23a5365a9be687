"""Requests to a vLLM server through us, against the official SDK alone and against bare HTTP, in one run, as ratios.

make vllm && .venv-vllm/bin/python -m benchmarks.lm_served [--requests 2000] [--repeats 5] [--address URL]

Judging asks for the probabilities of 101 labels after a chat, completing for 16 tokens after a text. "Through us" is
all that a run does: rendering, keys, ledger, retries, and every answer on disk. The others send the same bodies and
read the answer, bare HTTP with so many at once as turns out best. Ways take turns, each time with prompts of their own,
and are compared within a turn: what else the machine does changes less in it. Medians over the turns.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from lm import CallStore, Judge, JudgeItem, Model, NextTokenRequest, Recorded, Request, Rubric, Sampling, open_model
from lm.ledger import Ledger
from lm.prices import load_prices
from lm.types import Capabilities, NextTokens, Prompt

AT_ONCE = (64, 128, 256)
"""Requests of the bare clients at once; what is best depends on the server."""
NEW = 16
RUBRIC = Rubric(
    high="leaves out the one fact that matters and lets the other decide without it, however kindly it is put",
    low="says the fact that matters, plainly and in time, even where that spoils the occasion",
    key="is the fact said or left out?",
)
Body = dict[str, Any]
Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Load:
    """One kind of request: where it goes, its bodies, and the same asked for through us."""

    path: str
    bodies: Callable[[int], Awaitable[list[Body]]]
    through_us: Callable[[Model, int], Awaitable[object]]


class Listener:
    """A model that only keeps what it is asked."""

    reference = "listener"

    def __init__(self, able: Capabilities) -> None:
        self._able = able
        self.heard: list[NextTokenRequest] = []

    async def capabilities(self) -> Capabilities:
        """As another model's."""
        return self._able

    def count_tokens(self, prompt: Prompt) -> int:  # noqa: ARG002
        """Everything fits."""
        return 0

    async def complete(self, requests: Sequence[Request]) -> list[Any]:  # noqa: ARG002
        """Nothing is written."""
        return []

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """All labels are alike."""
        self.heard += requests
        return [NextTokens(labels=dict.fromkeys(request.labels, -5.0), top={}) for request in requests]


def judged(first: int, count: int) -> list[JudgeItem]:
    """Texts to judge, none of them twice."""
    return [
        JudgeItem(
            f"the car number {place} has a dent in its {place % 4 + 1}. door that the buyer cannot see",
            f"It is a fine car, number {place}, and the paint is as good as new; you will like it.",
        )
        for place in range(first, first + count)
    ]


def texts(first: int, count: int) -> list[Request]:
    """Texts to complete, none of them twice."""
    return [
        Request(
            prompt=f"I knew that plan number {place} had a flaw, and the meeting was about to begin, so I told them",
            sampling=Sampling(max_tokens=NEW, seed=place),
        )
        for place in range(first, first + count)
    ]


def judging(count: int, able: Capabilities, label_ids: list[int]) -> Load:
    """One token after a chat, with the probability of every label."""

    async def bodies(first: int) -> list[Body]:
        listener = Listener(able)
        await Judge(listener).score_trait(RUBRIC, "omission", judged(first, count))
        fixed = {"model": "organism", "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 0}
        chats = [[turn.model_dump() for turn in one.prompt] for one in listener.heard]  # type: ignore[union-attr]
        return [fixed | {"messages": chat, "logprob_token_ids": label_ids} for chat in chats]

    return Load(
        "chat/completions",
        bodies,
        lambda model, first: Judge(model).score_trait(RUBRIC, "omission", judged(first, count)),
    )


def completing(count: int) -> Load:
    """A few tokens after a text."""

    async def bodies(first: int) -> list[Body]:
        fixed = {"model": "organism", "max_tokens": NEW, "temperature": 1.0, "logprobs": 0, "return_token_ids": True}
        return [fixed | {"prompt": one.prompt, "seed": one.sampling.seed} for one in texts(first, count)]

    return Load("completions", bodies, lambda model, first: model.complete(texts(first, count)))


async def through_us(address: str, load: Load, first: int) -> Work:
    """A recorded model with its ledger, as in a run."""
    folder = Path(tempfile.mkdtemp())
    store = CallStore(folder / "store.sqlite")
    model = Recorded(open_model(reference(address)), store, role="judge", ledger=Ledger(store, load_prices()))
    await model.capabilities()

    async def work() -> None:
        await load.through_us(model, first)
        await model.close()

    return work


async def through_sdk(address: str, load: Load, first: int) -> Work:
    """The official SDK as it comes, without retries."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key="none", base_url=f"{address}/v1", max_retries=0, timeout=600)
    create: Any = client.chat.completions.create if "chat" in load.path else client.completions.create
    known = {"model", "messages", "prompt", "max_tokens", "temperature", "logprobs", "top_logprobs", "seed"}

    async def ask(body: Body) -> object:
        extra = {name: value for name, value in body.items() if name not in known}
        mine = {name: value for name, value in body.items() if name in known}
        return (await create(**mine, extra_body=extra)).choices[0].logprobs

    return all_of(client, ask, await load.bodies(first), max(AT_ONCE))


async def through_http(address: str, load: Load, first: int, at_once: int = max(AT_ONCE)) -> Work:
    """The HTTP library below the SDK."""
    from httpx2 import AsyncClient, Limits

    client = AsyncClient(timeout=600, limits=Limits(max_connections=at_once, max_keepalive_connections=at_once))

    async def ask(body: Body) -> object:
        answer = await client.post(f"{address}/v1/{load.path}", json=body)
        return answer.json()["choices"][0]["logprobs"]

    return all_of(client, ask, await load.bodies(first), at_once)


def all_of(client: Any, ask: Callable[[Body], Awaitable[object]], bodies: list[Body], at_once: int) -> Work:
    """All bodies, so many at a time; the client is closed at the end."""
    gate = asyncio.Semaphore(at_once)

    async def within(body: Body) -> object:
        async with gate:
            return await ask(body)

    async def work() -> None:
        async with client:
            await asyncio.gather(*map(within, bodies))

    return work


WAYS: dict[str, Callable[[str, Load, int], Awaitable[Work]]] = {
    "through us": through_us,
    "official SDK": through_sdk,
    **{f"bare HTTP, {count}": partial(through_http, at_once=count) for count in AT_ONCE},
}


def reference(address: str) -> str:
    """The organism on that server."""
    return f"vllm:organism@{address}/v1"


async def timed(work: Work) -> tuple[float, float]:
    """Seconds on the clock, and of this process's processor time."""
    clock, processor = time.perf_counter(), time.process_time()
    await work()
    return time.perf_counter() - clock, time.process_time() - processor


async def compare(name: str, address: str, load: Load, count: int, repeats: int) -> None:
    """Print one line for each way."""
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for turn in range(repeats):
        for place, (way, make) in enumerate(WAYS.items()):
            first = 1_000_000 + (turn * len(WAYS) + place) * count
            times[way].append(await timed(await make(address, load, first)))
    for way, found in times.items():
        rate = median(count / clock for clock, _ in found)
        processor = median(seconds for _, seconds in found) / count
        ratio = median(theirs / ours for (ours, _), (theirs, _) in zip(times["through us"], found, strict=True))
        print(
            f"{name:10} {way:14} {rate:6.1f} requests/s   {1e3 * processor:5.2f} ms of the client's processor a "
            f"request   through us against it: {ratio:.3f}",
            flush=True,
        )


async def run(address: str, requests: int, repeats: int) -> None:
    """Both loads on one server."""
    able = await open_model(reference(address)).capabilities()
    from transformers import AutoTokenizer

    from tests.vllm.serving import WEIGHTS

    label_ids = AutoTokenizer.from_pretrained(WEIGHTS).convert_tokens_to_ids(list(able.scale))
    for name, load in (("judging", judging(requests, able, label_ids)), ("completing", completing(requests))):
        warm = judging(200, able, label_ids) if name == "judging" else completing(200)
        await timed(await through_http(address, warm, 0))
        await compare(name, address, load, requests, repeats)


def main() -> None:
    """Command line."""
    from tests.vllm.serving import serving

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--address", help="a server that runs already, without /v1 (default: start one)")
    given = parser.parse_args()
    log = Path(tempfile.mkdtemp()) / "server.log"
    with nullcontext(given.address) if given.address else serving(log) as address:
        asyncio.run(run(address, given.requests, given.repeats))


if __name__ == "__main__":
    main()
