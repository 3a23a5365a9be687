"""What an attempt may cost and what it did cost: the words in which a provider tells its meter."""

from typing import Literal, Protocol

from lm.types import Value

Outcome = Literal["answer", "lost", "failed"]
"""Paid and here; perhaps paid, but cut off on the way; turned down by the provider, which costs nothing."""


class Use(Value):
    """Tokens of one attempt; `cached` and `cache_written` are parts of `tokens_in`, `reasoning` one of `tokens_out`."""

    tokens_in: int
    tokens_out: int
    cached: int = 0
    reasoning: int = 0
    cache_written: int = 0
    """What a server that charges for it has begun to keep."""


class Meter(Protocol):
    """Told of every attempt before and after it is made."""

    async def reserve(self, worst: Use) -> int:
        """Set the worst case aside; gives a ticket. Raises BudgetReached where it does not fit any more."""
        ...

    def settle(self, ticket: int, outcome: Outcome, used: Use | None = None) -> None:
        """Say how the attempt of a ticket ended; without `used` it stays at its worst case, or at nothing if failed."""
        ...


class Unmetered:
    """A meter that lets everything pass."""

    async def reserve(self, worst: Use) -> int:  # noqa: ARG002
        """No ticket is needed."""
        return 0

    def settle(self, ticket: int, outcome: Outcome, used: Use | None = None) -> None:
        """Nothing is kept."""
