"""A provider on loopback that speaks both wire formats and misbehaves on demand: a real server, real sockets.

async with Provider() as provider:
    provider.misbehave = lambda number: "500" if number % 5 == 0 else None
    model = provider.open("openai:small")
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Any, Self, TypeVar

from lm.open import open_model
from lm.types import Model

ModelT = TypeVar("ModelT", bound=Model)

Fault = str | None
"""What goes wrong: 429, '429 after 0.2', 500, 529, 401, reset, stall, cut, html, nonsense, filter. None: an answer."""

STATUS_WORDS = {
    401: "Incorrect API key provided: sk-secret-key.",
    404: "The model does not exist.",
    429: "Too many requests.",
    500: "The server had an error.",
    529: "Overloaded.",
}


class Provider:
    """What it was asked, what it delivered whole, and how it should fail."""

    def __init__(self, models: tuple[str, ...] = ("small",)) -> None:
        self.models = models
        self.misbehave: Callable[[int], Fault] = lambda number: None
        """From the number of a request (of those that generate) to what goes wrong with it."""
        self.refuse_parameters: tuple[str, ...] = ()
        """Parameters answered with a 400 that names them."""
        self.say: Callable[[dict[str, Any]], str] = lambda body: "73"
        """What the model writes for a request's body."""
        self.odds: dict[str, float] = {"73": -0.1, "7": -3.0}
        """Log-probabilities of the first token."""
        self.roots: dict[str, str] = {}
        self.stop = "stop"
        self.delay = 0.0
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.delivered: Counter[str] = Counter()
        """Bodies that were answered, and whole."""
        self.inside = self.most_inside = self.number = 0
        self._models: list[Model] = []

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for model in self._models:
            await model.close()
        self._server.close()
        for task in self._tasks:
            task.cancel()

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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

    def open(self, name: str) -> Model:
        """The model 'provider:name' as served here; closed when this ends."""
        return self.keep(open_model(f"{name}@{self.url}"))

    def keep(self, model: ModelT) -> ModelT:
        """A model that is closed when this ends."""
        self._models.append(model)
        return model

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                path = line.decode().split()[1]
                headers = {}
                while (header := (await reader.readline()).decode().strip()) != "":
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.inside += 1
                self.most_inside = max(self.inside, self.most_inside)
                try:
                    if not await self._answer(path, headers, json.loads(body or b"{}"), writer):
                        return
                finally:
                    self.inside -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, headers: dict[str, str], body: dict[str, Any], writer: Any) -> bool:
        """Answer one request; False to hang up."""
        if path.endswith("/models"):
            return await _send(
                writer, 200, {"data": [{"id": name, "root": self.roots.get(name)} for name in self.models]}
            )
        if not path.endswith(("completions", "messages")):
            return await _send(writer, 404, {"error": {"message": f"no {path} here"}})
        self.number += 1
        number = self.number
        self.requests.append(body)
        self.headers.append(headers)
        if self.delay:
            await asyncio.sleep(self.delay)
        if (fault := self.misbehave(number)) is not None:
            return await self._fail(fault, self._reply(path, body), writer)
        for name in self.refuse_parameters:
            if name in body:
                return await _send(writer, 400, {"error": {"message": f"Unsupported parameter: '{name}'."}})
        if body["model"] not in self.models:
            return await _send(writer, 404, {"error": {"message": STATUS_WORDS[404]}})
        self.delivered[json.dumps(body, sort_keys=True)] += 1
        return await _send(writer, 200, self._reply(path, body))

    async def _fail(self, fault: str, reply: dict[str, Any], writer: Any) -> bool:
        kind, _, after = fault.partition(" after ")
        if kind.isdigit():
            wait = {"retry-after": after} if after else {}
            return await _send(writer, int(kind), {"error": {"message": STATUS_WORDS[int(kind)]}}, wait)
        if kind == "filter":
            return await _send(writer, 400, {"error": {"message": "not this topic", "code": "content_filter"}})
        if kind == "html":
            return await _send(writer, 200, "<html>a gateway</html>", {"content-type": "text/html"})
        if kind == "nonsense":
            return await _send(writer, 200, {"choices": "none", "content": 5})
        if kind == "cut":
            whole = json.dumps(reply)
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(whole)}\r\n\r\n{whole[: len(whole) // 2]}".encode())
        if kind == "stall":
            await asyncio.sleep(5)
        await writer.drain()
        if kind == "reset":
            writer.transport.abort()
        return False

    def odds_of(self, body: dict[str, Any]) -> dict[str, float]:
        """Log-probabilities of the first token of the answer to a body."""
        return self.odds

    def _reply(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        shape = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
        shape = shape or (body.get("output_config") or {}).get("format", {}).get("schema")
        asked_to_obey = shape is not None and list(shape["properties"]) == ["answer"]
        text = '{"answer": "yes"}' if asked_to_obey else self.say(body)
        odds = self.odds_of(body)
        if path.endswith("messages"):
            usage = {"input_tokens": 10, "output_tokens": 3, "cache_read_input_tokens": 4}
            stop = {"stop": "end_turn", "length": "max_tokens"}.get(self.stop, self.stop)
            details = {"type": "refusal", "category": "bio"} if stop == "refusal" else None
            return {
                "content": [{"type": "text", "text": text}],
                "stop_reason": stop,
                "stop_details": details,
                "usage": usage,
            }
        usage = {"prompt_tokens": 10, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
        if path.endswith("chat/completions"):
            logs = [{"token": token, "logprob": value} for token, value in odds.items()]
            content = [{**logs[0], "top_logprobs": logs}] if body.get("logprobs") else None
            choice = {"message": {"content": text}, "finish_reason": self.stop, "logprobs": {"content": content}}
            return {"choices": [choice], "usage": usage}
        tokens = {"tokens": [text], "token_logprobs": [-0.5], "top_logprobs": [odds]}
        return {"choices": [{"text": text, "finish_reason": self.stop, "logprobs": tokens}], "usage": usage}


async def _send(writer: Any, status: int, content: Any, headers: dict[str, str] | None = None) -> bool:
    body = (content if isinstance(content, str) else json.dumps(content)).encode()
    lines = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"HTTP/1.1 {status} Words\r\n{head}\r\n".encode() + body)
    await writer.drain()
    return True
