"""Steering exists only inside `with`: hooks on any Hugging Face model, gone afterwards whatever happened.

Which tokens are prompt and which are generated is read from each forward pass: a pass on an empty cache is the
prompt, a pass of one token on top of a filled cache generates, and so does a pass without a cache that repeats the
last one's prompt with one token more. The last prompt token predicts the first token of the answer, so an operator on
generated tokens starts there; padding, left or right, is told from the attention mask.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from inspect import signature
from typing import Any, cast

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from extract.blocks import find_blocks
from extract.hooks import editing
from extract.models import LoadedModel
from extract.vectors import Direction
from lm.errors import UserError
from steer.edits import Editor, Hidden, compile_steps
from steer.operators import ALL, PROMPT, Clamp, Operator, Push, Tokens


@contextmanager
def steered(model: LoadedModel | nn.Module, operators: Operator | Sequence[Operator]) -> Iterator[None]:
    """Inside, every row of every forward pass and every `generate` is steered.

    Takes any Hugging Face causal model, one with LoRA adapters (peft) too. At each layer operators apply in the order
    given. Strength 0 is bit for bit the unsteered model. Blocks nest, and unwind exactly, also after errors. Raises
    UserError for a layer or width that the model does not have.
    """
    given = (operators,) if isinstance(operators, Push | Clamp) else tuple(operators)
    with Steering(model, [given]).active():
        yield


@contextmanager
def steered_rows(model: LoadedModel | nn.Module, rows: Sequence[Sequence[Operator]]) -> Iterator[None]:
    """Inside, row n of each batch has the operators of `rows[n]`, its own layers, directions and strengths.

    Raises UserError where a batch has another number of rows: a batch that was split, or multiplied by beams, would be
    steered by the wrong settings.
    """
    with Steering(model, [tuple(operators) for operators in rows], len(rows)).active():
        yield


class Steering:
    """Operators made ready for a model; `active` may be entered again for each pass of one generation.

    `rows` is the batch size that they are made for; None for one list of operators that every row is given.
    """

    def __init__(
        self, model: LoadedModel | nn.Module, given: Sequence[Sequence[Operator]], rows: int | None = None
    ) -> None:
        whole = model.model if isinstance(model, LoadedModel) else without_adapters(model)
        self._blocks = model.blocks if isinstance(model, LoadedModel) else find_blocks(whole)
        self._body = whole.base_model
        width = whole.config.get_text_config().hidden_size
        check_operators([one for row in given for one in row], len(self._blocks), width)
        steps = compile_steps(given, whole.device)
        tokens = {step.tokens for of_layer in steps.values() for step in of_layer}
        self._pass = _Pass(tells_apart=bool(tokens - {ALL}))
        self._edits = Editor(steps, self._pass, rows).edits()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Inside, the model is steered."""
        with ExitStack() as stack:
            if self._edits:
                watch = self._body.register_forward_pre_hook(self._pass.watch, with_kwargs=True)
                stack.callback(watch.remove)
                stack.enter_context(editing(self._blocks, self._edits))
            yield


def without_adapters(model: nn.Module) -> PreTrainedModel:
    """The transformers model inside a model with adapters (peft keeps it there, adapters in place), or the model."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model  # type: ignore[operator]
    return cast(PreTrainedModel, inner)


def check_operators(operators: Sequence[Operator], n_layers: int, d_model: int) -> None:
    """Raise UserError for an operator that does not fit a model of this shape."""
    used = [(one.direction, *((one.when.direction,) if one.when else ())) for one in operators]
    check_directions([direction for directions in used for direction in directions], n_layers, d_model)


def check_directions(directions: Sequence[Direction], n_layers: int, d_model: int) -> None:
    """Raise UserError for a direction that does not fit a model of this shape."""
    for direction in directions:
        if not 0 <= direction.layer < n_layers:
            raise UserError(f"There is no layer {direction.layer}; this model has layers 0 to {n_layers - 1}.")
        if len(direction.vector) != d_model:
            raise UserError(
                f"A direction of {len(direction.vector)} numbers does not fit a model of width {d_model}. "
                "Extract directions from this model, or from one of its kin."
            )


class _Pass:
    """What is known of the forward pass that is running: its prompt tokens and its generated ones."""

    def __init__(self, *, tells_apart: bool) -> None:
        self._tells_apart = tells_apart
        """Whether it matters which tokens are the prompt's."""
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
            self._refuse_several(ids if ids is not None else given.get("inputs_embeds"))
            return
        if not self._continues(ids):
            self._prompt = 0 if ids is None else ids.shape[1]
            self._mask = mask if isinstance(mask, Tensor) and mask.ndim == 2 else None
        self._ids = ids

    def touched(self, tokens: Tokens, hidden: Hidden) -> Bool[Tensor, "row token"] | bool:
        """Which tokens of this pass are of a kind; True for all and False for none of them."""
        if tokens == ALL or self._cached:
            return tokens != PROMPT
        places = torch.arange(hidden.shape[1], device=hidden.device)
        prompt = self._prompt or hidden.shape[1]
        if tokens == PROMPT:
            return True if prompt >= hidden.shape[1] else (places < prompt).expand(hidden.shape[:2])
        return (places == self._last(hidden)) | (places >= prompt)

    def last_of_prompt(self, hidden: Hidden) -> Int[Tensor, "row 1"] | None:
        """Place of the prompt's last token in this pass; None where it was in an earlier one."""
        return None if self._cached else self._last(hidden)

    def _last(self, hidden: Hidden) -> Int[Tensor, "row 1"]:
        prompt = self._prompt or hidden.shape[1]
        if self._mask is None:
            return torch.full((hidden.shape[0], 1), prompt - 1, device=hidden.device)
        real = self._mask.to(hidden.device)[:, :prompt]
        return (real * torch.arange(prompt, device=hidden.device)).argmax(dim=1, keepdim=True)

    def _continues(self, ids: Tensor | None) -> bool:
        """Whether this pass without a cache has the last one's prompt and one token more; beams may swap the rest."""
        if ids is None or self._ids is None or ids.shape != (len(self._ids), self._ids.shape[1] + 1):
            return False
        return torch.equal(ids[:, : self._prompt], self._ids[:, : self._prompt])

    def _refuse_several(self, tokens: Tensor | None) -> None:
        """Several tokens on a filled cache may be a prompt's next part or a draft of the answer; none can tell."""
        if self._tells_apart and tokens is not None and tokens.shape[1] > 1:
            raise UserError(
                f"{tokens.shape[1]} tokens came at once on top of a filled cache: they may belong to the prompt or to "
                f"the answer. Steer with tokens=ALL, or generate without prefill chunks, assistant or earlier cache."
            )
