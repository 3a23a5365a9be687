"""A connection for each request under way, beneath an SDK's client.

The usual pool looks at all its connections whenever a request comes or goes, so that with hundreds at once a request
costs several times what it costs alone. Here each has a pool of its own, with one connection to look at.
"""

from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from httpx2 import AsyncBaseTransport, AsyncByteStream, AsyncHTTPTransport, Request, Response, create_ssl_context


class Connections(AsyncBaseTransport):
    """As many connections as the requests under way need; what was used last is taken first, it is warm."""

    def __init__(self, address: str) -> None:
        """All of them go to `address`, through the proxy that the environment names for it."""
        self._proxy = proxy_of(address)
        self._tls = create_ssl_context()  # Takes a while, so all share it.
        self._all: list[AsyncHTTPTransport] = []
        self._free: list[AsyncHTTPTransport] = []

    async def handle_async_request(self, request: Request) -> Response:
        """Send a request on a connection that is its own until the answer has been read."""
        connection = self._free.pop() if self._free else self._add()
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            self._free.append(connection)
            raise
        assert isinstance(response.stream, AsyncByteStream)
        response.stream = _Body(response.stream, lambda: self._free.append(connection))
        return response

    async def aclose(self) -> None:
        """Give all connections back."""
        for connection in self._all:
            await connection.aclose()

    def _add(self) -> AsyncHTTPTransport:
        connection = AsyncHTTPTransport(verify=self._tls, proxy=self._proxy)
        self._all.append(connection)
        return connection


class _Body(AsyncByteStream):
    """An answer's body, and what is to be done once it has been read."""

    def __init__(self, body: AsyncByteStream, then: Callable[[], None]) -> None:
        self._body, self._then = body, then

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body.__aiter__()

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            self._then()


def proxy_of(address: str) -> str | None:
    """The proxy that the environment names for an address."""
    url = urlsplit(address)
    proxies = getproxies()
    found = proxies.get(url.scheme) or proxies.get("all")
    if not found or proxy_bypass(url.netloc):
        return None
    return found if "://" in found else f"http://{found}"
