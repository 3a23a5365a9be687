"""A provider on loopback that speaks both wire formats and misbehaves on demand: a real server, real sockets.

async with Provider() as provider:
    provider.misbehave = lambda number: "500" if number % 5 == 0 else None
    model = provider.open("openai:small")
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from lm.open import open_model
from lm.types import Model
from tests.lm.loopback import Asked, Loopback, reset, send, send_half

ModelT = TypeVar("ModelT", bound=Model)

Fault = str | None
"""What goes wrong: 429, '429 after 0.2', 500, 529, 400, 401, reset, stall, cut, html, nonsense, filter; None: nothing.

400, 401 and 'filter with key' repeat the key that they were sent, as real providers do in part.
"""

STATUS_WORDS = {
    400: "This request is not allowed for the key {key}.",
    401: "Incorrect API key provided: {key}.",
    404: "The model does not exist.",
    429: "Too many requests.",
    500: "The server had an error.",
    529: "Overloaded.",
}


class Provider(Loopback):
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
        self.cache_written = 0
        """Tokens of each prompt that the messages endpoint begins to keep."""
        self.delay = 0.0
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.delivered: Counter[str] = Counter()
        """Bodies that were answered, and whole."""
        self.inside = self.most_inside = self.number = 0
        self._models: list[Model] = []

    async def __aexit__(self, *details: object) -> None:
        for model in self._models:
            await model.close()
        await super().__aexit__(*details)

    def open(self, name: str) -> Model:
        """The model 'provider:name' as served here; closed when this ends."""
        return self.keep(open_model(f"{name}@{self.url}"))

    def keep(self, model: ModelT) -> ModelT:
        """A model that is closed when this ends."""
        self._models.append(model)
        return model

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False to hang up."""
        self.inside += 1
        self.most_inside = max(self.inside, self.most_inside)
        try:
            return await self._answer(asked.path, asked.headers, json.loads(asked.body or b"{}"), writer)
        finally:
            self.inside -= 1

    async def _answer(self, path: str, headers: dict[str, str], body: dict[str, Any], writer: Any) -> bool:
        if path.endswith("/models"):
            listed = [{"id": name, "root": self.roots.get(name)} for name in self.models]
            return await send(writer, 200, {"data": listed})
        if not path.endswith(("completions", "messages")):
            return await send(writer, 404, {"error": {"message": f"no {path} here"}})
        self.number += 1
        number = self.number
        self.requests.append(body)
        self.headers.append(headers)
        if self.delay:
            await asyncio.sleep(self.delay)
        if (fault := self.misbehave(number)) is not None:
            return await self._fail(fault, self._reply(path, body), _key_in(headers), writer)
        for name in self.refuse_parameters:
            if name in body:
                return await send(writer, 400, {"error": {"message": f"Unsupported parameter: '{name}'."}})
        if body["model"] not in self.models:
            return await send(writer, 404, {"error": {"message": STATUS_WORDS[404]}})
        self.delivered[json.dumps(body, sort_keys=True)] += 1
        return await send(writer, 200, self._reply(path, body))

    async def _fail(self, fault: str, reply: dict[str, Any], key: str, writer: Any) -> bool:
        kind, _, after = fault.partition(" after ")
        if kind.isdigit():
            wait = {"retry-after": after} if after else {}
            words = STATUS_WORDS[int(kind)].format(key=key)
            return await send(writer, int(kind), {"error": {"message": words}}, wait)
        if kind in ("filter", "filter with key"):
            words = "not this topic" + (f", {key}" if kind.endswith("key") else "")
            return await send(writer, 400, {"error": {"message": words, "code": "content_filter"}})
        if kind == "html":
            return await send(writer, 200, "<html>a gateway</html>", {"content-type": "text/html"})
        if kind == "nonsense":
            return await send(writer, 200, {"choices": "none", "content": 5})
        if kind == "cut":
            return await send_half(writer, json.dumps(reply).encode())
        if kind == "stall":
            await asyncio.sleep(5)
        return reset(writer) if kind == "reset" else False

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
            usage["cache_creation_input_tokens"] = self.cache_written
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
        pieces = re.findall(r"\s*\S+", text)
        tokens = {
            "tokens": pieces,
            "token_logprobs": [-0.5] * len(pieces),
            "top_logprobs": [odds] * len(pieces),
        }
        return {"choices": [{"text": text, "finish_reason": self.stop, "logprobs": tokens}], "usage": usage}


def _key_in(headers: dict[str, str]) -> str:
    """The key that came with a request, in either provider's header."""
    return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
