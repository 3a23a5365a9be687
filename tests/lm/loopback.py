"""A small HTTP/1.1 server on loopback for tests: real sockets, nothing beyond what the SDKs send."""

import asyncio
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class Loopback(ABC):
    """Answers requests while it is open; a subclass says how."""

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    @abstractmethod
    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False to hang up."""

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._tasks)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                method, path, _ = line.decode().split()
                headers = await read_headers(reader)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if not await self.answer(Asked(method, path, headers, body), writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def read_headers(reader: asyncio.StreamReader) -> dict[str, str]:
    """The headers of a request or an answer, up to the blank line."""
    headers = {}
    while (header := (await reader.readline()).decode().strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    return headers


async def send(writer: asyncio.StreamWriter, status: int, content: Any, headers: dict[str, str] | None = None) -> bool:
    """Answer with these bytes, this text or this value as JSON; True, for the connection stays open."""
    body = content if isinstance(content, bytes) else _encoded(content)
    lines = {"content-type": "application/json", **(headers or {}), "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"HTTP/1.1 {status} Words\r\n{head}\r\n".encode() + body)
    await writer.drain()
    return True


async def send_half(writer: asyncio.StreamWriter, content: bytes) -> bool:
    """Break off in the middle of an answer; False, to hang up."""
    writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content[: len(content) // 2])
    await writer.drain()
    return False


def reset(writer: asyncio.StreamWriter) -> bool:
    """Throw the connection away; False, to hang up."""
    writer.transport.abort()
    return False


def _encoded(content: Any) -> bytes:
    return (content if isinstance(content, str) else json.dumps(content)).encode()
