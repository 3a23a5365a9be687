"""Generation of many rows at once, each with operators of its own, greedy or drawn from a stream of its own.

A prompt's keys and values are computed once and shared by all its rows, as long as their operators touch generated
tokens only. Rows of like length run together, and finished ones are dropped. A row's text does not depend on the
rows beside it, up to rounding in the model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor

from extract.hooks import editing
from extract.models import LoadedModel
from extract.rows import pad
from lm.local.grammar import RowMatchers
from lm.local.kv import RoomyLayer, make_cache, select_rows
from lm.local.sampling import RowSampler
from lm.types import Completion, Prompt, Sampling
from steer.edits import Editor, Hidden, compile_steps
from steer.intervention import check_operators
from steer.operators import ALL, GENERATED, PROMPT, Operator, Tokens

_ENOUGH = 48
"""Rows of equal length that are worth a batch of their own: without padding a step is a third faster."""

_DROP_BELOW = 0.75
"""Finished rows are dropped when at most this share of the batch is still going: each drop copies the cache once."""


@dataclass(frozen=True)
class Row:
    """One text to generate."""

    prompt: Prompt
    pushes: tuple[Operator, ...] = ()
    temperature: float = 0.0
    """0 takes the likeliest token."""
    seed: int = 0
    """Of the row's own random stream."""


@torch.inference_mode()
def generate(model: LoadedModel, rows: Sequence[Row], *, max_tokens: int = 48, max_rows: int = 320) -> list[Completion]:
    """The continuation of each row, up to `max_tokens` or an end-of-text token, in the order given.

    Greedy rows are what `model.generate` writes inside `steered`, row by row. At most `max_rows` run at once.
    """
    check_operators([push for row in rows for push in row.pushes], model.n_layers, model.d_model)
    distinct = list(dict.fromkeys(row.prompt for row in rows))
    encoded = dict(zip(distinct, model.spelling.encode(distinct), strict=True))
    prompts = [encoded[row.prompt] for row in rows]
    found: dict[int, Completion] = {}
    for chunk in _chunks([len(prompt) for prompt in prompts], max_rows):
        ids = _run_chunk(model, [prompts[n] for n in chunk], [rows[n] for n in chunk], max_tokens)
        found.update((n, _completion(model, prompts[n], row, max_tokens)) for n, row in zip(chunk, ids, strict=True))
    return [found[number] for number in range(len(rows))]


def _completion(model: LoadedModel, prompt: list[int], ids: list[int], max_tokens: int) -> Completion:
    return Completion(
        text=model.spelling.decode_after(prompt, ids),
        finish="length" if len(ids) == max_tokens else "stop",
        prompt_ids=tuple(prompt),
        token_ids=tuple(ids),
        tokens_in=len(prompt),
        tokens_out=len(ids),
    )


def _chunks(lengths: Sequence[int], max_rows: int) -> Iterator[list[int]]:
    """Row numbers of like length together, equal lengths alone where there are enough of them."""
    order = sorted(range(len(lengths)), key=lambda number: lengths[number])
    chunk: list[int] = []
    for number in order:
        new_length = bool(chunk) and lengths[number] != lengths[chunk[-1]]
        if len(chunk) == max_rows or (new_length and len(chunk) >= _ENOUGH):
            yield chunk
            chunk = []
        chunk.append(number)
    if chunk:
        yield chunk


def _run_chunk(
    model: LoadedModel, prompts: Sequence[Sequence[int]], rows: Sequence[Row], max_tokens: int
) -> list[list[int]]:
    """The generated ids of one batch of rows, without the token that ends a text."""
    batch = _Batch(model, prompts, rows, max_tokens)
    ends = torch.tensor(sorted(model.checkpoint.ends), dtype=torch.long, device=model.device)
    drawn = torch.full((len(prompts), max_tokens), -1, dtype=torch.long, device=model.device)
    alive = torch.arange(len(prompts), device=model.device)
    going = torch.ones(len(prompts), dtype=torch.bool, device=model.device)
    with editing(model.blocks, batch.editor.edits()):
        for step in range(max_tokens):
            tokens = batch.step()
            going = going & ~torch.isin(tokens, ends)
            drawn[alive[going], step] = tokens[going]
            left = int(going.sum())
            if left == 0:
                break
            if left <= _DROP_BELOW * len(alive):
                kept = going.nonzero()[:, 0]
                batch.keep(kept)
                alive, going = alive[kept], going[kept]
    return [[token for token in row if token >= 0] for row in drawn.tolist()]


