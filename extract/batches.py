"""How texts become batches by a budget of tokens: those that begin alike in one row, rows of alike lengths together.

What texts in one row begin with stands there once. Depth first, their tokens make a tree: token j is seen by token i
where j <= i < ends[j], which are the tokens of its own texts and of no other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MIN_SHARED = 8
"""Texts that have fewer tokens in common stand in rows of their own: one row's attention grows with all its tokens."""

WIDEST = 1024
"""Most tokens of a row that holds several texts, or twice its longest text: attention grows with the square of them."""

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """Texts laid out in one row of tokens; a text by itself is such a row, too."""

    texts: tuple[int, ...]
    """Their numbers."""
    ids: Ids
    ends: tuple[int, ...]
    """For each token, the column where the texts that hold it end."""
    columns: tuple[tuple[int, ...], ...]
    """For each text, where its tokens stand."""


@dataclass(frozen=True)
class Batch:
    """Rows that run together; all of them hold several texts, or none does."""

    rows: tuple[Row, ...]

    @property
    def texts(self) -> tuple[int, ...]:
        """Numbers of the texts, row by row."""
        return tuple(text for row in self.rows for text in row.texts)

    @property
    def tokens(self) -> int:
        """How many tokens are run, padding left out."""
        return sum(len(row.ids) for row in self.rows)

    @property
    def shares(self) -> bool:
        """Whether its rows hold several texts."""
        return len(self.rows[0].texts) > 1

    def halves(self, ids: Sequence[Ids]) -> tuple["Batch", ...]:
        """The same texts in two batches; a single row is taken apart, a single text stays as it is."""
        middle = len(self.rows) // 2
        if middle:
            return Batch(self.rows[:middle]), Batch(self.rows[middle:])
        return tuple(Batch((lay_out(ids, [text]),)) for text in self.texts)


def plan_batches(ids: Sequence[Ids], together: Sequence[Sequence[int]], tokens: int, *, share: bool) -> list[Batch]:
    """Batches of at most `tokens` tokens, padding included (one row at least), a function of the texts alone.

    `together` numbers the texts that may begin alike. Texts without tokens are left out.
    """
    rows = [row for numbers in together for row in _rows(ids, [n for n in numbers if ids[n]], share=share)]
    rows.sort(key=lambda row: (len(row.texts) > 1, len(row.ids)), reverse=True)
    return list(_packed(rows, tokens))


def lay_out(ids: Sequence[Ids], texts: Sequence[int]) -> Row:
    """These texts in one row, those that begin alike side by side."""
    ordered = sorted(texts, key=lambda text: ids[text])
    tokens: list[int] = []
    ends: list[int] = []
    columns: list[tuple[int, ...]] = []
    path: tuple[int, ...] = ()
    for before, text in zip([None, *ordered], ordered, strict=False):
        shared = 0 if before is None else _common(ids[before], ids[text])
        for column in path[shared:]:
            ends[column] = len(tokens)
        own = ids[text][shared:]
        path = (*path[:shared], *range(len(tokens), len(tokens) + len(own)))
        tokens += own
        ends += [0] * len(own)
        columns.append(path)
    for column in path:
        ends[column] = len(tokens)
    return Row(tuple(ordered), tuple(tokens), tuple(ends), tuple(columns))


def _rows(ids: Sequence[Ids], texts: Sequence[int], *, share: bool) -> Iterator[Row]:
    """Texts that may begin alike in rows: of several where that saves tokens, else each in its own."""
    for part in _parts(ids, texts) if share else [[text] for text in texts]:
        row = lay_out(ids, part)
        if len(part) == 1 or sum(len(ids[text]) for text in part) - len(row.ids) >= MIN_SHARED:
            yield row
        else:
            yield from (lay_out(ids, [text]) for text in part)


def _parts(ids: Sequence[Ids], texts: Sequence[int]) -> Iterator[list[int]]:
    """Texts that begin alike, as many as one row may hold."""
    part: list[int] = []
    width = longest = 0
    for text in sorted(texts, key=lambda text: ids[text]):
        own = len(ids[text]) - (_common(ids[part[-1]], ids[text]) if part else 0)
        longest = max(longest, len(ids[text]))
        if width + own > max(WIDEST, 2 * longest):
            yield part
            part, width = [], 0
            own = longest = len(ids[text])
        part.append(text)
        width += own
    if part:
        yield part


def _common(one: Ids, other: Ids) -> int:
    """Number of leading tokens that two texts share."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(place for place in range(shorter) if one[place] != other[place])


def _packed(rows: Sequence[Row], tokens: int) -> Iterator[Batch]:
    """Rows in the order given; the first of a batch is its longest."""
    held: list[Row] = []
    for row in rows:
        full = held and (len(held) + 1) * len(held[0].ids) > tokens
        if full or (held and (len(held[0].texts) > 1) != (len(row.texts) > 1)):
            yield Batch(tuple(held))
            held = []
        held.append(row)
    if held:
        yield Batch(tuple(held))
