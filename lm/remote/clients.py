"""The SDK clients of one server, one for each request under way.

A client's pool looks at all its connections whenever a request comes or goes, so that with hundreds at once a request
costs several times what it costs alone. A client of its own has one connection to look at.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from ssl import SSLContext


class Client(Protocol):
    """An SDK's client, as far as it is the same everywhere."""

    async def close(self) -> None:
        """Give its connections back."""
        ...


ClientT = TypeVar("ClientT", bound=Client)


class Clients(Generic[ClientT]):
    """As many clients as the requests under way need; whoever was used last is taken first, its connection is warm."""

    def __init__(self, connect: "Callable[[SSLContext], ClientT]") -> None:
        """`connect` makes a client; the TLS settings take a while to read, so all clients share them."""
        self._connect = connect
        self._all: list[ClientT] = []
        self._free: list[ClientT] = []
        self._tls: SSLContext | None = None

    @contextmanager
    def one(self) -> Iterator[ClientT]:
        """A client for one request."""
        client = self._free.pop() if self._free else self._add()
        among = self._all
        try:
            yield client
        finally:
            if among is self._all:  # Otherwise all were closed meanwhile.
                self._free.append(client)

    async def close(self) -> None:
        """Give all connections back; a later request opens new ones."""
        clients, self._all, self._free = self._all, [], []
        for client in clients:
            await client.close()

    def _add(self) -> ClientT:
        if self._tls is None:
            from httpx2 import create_ssl_context

            self._tls = create_ssl_context()
        client = self._connect(self._tls)
        self._all.append(client)
        return client
