"""The SDK clients of one server, each with a small pool of connections.

A pool looks at all its connections whenever a request comes or goes, so that the cost of a request grows with how many
are under way: with hundreds at once, several small pools take a fraction of the time of a large one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from ssl import SSLContext

REQUESTS = 32
"""Requests of one client at once."""


class Client(Protocol):
    """An SDK's client, as far as it is the same everywhere."""

    async def close(self) -> None:
        """Give its connections back."""
        ...


ClientT = TypeVar("ClientT", bound=Client)


@dataclass
class _Place(Generic[ClientT]):
    client: ClientT
    busy: int = 0


class Clients(Generic[ClientT]):
    """As many clients as the requests under way need; the first one takes whatever it can."""

    def __init__(self, connect: "Callable[[SSLContext], ClientT]") -> None:
        """`connect` makes a client; the TLS settings take a while to read, so all clients share them."""
        self._connect = connect
        self._places: list[_Place[ClientT]] = []
        self._tls: SSLContext | None = None

    @contextmanager
    def one(self) -> Iterator[ClientT]:
        """A client for one request."""
        place = next((place for place in self._places if place.busy < REQUESTS), None) or self._add()
        place.busy += 1
        try:
            yield place.client
        finally:
            place.busy -= 1

    async def close(self) -> None:
        """Give all connections back; a later request opens new ones."""
        places, self._places = self._places, []
        for place in places:
            await place.client.close()

    def _add(self) -> _Place[ClientT]:
        if self._tls is None:
            from httpx2 import create_ssl_context

            self._tls = create_ssl_context()
        self._places.append(_Place(self._connect(self._tls)))
        return self._places[-1]
