"""What the run took: calls, tokens, seconds and money by role and step."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.spec import ROLES
from lm.calls import Usage, total_usd


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
        return total_usd(self.rows)

    @property
    def attempts(self) -> int:
        """Requests sent to servers; none where every model runs here."""
        return sum(row.attempts for row in self.rows)

    @property
    def tokens_cached(self) -> int:
        """Tokens read that a server had kept from before."""
        return sum(row.tokens_cached for row in self.rows)

    @property
    def cached_share(self) -> float | None:
        """Their share of the tokens that servers read; None where no server was asked."""
        # A step of failed attempts or probes has no calls, whose tokens these are a share of.
        served = [row for row in self.rows if row.attempts and row.tokens_in]
        return sum(row.tokens_cached for row in served) / sum(row.tokens_in for row in served) if served else None

    @property
    def is_paid(self) -> bool:
        """Whether money is worth a column: something was sent to a server, or a machine is priced by the hour."""
        return any(row.attempts or row.usd != 0 for row in self.rows)

    def of_role(self, role: str) -> "CostsView":
        """What one role took in all steps."""
        return CostsView(tuple(row for row in self.rows if row.role == role))

    def as_json(self) -> dict[str, object]:
        """The totals for machines."""
        names = ("calls", "attempts", "tokens_in", "tokens_out", "tokens_cached", "cached_share", "seconds", "usd")
        return {name: getattr(self, name) for name in names}

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
