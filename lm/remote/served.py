"""What every model behind a server has: a connection that is closed again, abilities found out once, a meter."""

import asyncio
import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from lm.limits import Patience
from lm.metering import Meter
from lm.references import ModelReference
from lm.remote.endpoint import Endpoint, key_of, post
from lm.types import Capabilities

if TYPE_CHECKING:
    from lm.remote.connections import Connections


class Abilities(Protocol):
    """What was found out at the start, for callers and for the requests to come."""

    @property
    def capabilities(self) -> Capabilities:
        """What callers may know."""
        ...


class Client(Protocol):
    """An SDK's client, as far as it is the same everywhere."""

    async def close(self) -> None:
        """Give its connections back."""
        ...


ClientT = TypeVar("ClientT", bound=Client)
AbilitiesT = TypeVar("AbilitiesT", bound=Abilities)


@dataclass
class _Shared(Generic[ClientT, AbilitiesT]):
    """What all metered copies of one model have in common."""

    client: ClientT | None = None
    abilities: AbilitiesT | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class ServedModel(ABC, Generic[ClientT, AbilitiesT]):
    """One model on one server; `key_variable` names the environment variable that holds its key."""

    def __init__(self, reference: ModelReference, official: str, key_variable: str, patience: Patience | None) -> None:
        self.reference = str(reference)
        self.name = reference.name
        self.address = reference.url or official
        self.is_official = reference.url is None
        self._key_variable = key_variable
        self._patience = patience or Patience()
        self._meter: Meter | None = None
        self._shared: _Shared[ClientT, AbilitiesT] = _Shared()

    @abstractmethod
    def _connect(self, connections: "Connections") -> ClientT:
        """A client on these connections; it never tries anything again, nor gives up by itself (`Endpoint` does)."""

    @abstractmethod
    async def _probe(self) -> AbilitiesT:
        """Find out by a few small requests what the endpoint can do."""

    def metered(self, meter: Meter) -> Self:
        """The same model, its attempts told to a meter; connection and abilities are shared."""
        other = copy.copy(self)
        other._meter = meter
        return other

    async def capabilities(self) -> Capabilities:
        """Found out by a few small requests, once."""
        return (await self._abilities()).capabilities

    async def close(self) -> None:
        """Give the connections back, those of metered copies too; a later request opens new ones."""
        client, self._shared.client = self._shared.client, None
        if client is not None:
            await client.close()

    async def _abilities(self) -> AbilitiesT:
        if self._shared.abilities is not None:
            return self._shared.abilities
        async with self._shared.turn:
            if self._shared.abilities is None:
                quick = copy.copy(self)
                quick._patience = self._patience.for_probes()
                self._shared.abilities = await quick._probe()
        return self._shared.abilities

    def _client(self) -> ClientT:
        """The client of this server, connected when first needed."""
        if self._shared.client is None:
            from lm.remote.connections import Connections

            self._shared.client = self._connect(Connections(self.address))
        return self._shared.client

    async def _post(self, path: str, body: dict[str, Any]) -> bytes:
        """Send a body as it is: the SDK's methods for each endpoint would only build it again, and that takes time."""
        return await post(self._client(), path, body)

    def _endpoint(self) -> Endpoint:
        endpoint = Endpoint(self.reference, self.address, self._key(), self._patience)
        return endpoint if self._meter is None else replace(endpoint, meter=self._meter)

    def _key(self) -> str:
        return key_of(self._key_variable, self.reference, needed=self.is_official)