class _Batch:
    """Rows inside the model: cache, padding, the tokens that go in next, and what is done to them."""

    def __init__(
        self,
        model: LoadedModel,
        prompts: Sequence[Sequence[int]],
        given: Sequence[Row],
        max_tokens: int,
    ) -> None:
        """Run all prompts up to their last tokens, each distinct one once."""
        device, pushes = model.device, [row.pushes for row in given]
        owners, firsts = _shared(prompts, pushes)
        prefixes = [prompts[number][:-1] for number in firsts]
        ids, real = pad(prefixes, "left", device)
        cache = _prefill(model, ids, real, [pushes[number] for number in firsts])
        rows = torch.tensor(owners, device=device)
        self._model = model
        self._cache = _spread(model, cache, rows, ids.shape[1] + max_tokens)
        self._mask = None if bool(real.all()) else F.pad(real[rows], (0, max_tokens), value=1)
        self._filled = ids.shape[1]
        self._places = real.sum(dim=1)[rows]
        self._tokens = torch.tensor([prompt[-1] for prompt in prompts], device=device)
        self._sampler = _sampler(given, max_tokens)
        self._place = _Answer()
        self.editor = Editor(compile_steps(pushes, device), self._place)

    def step(self) -> Int[Tensor, " row"]:
        """Take in one token of each row; returns the next ones."""
        self._filled += 1
        output = self._model.model(
            input_ids=self._tokens[:, None],
            attention_mask=None if self._mask is None else self._mask[:, : self._filled],
            position_ids=self._places[:, None],
            past_key_values=self._cache,
            use_cache=True,
        )
        self._places = self._places + 1
        self._place.begun = True
        logits = output.logits[:, -1]
        drawn = logits.argmax(dim=-1) if self._sampler is None else self._sampler.draw(logits)
        self._tokens = drawn.to(logits.device)
        return self._tokens

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Drop all other rows."""
        select_rows(self._cache, rows)
        self._mask = None if self._mask is None else self._mask[rows]
        self._places, self._tokens = self._places[rows], self._tokens[rows]
        if self._sampler is not None:
            self._sampler.keep(rows.tolist())
        self.editor.keep(rows)


def _sampler(rows: Sequence[Row], max_tokens: int) -> RowSampler | None:
    """Draws the tokens of rows that are sampled; None where all are greedy, which needs no logits on the CPU."""
    if all(row.temperature == 0 for row in rows):
        return None
    samplings = [Sampling(max_tokens=max_tokens, temperature=row.temperature, seed=row.seed) for row in rows]
    return RowSampler(samplings, RowMatchers([None] * len(rows), vocab=0))


class _Prefix:
    """The pass of the prompts without their last tokens."""

    def touched(self, tokens: Tokens, _hidden: Hidden) -> bool:
        """All tokens are the prompt's."""
        return tokens != GENERATED

    def last_of_prompt(self, _hidden: Hidden) -> None:
        """Not in this pass, and nothing here waits for it."""


class _Answer:
    """Passes of one token: first the prompt's last, then the answer's."""

    def __init__(self) -> None:
        self.begun = False

    def touched(self, tokens: Tokens, _hidden: Hidden) -> bool:
        """The first token is the prompt's and the answer's, the others are the answer's."""
        return tokens != PROMPT or not self.begun

    def last_of_prompt(self, hidden: Hidden) -> Int[Tensor, "row 1"] | None:
        """The one token of the first pass."""
        return None if self.begun else torch.zeros(len(hidden), 1, dtype=torch.long, device=hidden.device)


def _shared(prompts: Sequence[Sequence[int]], pushes: Sequence[tuple[Operator, ...]]) -> tuple[list[int], list[int]]:
    """Rows whose prompts run as one: for each row its number among them, and for each of them its first row."""
    numbers: dict[object, int] = {}
    owners: list[int] = []
    firsts: list[int] = []
    for row, (prompt, given) in enumerate(zip(prompts, pushes, strict=True)):
        key = (tuple(prompt), tuple(push for push in given if push.tokens != GENERATED))
        if key not in numbers:
            numbers[key] = len(firsts)
            firsts.append(row)
        owners.append(numbers[key])
    return owners, firsts


def _prefill(
    model: LoadedModel,
    ids: Int[Tensor, "row token"],
    real: Int[Tensor, "row token"],
    pushes: Sequence[tuple[Operator, ...]],
) -> Any:
    """Keys and values of the prompts without their last tokens; what is done to padding is never attended to."""
    cache = make_cache(model.model.config, ids.shape[1])
    if ids.shape[1] == 0:
        return cache
    editor = Editor(compile_steps(pushes, model.device, (PROMPT, ALL)), _Prefix())
    with editing(model.blocks, editor.edits()):
        model.model.base_model(
            input_ids=ids,
            attention_mask=None if bool(real.all()) else real,
            position_ids=(real.cumsum(dim=1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
        )
    return cache


def _spread(model: LoadedModel, cache: Any, rows: Int[Tensor, " row"], capacity: int) -> Any:
    """A cache whose row n is row `rows[n]` of the given one, with room for `capacity` tokens."""
    fresh = make_cache(model.model.config, capacity)
    for number, layer in enumerate(cache.layers):
        if not layer.is_initialized:
            continue
        if isinstance(layer, RoomyLayer):
            fresh.layers[number].update(layer.keys[rows], layer.values[rows])
        else:
            layer.batch_select_indices(rows)
            fresh.layers[number] = layer
    return fresh
