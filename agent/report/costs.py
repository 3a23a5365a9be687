"""What the run took: calls, tokens and seconds by role and step."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.spec import ROLES
from lm.calls import Usage


@dataclass(frozen=True)
class CostsView:
    """Use of models, in the order in which it began."""

    rows: tuple[Usage, ...]

    @property
    def calls(self) -> int:
        """All calls."""
        return sum(row.calls for row in self.rows)

    @property
    def tokens_in(self) -> int:
        """Tokens read."""
        return sum(row.tokens_in for row in self.rows)

    @property
    def tokens_out(self) -> int:
        """Tokens written."""
        return sum(row.tokens_out for row in self.rows)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of all calls."""
        return sum(row.seconds for row in self.rows)

    @property
    def usd(self) -> float | None:
        """USD of all attempts; None where a price is unknown."""
        known = [row.usd for row in self.rows if row.usd is not None]
        return sum(known) if len(known) == len(self.rows) else None

    @property
    def attempts(self) -> int:
        """Requests sent to servers; none where every model runs here."""
        return sum(row.attempts for row in self.rows)

    @property
    def cached_share(self) -> float:
        """Share of the tokens read that a server had kept from before."""
        served = sum(row.tokens_in for row in self.rows if row.attempts)
        return sum(row.tokens_cached for row in self.rows) / served if served else 0.0

    @property
    def steps(self) -> tuple[str, ...]:
        """Steps in the order of their first call."""
        return tuple(dict.fromkeys(row.step for row in self.rows))

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles that were called, in their usual order."""
        found = {row.role for row in self.rows}
        return tuple(role for role in ROLES if role in found) + tuple(sorted(found - set(ROLES)))

    def spent(self, step: str, role: str) -> float:
        """Seconds of one role in one step."""
        return sum(row.seconds for row in self.rows if (row.step, row.role) == (step, role))


def view_costs(usage: Sequence[Usage]) -> CostsView:
    """The totals as the call store keeps them."""
    return CostsView(tuple(usage))
