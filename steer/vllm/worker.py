"""Inside vLLM's workers: each request's tokens are changed by its own operators, by the very steps of `steer.edits`.

vLLM mixes `SteeringWorker` into its worker class and calls its methods by name, so that no code travels. The hooks run
only where the model is not compiled: compiled layers skip them without a word, so what went through them is counted.
Written for the V1 model runner of vLLM 0.32, whose batch tells which token belongs to which request.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from extract.blocks import find_blocks
from extract.hooks import Edit
from steer.edits import Editor, Hidden, Steps, compile_steps
from steer.operators import ALL, PROMPT, Operator, Push, Tokens
from steer.wire import Wire, from_wire

KEY = "steer"
"""Of a request's `extra_args`: names operators that were set before."""

Counts = np.ndarray[Any, np.dtype[np.int64]]


class SteeringWorker:
    """What a vLLM worker can do besides."""

    steering_hooks: "_Hooks | None" = None
    model_runner: Any

    def steering_set(self, told: dict[str, list[Wire]]) -> None:
        """Take operators by key, in place of all earlier ones, and count anew; hooks are put in with the first."""
        if self.steering_hooks is None:
            self.steering_hooks = _Hooks(self.model_runner)
        self.steering_hooks.set({key: tuple(from_wire(one) for one in operators) for key, operators in told.items()})

    def steering_counts(self) -> dict[str, int]:
        """By key: how many tokens went through every one of its operators' layers, touched or not."""
        return {} if self.steering_hooks is None else self.steering_hooks.counts()

    def steering_bias(self, pushes: list[Wire]) -> None:
        """Fill the biases of the layers' last MLP matrices in place; a layer without pushes gets zeros."""
        biases = [cast(Any, block).mlp.down_proj.bias.data for block in find_blocks(self.model_runner.get_model())]
        for bias in biases:
            bias.zero_()
        for push in map(from_wire, pushes):
            biases[push.layer] += cast(Push, push).vector.to(biases[push.layer])


@dataclass(frozen=True, eq=False)
class _Tokens:
    """The tokens of one pass, one row each; `steer.edits.Place` for them."""

    prompt: Bool[Tensor, "token 1"]
    generated: Bool[Tensor, "token 1"]

    def touched(self, tokens: Tokens, _hidden: Hidden) -> Bool[Tensor, "token 1"] | bool:
        """Which tokens are of a kind; the last of the prompt is of both."""
        return True if tokens == ALL else self.prompt if tokens == PROMPT else self.generated

    def last_of_prompt(self, _hidden: Hidden) -> None:
        """Held conditions are refused before they come here."""


class _Hooks:
    """Hooks on all decoder blocks of a worker's model."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._given: dict[str, tuple[Operator, ...]] = {}
        self._rows: dict[str, int] = {}
        self._steps: Steps = {}
        self._owners: Int[Tensor, " token"] = torch.zeros(0, dtype=torch.long)
        """Of each token of this pass: its row in the tables, 0 where it has no operators."""
        self._edits: dict[int, Edit] = {}
        model = runner.get_model()
        blocks = find_blocks(model)
        self._seen: Counts = np.zeros((len(blocks), 1), dtype=np.int64)
        """Tokens of each row that went through each layer's hook."""
        self._passing: Counts | None = None
        """Tokens of each row in this pass; None where all rows are without operators."""
        model.register_forward_pre_hook(self._begin)
        for layer, block in enumerate(blocks):
            block.register_forward_hook(partial(self._change, layer))

    def set(self, operators: dict[str, tuple[Operator, ...]]) -> None:
        """Lay out tables with a row for each key, and one before them for requests without operators."""
        self._given = {"": (), **operators}
        self._rows = {key: row for row, key in enumerate(self._given)}
        self._steps = compile_steps(list(self._given.values()), self._runner.device)
        self._seen = np.zeros((len(self._seen), len(self._given)), dtype=np.int64)

    def counts(self) -> dict[str, int]:
        """By key: tokens that went through each of its layers."""
        return {
            key: min(int(self._seen[one.layer, row]) for one in operators)
            for row, (key, operators) in enumerate(self._given.items())
            if operators
        }

    def _begin(self, _module: nn.Module, _inputs: Any) -> None:
        """Read off the batch which token is whose, and where it stands in its text."""
        batch, count = self._runner.input_batch, self._runner.input_batch.num_reqs
        rows = np.array([self._row(request) for request in batch.req_ids[:count]], dtype=np.int64)
        self._edits, self._passing = {}, None
        if not rows.any():
            return
        starts = self._runner.query_start_loc.np[: count + 1]
        whose = np.repeat(np.arange(count), np.diff(starts))
        places = batch.num_computed_tokens_cpu[whose] + np.arange(len(whose)) - starts[whose]
        last = batch.num_prompt_tokens[whose] - 1
        prompt, generated, self._owners = (
            torch.from_numpy(found).to(self._runner.device)
            for found in ((places <= last)[:, None], (places >= last)[:, None], rows[whose])
        )
        self._edits = Editor(self._steps, _Tokens(prompt, generated), owners=self._owners).edits()
        self._passing = np.bincount(rows[whose], minlength=len(self._given))

    def _change(self, layer: int, _module: nn.Module, _inputs: Any, output: Any) -> Any:
        """A block's output after the operators; tokens of requests without any keep every bit.

        vLLM's blocks return what is still to be added to the residual stream beside it: changed tokens are returned
        whole, with nothing beside them.
        """
        if self._passing is not None:
            self._seen[layer] += self._passing
        edit = self._edits.get(layer)
        if edit is None:
            return None
        hidden, beside = output if isinstance(output, tuple) else (output, None)
        size = len(self._owners)
        whole = hidden[:size].float() + (0 if beside is None else beside[:size].float())
        own = (self._owners > 0)[:, None]
        changed = torch.where(own, edit(whole[:, None])[:, 0].to(hidden.dtype), hidden[:size])
        hidden = torch.cat([changed, hidden[size:]])
        if beside is None:
            return hidden
        return hidden, torch.cat([beside[:size].masked_fill(own, 0), beside[size:]])

    def _row(self, request: str) -> int:
        """Row of a request's operators; 0 for one without, or one that nobody waits for any more."""
        parameters = self._runner.requests[request].sampling_params
        return self._rows.get((parameters.extra_args or {}).get(KEY, ""), 0)
