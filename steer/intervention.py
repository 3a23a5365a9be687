"""Steering exists only inside `with`: hooks on any Hugging Face model, gone afterwards whatever happened.

Which tokens are prompt and which are generated is read from each forward pass: a pass on an empty cache is the
prompt, a pass on top of a filled cache generates, and so does a pass without a cache that repeats the last one with
one token more. The last prompt token predicts the first token of the answer, so a push on generated tokens starts
there; padding, left or right, is told from the attention mask.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from inspect import signature
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel

from extract.hooks import Edit, editing
from extract.models import LoadedModel, find_blocks
from lm.errors import UserError
from steer.operators import ALL, GENERATED, PROMPT, Push, Tokens, additions


@contextmanager
def steered(model: LoadedModel | PreTrainedModel, pushes: Push | Sequence[Push]) -> Iterator[None]:
    """Inside, every row of every forward pass and every `generate` is pushed.

    Strength 0 is bit for bit the unsteered model. Blocks nest, and unwind exactly, also after errors. Raises UserError
    for a layer or width that the model does not have.
    """
    given = (pushes,) if isinstance(pushes, Push) else tuple(pushes)
    with _steering(model, [given], every_row=True):
        yield


@contextmanager
def steered_rows(model: LoadedModel | PreTrainedModel, rows: Sequence[Sequence[Push]]) -> Iterator[None]:
    """Inside, row n of each batch has the pushes of `rows[n]`, its own layers, directions and strengths.

    Raises UserError where a batch has another number of rows: a batch that was split, or multiplied by beams, would be
    steered by the wrong settings.
    """
    with _steering(model, [tuple(pushes) for pushes in rows], every_row=False):
        yield


@contextmanager
def _steering(
    model: LoadedModel | PreTrainedModel, rows: Sequence[Sequence[Push]], *, every_row: bool
) -> Iterator[None]:
    whole = model.model if isinstance(model, LoadedModel) else model
    blocks = model.blocks if isinstance(model, LoadedModel) else find_blocks(model)
    check_pushes([push for pushes in rows for push in pushes], len(blocks), whole.config.get_text_config().hidden_size)
    tables = {kind: additions(rows, (kind,), whole.device) for kind in Tokens}
    pass_ = _Pass()
    edits = {
        layer: _edit({kind: table[layer] for kind, table in tables.items() if layer in table}, pass_, every_row)
        for layer in sorted({layer for table in tables.values() for layer in table})
    }
    with ExitStack() as stack:
        if edits:
            watch = whole.base_model.register_forward_pre_hook(pass_.watch, with_kwargs=True)
            stack.callback(watch.remove)
            stack.enter_context(editing(blocks, edits))
        yield


def check_pushes(pushes: Sequence[Push], n_layers: int, d_model: int) -> None:
    """Raise UserError for a push that does not fit a model of this shape."""
    for push in pushes:
        if not 0 <= push.layer < n_layers:
            raise UserError(f"There is no layer {push.layer} to push; this model has layers 0 to {n_layers - 1}.")
        if len(push.direction.vector) != d_model:
            raise UserError(
                f"A direction of {len(push.direction.vector)} numbers cannot push a model of width {d_model}. "
                "Extract directions from this model, or from one of its kin."
            )


class _Pass:
    """What is known of the forward pass that is running: its prompt tokens and its generated ones."""

    def __init__(self) -> None:
        self._cached = False
        self._ids: Tensor | None = None
        self._mask: Tensor | None = None
        self._prompt = 0

    def watch(self, module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Note at the start of a pass whether it is a prompt's, or generates with a cache or without one."""
        given = signature(module.forward).bind_partial(*inputs, **named).arguments
        cache, mask, ids = (given.get(name) for name in ("past_key_values", "attention_mask", "input_ids"))
        self._cached = cache is not None and int(cache.get_seq_length()) > 0
        if self._cached:
            return
        if not self._continues(ids):
            self._prompt = 0 if ids is None else ids.shape[1]
            self._mask = mask if isinstance(mask, Tensor) and mask.ndim == 2 else None
        self._ids = ids

    def add(self, hidden: Tensor, kind: Tokens, table: Float[Tensor, "row d_model"]) -> Tensor:
        """The hidden states with `table` added to the tokens of this kind: in float32, back in the model's own type."""
        added = table[:, None].to(hidden.device)
        if kind == ALL or (self._cached and kind == GENERATED):
            return (hidden.float() + added).to(hidden.dtype)
        if self._cached:
            return hidden
        return (hidden.float() + added * self._touched(hidden, kind)).to(hidden.dtype)

    def _continues(self, ids: Tensor | None) -> bool:
        """Whether this pass without a cache is the last one with one token more, as in generation without a cache."""
        if ids is None or self._ids is None or ids.shape != (len(self._ids), self._ids.shape[1] + 1):
            return False
        return torch.equal(ids[:, :-1], self._ids)

    def _touched(self, hidden: Tensor, kind: Tokens) -> Float[Tensor, "row token 1"]:
        """1 for prompt tokens, or for generated ones and the last of the prompt, in a pass that holds the prompt."""
        places = torch.arange(hidden.shape[1], device=hidden.device)
        prompt = self._prompt or hidden.shape[1]
        last = torch.full((hidden.shape[0], 1), prompt - 1, device=hidden.device)
        if self._mask is not None:
            real = self._mask.to(hidden.device)[:, :prompt]
            last = (real * places[:prompt]).argmax(dim=1, keepdim=True)
        touched = places < prompt if kind == PROMPT else (places == last) | (places >= prompt)
        return touched.expand(hidden.shape[:2])[:, :, None].float()


def _edit(tables: dict[Tokens, Float[Tensor, "row d_model"]], pass_: _Pass, every_row: bool) -> Edit:
    """Add each kind's table to the tokens it touches."""

    def edit(hidden: Tensor) -> Tensor:
        for kind, table in tables.items():
            if not every_row and len(table) != len(hidden):
                raise UserError(
                    f"The batch has {len(hidden)} rows, but pushes are given for {len(table)}. "
                    "Give one list of pushes for each row, and do not split the batch."
                )
            hidden = pass_.add(hidden, kind, table)
        return hidden

    return edit
