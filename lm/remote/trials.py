"""Tiny requests that try an endpoint out: each brings an answer, or the server's words against it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lm.limits import GaveUp
from lm.metering import Use
from lm.remote.endpoint import FREE, Endpoint, body_of, post
from lm.remote.faults import Refused, Rejected
from lm.remote.openai_answers import ChatAnswer

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_SMALL = Use(tokens_in=400, tokens_out=64)
"""More than any trial takes."""


@dataclass(frozen=True)
class Trials:
    """What tries out the model `name` of one endpoint."""

    endpoint: Endpoint
    client: "AsyncOpenAI"
    name: str
    is_vllm: bool

    async def ask(
        self, send: Callable[[], Awaitable[bytes]], answer: type[Any], *, free: bool = False, needed: bool = False
    ) -> Any:
        """The answer, or what the server has against the request. A wrong key ends it all.

        Where the server breaks at it each time that is an objection too, unless the answer is `needed` to go on.
        """

        def read(body: bytes) -> tuple[Any, Use]:
            found = answer.model_validate_json(body)
            return found, FREE if free else found.usage.use()

        try:
            return await self.endpoint.ask(send, read, FREE if free else _SMALL)
        except (Rejected, Refused) as error:
            if re.search(r"HTTP (401|403)", str(error)):
                raise
            return str(error)
        except GaveUp as error:
            if needed or error.cause != "server":
                raise
            return str(error)

    async def chat(self, body: dict[str, Any], *, needed: bool = False) -> ChatAnswer | str:
        """The answer to a chat, or what the server has against it."""
        create = self.client.chat.completions.with_raw_response.create
        asked = self.ask(lambda: body_of(create(model=self.name, **body)), ChatAnswer, needed=needed)
        return await asked  # type: ignore[no-any-return]

    async def post(self, path: str, body: dict[str, Any], answer: type[Any], free: bool = False) -> Any:
        """The answer of one of vLLM's own endpoints, which lie beside the OpenAI ones."""
        url = self.endpoint.address.removesuffix("/v1") + path
        return await self.ask(lambda: post(self.client, url, {"model": self.name, **body}), answer, free=free)
