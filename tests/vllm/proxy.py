"""A proxy that spoils a share of the calls to a real server, and keeps a log of what it let through whole.

async with Proxy("http://127.0.0.1:8000", seed=1) as proxy:
    model = open_model(f"vllm:NAME@{proxy.url}")
"""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlsplit

from tests.lm.loopback import Asked, Loopback, read_headers, reset, send, send_half

FAULTS = ("429", "429 after", "500", "529", "html", "reset", "stall", "cut")
"""The first five come instead of an answer; for the last three the server has worked, and its answer is lost."""
RETRY_AFTER = "0.1"
"""Seconds."""
GENERATING = ("completions", "messages", "generative_scoring")
"""How the paths end that make a model work."""
KEPT = ("content-type", "content-encoding")
"""Headers that go on to whoever asked."""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Call:
    """One call that generates, and what became of it."""

    path: str
    request: bytes
    fault: str | None
    """None: passed on as it was."""
    answer: Answer | None
    """None: the server was not asked."""

    @property
    def is_whole(self) -> bool:
        """A good answer was delivered to the last byte."""
        return self.fault is None and self.answer is not None and self.answer.status == 200


class Proxy(Loopback):
    """Stands before the server at `upstream` (http://HOST:PORT).

    Of the calls that generate, a share of `spoilt` fails in one of the ways of FAULTS and a share of `nonsense` is
    answered with JSON that is no answer; everything else passes. `stall` is how long one hangs before it is cut, in
    seconds.
    """

    def __init__(
        self, upstream: str, *, seed: int = 0, spoilt: float = 0.2, nonsense: float = 0.01, stall: float = 1.0
    ) -> None:
        self.upstream = urlsplit(upstream)
        self.log: list[Call] = []
        self.number = self.inside = 0
        """Calls that generate: all of them so far, and those under way."""
        self._random = Random(seed)
        self._spoilt, self._nonsense, self._stall = spoilt, nonsense, stall

    @property
    def delivered(self) -> Counter[str]:
        """How often each request was answered whole; the request as JSON with sorted keys."""
        return Counter(canonical(call.request) for call in self.log if call.is_whole)

    def faults(self) -> Counter[str]:
        """How often what went wrong."""
        return Counter(call.fault for call in self.log if call.fault is not None)

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """Pass a request on, or spoil it."""
        if not asked.path.endswith(GENERATING):
            return await _pass_on(await self._ask(asked), writer)
        self.number += 1
        self.inside += 1
        try:
            return await self._answer(asked, writer)
        finally:
            self.inside -= 1

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        fault = self._draw()
        answer = await self._ask(asked) if fault in (None, "reset", "stall", "cut") else None
        goes_on = await self._deliver(fault, answer, writer)
        self.log.append(Call(asked.path, asked.body, fault, answer))
        return goes_on

    def _draw(self) -> str | None:
        draw = self._random.random()
        if draw < self._spoilt:
            return self._random.choice(FAULTS)
        return "nonsense" if draw < self._spoilt + self._nonsense else None

    async def _deliver(self, fault: str | None, answer: Answer | None, writer: asyncio.StreamWriter) -> bool:
        if answer is None:
            return await _send_instead(str(fault), writer)
        if fault == "reset":
            return reset(writer)
        if fault == "cut":
            return await send_half(writer, answer.body)
        if fault == "stall":
            await asyncio.sleep(self._stall)
            return False
        return await _pass_on(answer, writer)

    async def _ask(self, asked: Asked) -> Answer:
        """The server's answer, over a connection of its own; ConnectionError where there is none."""
        reader, writer = await asyncio.open_connection(self.upstream.hostname, self.upstream.port)
        try:
            headers = asked.headers | {"host": self.upstream.netloc, "connection": "close"}
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"{asked.method} {asked.path} HTTP/1.1\r\n{head}\r\n".encode() + asked.body)
            await writer.drain()
            status = int((await reader.readline()).split()[1])
            found = await read_headers(reader)
            if "content-length" not in found:
                raise ConnectionError(f"{asked.path} is answered in pieces, which this proxy does not put together")
            return Answer(status, found, await reader.readexactly(int(found["content-length"])))
        finally:
            writer.close()


def canonical(request: bytes) -> str:
    """A request's JSON with sorted keys."""
    return json.dumps(json.loads(request), sort_keys=True)


async def _pass_on(answer: Answer, writer: asyncio.StreamWriter) -> bool:
    headers = {name: value for name, value in answer.headers.items() if name in KEPT}
    return await send(writer, answer.status, answer.body, headers)


async def _send_instead(fault: str, writer: asyncio.StreamWriter) -> bool:
    """What comes instead of an answer."""
    if fault == "html":
        return await send(writer, 200, "<html>a gateway</html>", {"content-type": "text/html"})
    if fault == "nonsense":
        nonsense: Any = {"choices": "none", "content": 5}
        return await send(writer, 200, nonsense)
    status, _, after = fault.partition(" ")
    wait = {"retry-after": RETRY_AFTER} if after else {}
    return await send(writer, int(status), {"error": {"message": "spoilt on the way"}}, wait)
