"""Mean residuals over positions, for all layers and several positions in one pass over the model.

Rows are token ids: those of the prompt, encoded once, and those that were generated, never re-tokenised text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from extract.hooks import Read, reading
from extract.models import LoadedModel
from extract.positions import Position
from extract.trait import SIDES, Pair, Side
from lm.local.batches import fixed_batches

PaddingSide = Literal["left", "right"]


@dataclass(frozen=True)
class TokenRow:
    """One text as token ids, with the borders that positions refer to."""

    ids: tuple[int, ...]
    prompt: int
    """How many of `ids` are the prompt's."""
    leading: int = 0
    """How many of the prompt's are special tokens in front."""

    def places(self, position: Position) -> range:
        """Which of `ids` a position selects."""
        return position.resolve(self.prompt, len(self.ids) - self.prompt, leading=self.leading)


@dataclass(frozen=True, eq=False)
class Readings:
    """What one position held, row by row; rows where it selects no token are zero with count 0."""

    mean: Float[Tensor, "row layer d_model"]
    norm: Float[Tensor, "row layer"]
    """Mean over the position's tokens of the residual's norm."""
    count: Int[Tensor, " row"]


@dataclass(frozen=True, eq=False)
class PairActivations:
    """Both sides of the pairs that have tokens at a position, in float32; samples of one side are averaged."""

    position: Position
    positive: Float[Tensor, "pair layer d_model"]
    negative: Float[Tensor, "pair layer d_model"]
    norm: Float[Tensor, "pair layer"]
    """Mean residual norm at the position, over both sides."""
    kept: tuple[int, ...]
    """Which of the given pairs these are."""
    dropped: int
    """Pairs left out, both sides, because a side selects no token."""


def pair_activations(
    model: LoadedModel, pairs: Sequence[Pair], positions: Sequence[Position], *, token_budget: int = 2048
) -> list[PairActivations]:
    """Activations of each pair at each position, over prompt ids and the ids of its completions.

    A side with several samples is the mean of those with tokens at the position. Left and right padding give the
    same numbers, and so does any batch size, to float32 accuracy.
    """
    owners: list[tuple[int, Side]] = []
    rows: list[TokenRow] = []
    for number, pair in enumerate(pairs):
        for side in SIDES:
            fresh = sample_rows(model, pair, side)
            rows.extend(fresh)
            owners.extend((number, side) for _ in fresh)
    readings = read_rows(model, rows, positions, token_budget=token_budget)
    return [_by_pair(position, len(pairs), owners, found) for position, found in zip(positions, readings, strict=True)]


def sample_rows(model: LoadedModel, pair: Pair, side: Side) -> list[TokenRow]:
    """The token rows of one side: its scenario, followed by each of its completions."""
    prompt = tuple(model.encode(pair.scenario(side)))
    leading = model.leading(prompt)
    samples = pair.completions.get(side, ())
    return [TokenRow(prompt + sample.token_ids, len(prompt), leading) for sample in samples]


@torch.no_grad()
def read_rows(
    model: LoadedModel,
    rows: Sequence[TokenRow],
    positions: Sequence[Position],
    *,
    token_budget: int = 2048,
    padding: PaddingSide = "right",
) -> list[Readings]:
    """Mean residual of each row at each position, all layers, one pass; a batch holds at most `token_budget` tokens."""
    size = (len(positions), len(rows), model.n_layers)
    mean = torch.zeros(*size, model.d_model)
    norm = torch.zeros(*size)
    count = torch.tensor([[len(row.places(position)) for row in rows] for position in positions]).reshape(size[:2])
    for batch in fixed_batches([len(row.ids) for row in rows], len(rows), token_budget):
        chosen = [rows[number] for number in batch]
        ids, real = pad([row.ids for row in chosen], padding, model.device)
        weights = _mean_weights(chosen, positions, real)
        found = {layer: _pool(weights, mean[:, :, layer], norm[:, :, layer], batch) for layer in range(model.n_layers)}
        with reading(model.blocks, found):
            forward_blocks(model, ids, real)
    return [Readings(mean[number], norm[number], count[number]) for number in range(len(positions))]


def forward_blocks(model: LoadedModel, ids: Int[Tensor, "row token"], real: Int[Tensor, "row token"]) -> None:
    """Run the decoder without its output head; `real` is 1 for tokens and 0 for padding."""
    places = (real.cumsum(dim=1) - 1).clamp(min=0)
    model.model.base_model(input_ids=ids, attention_mask=real, position_ids=places, use_cache=False)


def pad(
    rows: Sequence[Sequence[int]], side: PaddingSide, device: torch.device
) -> tuple[Int[Tensor, "row token"], Int[Tensor, "row token"]]:
    """Rows as one tensor, and which of its entries are real (1) or padding (0)."""
    longest = max(len(row) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    real = torch.zeros(len(rows), longest, dtype=torch.long)
    for number, row in enumerate(rows):
        places = slice(longest - len(row), longest) if side == "left" else slice(0, len(row))
        ids[number, places] = torch.tensor(row, dtype=torch.long)
        real[number, places] = 1
    return ids.to(device), real.to(device)


def _mean_weights(
    rows: Sequence[TokenRow], positions: Sequence[Position], real: Int[Tensor, "row token"]
) -> Float[Tensor, "row position token"]:
    """Weights that average the tokens of each position."""
    weights = torch.zeros(len(rows), len(positions), real.shape[1])
    starts = real.argmax(dim=1).tolist()
    for number, row in enumerate(rows):
        for place, position in enumerate(positions):
            span = row.places(position)
            if span:
                weights[number, place, starts[number] + span.start : starts[number] + span.stop] = 1 / len(span)
    return weights.to(real.device)


def _pool(
    weights: Float[Tensor, "row position token"],
    mean: Float[Tensor, "position all_rows d_model"],
    norm: Float[Tensor, "position all_rows"],
    batch: Sequence[int],
) -> Read:
    """A reader that writes the weighted means of one layer's output to the rows of `batch`."""

    def read(hidden: Tensor) -> None:
        values = hidden.float()
        mean[:, batch] = (weights @ values).transpose(0, 1).cpu()
        norm[:, batch] = (weights @ values.norm(dim=-1, keepdim=True)).squeeze(-1).T.cpu()

    return read


def _by_pair(
    position: Position, n_pairs: int, owners: Sequence[tuple[int, Side]], readings: Readings
) -> PairActivations:
    """Average each side's samples, and keep the pairs that have both sides."""
    sides = {side: _side_means(side, n_pairs, owners, readings) for side in SIDES}
    kept = [n for n in range(n_pairs) if all(sides[side][2][n] > 0 for side in SIDES)]
    return PairActivations(
        position=position,
        positive=sides["positive"][0][kept],
        negative=sides["negative"][0][kept],
        norm=(sides["positive"][1][kept] + sides["negative"][1][kept]) / 2,
        kept=tuple(kept),
        dropped=n_pairs - len(kept),
    )


def _side_means(
    side: Side, n_pairs: int, owners: Sequence[tuple[int, Side]], readings: Readings
) -> tuple[Float[Tensor, "pair layer d_model"], Float[Tensor, "pair layer"], Float[Tensor, " pair"]]:
    """Mean over the samples of one side that have tokens: residuals, norms, and how many samples there were."""
    member = torch.zeros(n_pairs, len(owners))
    for row, (number, whose) in enumerate(owners):
        member[number, row] = float(whose == side and readings.count[row] > 0)
    samples = member.sum(dim=1)
    shares = member / samples.clamp(min=1)[:, None]
    return torch.einsum("pr,rld->pld", shares, readings.mean), shares @ readings.norm, samples
