"""One server as one model uses it: every attempt is metered, every failure understood, every retry ours."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lm.errors import UserError
from lm.limits import Patience, Transient, gate_of, persist
from lm.metering import Meter, Unmetered, Use
from lm.remote.faults import fault_of
from lm.types import Prompt

T = TypeVar("T")

FREE = Use(tokens_in=0, tokens_out=0)
"""What asking for a list or for tokens takes; it is not booked."""
_TURN_TOKENS = 64
"""More than a chat template adds to a turn."""


@dataclass(frozen=True)
class Endpoint:
    """Where requests go and who counts them."""

    reference: str
    address: str
    key: str = field(repr=False, default="")
    patience: Patience = field(default_factory=Patience)
    meter: Meter = field(default_factory=Unmetered)

    async def ask(self, send: Callable[[], Awaitable[bytes]], read: Callable[[bytes], tuple[T, Use]], worst: Use) -> T:
        """Send until there is an answer. `send` gives an answer's body; `read` raises ValueError for nonsense.

        Raises ModelFailure for what waiting does not mend, and Refused.
        """
        # What costs nothing is answered in no time, which would let more in of what does than the server can take.
        gate = gate_of(self.address if worst != FREE else f"{self.address} (free)")
        return await persist(lambda: self._attempt(send, read, worst), gate, self.patience, self.reference)

    async def _attempt(
        self, send: Callable[[], Awaitable[bytes]], read: Callable[[bytes], tuple[T, Use]], worst: Use
    ) -> T:
        meter = self.meter if worst != FREE else Unmetered()
        ticket = await meter.reserve(worst)
        try:
            async with asyncio.timeout(self.patience.attempt_timeout):
                body = await send()
            answer, used = read(body)
        except Exception as error:
            fault = fault_of(error, self.reference, self.key)
            lost = isinstance(fault, Transient) and fault.cause in ("line", "time")
            meter.settle(ticket, "lost" if lost else "failed")
            raise fault from error
        except BaseException:
            meter.settle(ticket, "lost")
            raise
        meter.settle(ticket, "answer", used)
        return answer


async def post(client: Any, path: str, body: dict[str, Any]) -> bytes:
    """The body of what an SDK's client gets for a body, both as they are."""
    from httpx2 import Response

    content: bytes = (await client.post(path, body=body, cast_to=Response)).content
    return content


async def body_of(response: Awaitable[Any]) -> bytes:
    """The body of an SDK's raw response: it is read here, so that what servers get wrong is found in one place."""
    body: bytes = (await response).http_response.content
    return body


def key_of(variable: str, reference: str, *, needed: bool) -> str:
    """A key from the environment; UserError names the variable where it is needed and missing, or cannot be a key."""
    key = os.environ.get(variable, "").strip()
    if needed and not key:
        raise UserError(f"{reference!r} needs a key: set the environment variable {variable}.")
    if not (key.isascii() and key.isprintable() and " " not in key):
        # Sent as it is, it would come back in the words of an error.
        raise UserError(f"{variable} holds no key: there are blanks or characters in it that no key has. Set it again.")
    return key


def worst_case(prompt: Prompt, max_tokens: int) -> Use:
    """More tokens than this a request cannot use: no token is shorter than a byte."""
    turns = (prompt,) if isinstance(prompt, str) else tuple(message.content for message in prompt)
    return Use(
        tokens_in=sum(len(text.encode()) + _TURN_TOKENS for text in turns),
        tokens_out=max_tokens,
    )
