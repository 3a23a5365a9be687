"""How rows are put into batches by a budget of tokens, rows of alike lengths together, what they share read once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MIN_SHARED = 8
"""Shorter shared beginnings are not worth a forward pass of their own, in tokens."""

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """Rows that begin alike, by number, and how many tokens they share (0: nothing worth sharing)."""

    rows: tuple[int, ...]
    shared: int


@dataclass(frozen=True)
class Batch:
    """Groups that run together; all of them share something, or none does."""

    groups: tuple[Group, ...]

    @property
    def rows(self) -> tuple[int, ...]:
        """Numbers of the rows, group by group."""
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def owners(self) -> tuple[int, ...]:
        """For each row its group's place in the batch."""
        return tuple(place for place, group in enumerate(self.groups) for _ in group.rows)

    def halves(self) -> tuple["Batch", ...]:
        """The same rows in two batches; a single group is taken apart, a single row stays as it is."""
        middle = len(self.groups) // 2
        if middle:
            return Batch(self.groups[:middle]), Batch(self.groups[middle:])
        return tuple(Batch((Group((row,), 0),)) for row in self.rows)


def plan_batches(ids: Sequence[Ids], together: Sequence[Sequence[int]], tokens: int, *, share: bool) -> list[Batch]:
    """Batches of at most `tokens` tokens, padding included (one group at least), a function of the rows alone.

    `together` numbers the rows that may begin alike. Rows without tokens are left out.
    """
    groups = []
    for numbers in together:
        rows = tuple(number for number in numbers if ids[number])
        shared = shared_tokens([ids[number] for number in rows]) if share else 0
        groups += [Group(rows, shared)] if shared >= MIN_SHARED else [Group((row,), 0) for row in rows]

    def key(group: Group) -> tuple[int, int, int]:
        rest = max(len(ids[row]) for row in group.rows) - group.shared
        return (group.shared > 0, group.shared + len(group.rows) * rest, group.shared)

    return list(_packed(sorted(groups, key=key, reverse=True), ids, tokens))


def shared_tokens(rows: Sequence[Ids]) -> int:
    """Number of leading tokens that all rows share, leaving each row one token at least; 0 for fewer than two rows."""
    if len(rows) < 2:
        return 0
    low, high = min(rows), max(rows)
    longest = max(min(len(row) for row in rows) - 1, 0)
    return next((place for place in range(longest) if low[place] != high[place]), longest)


def _packed(groups: Sequence[Group], ids: Sequence[Ids], tokens: int) -> Iterator[Batch]:
    held: list[Group] = []
    prefix = rest = rows = 0
    for group in groups:
        wide = max(prefix, group.shared), max(rest, max(len(ids[row]) for row in group.rows) - group.shared)
        size = (len(held) + 1) * wide[0] + (rows + len(group.rows)) * wide[1]
        if held and (size > tokens or bool(held[0].shared) != bool(group.shared)):
            yield Batch(tuple(held))
            held, rows = [], 0
            wide = group.shared, max(len(ids[row]) for row in group.rows) - group.shared
        held.append(group)
        (prefix, rest), rows = wide, rows + len(group.rows)
    if held:
        yield Batch(tuple(held))
