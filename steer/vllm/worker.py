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
from steer.operators import ALL, PROMPT, Operator, Tokens
from steer.wire import Wire, from_wire

KEY = "steer"
"""Of a request's `extra_args`: names operators that were put before."""


class SteeringWorker:
    """What a vLLM worker can do besides."""

    steering_hooks: "_Hooks | None" = None
    model_runner: Any

    def steering_put(self, key: str, operators: list[Wire]) -> None:
        """Make operators known by a key; hooks are put in with the first."""
        if self.steering_hooks is None:
            self.steering_hooks = _Hooks(self.model_runner)
        self.steering_hooks.put(key, tuple(from_wire(one) for one in operators))

    def steering_counts(self) -> dict[str, int]:
        """How many tokens went through every one of a key's layers so far, touched or not."""
        return {} if self.steering_hooks is None else self.steering_hooks.counts()

    def steering_bias(self, vectors: list[tuple[int, bytes]]) -> None:
        """Fill the bias of each layer's last MLP matrix in place; layers that are not named get zeros."""
        given = {layer: torch.frombuffer(bytearray(vector), dtype=torch.float32) for layer, vector in vectors}
        for layer, block in enumerate(find_blocks(self.model_runner.get_model())):
            bias = cast(Any, block).mlp.down_proj.bias.data
            bias.copy_(given.get(layer, torch.zeros_like(bias)))


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
        self._rows: dict[str, int] = {}
        """Row of each key in the tables; row 0 is for requests without operators."""
        self._given: list[tuple[Operator, ...]] = [()]
        self._steps: Steps = {}
        self._owners: Int[Tensor, " token"] = torch.zeros(0, dtype=torch.long)
        """Row of each token of this pass."""
        self._edits: dict[int, Edit] = {}
        self._seen: dict[int, np.ndarray[Any, np.dtype[np.int64]]] = {}
        """By layer: tokens of each row that went through its hook."""
        model = runner.get_model()
        model.register_forward_pre_hook(self._begin)
        for layer, block in enumerate(find_blocks(model)):
            block.register_forward_hook(partial(self._change, layer))

    def put(self, key: str, operators: tuple[Operator, ...]) -> None:
        """Make room for one more list of operators."""
        if key in self._rows:
            return
        self._rows[key] = len(self._given)
        self._given.append(operators)
        self._steps = compile_steps(self._given, self._runner.device)
        self._seen = {layer: np.pad(counts, (0, 1)) for layer, counts in self._seen.items()}

    def counts(self) -> dict[str, int]:
        """By key: tokens that went through each of its layers."""
        none = np.zeros(len(self._given), dtype=np.int64)
        return {
            key: min((int(self._seen.get(one.layer, none)[row]) for one in self._given[row]), default=0)
            for key, row in self._rows.items()
        }

    def _begin(self, _module: nn.Module, _inputs: Any) -> None:
        """Read off the batch which token is whose, and where it stands in its text."""
        batch, count = self._runner.input_batch, self._runner.input_batch.num_reqs
        rows = np.array([self._row(request) for request in batch.req_ids[:count]], dtype=np.int64)
        self._edits = {}
        if not rows.any():
            return
        starts = self._runner.query_start_loc.np[: count + 1]
        whose = np.repeat(np.arange(count), np.diff(starts))
        places = batch.num_computed_tokens_cpu[whose] + np.arange(len(whose)) - starts[whose]
        last = batch.num_prompt_tokens[whose] - 1
        prompt, generated, owners = (
            torch.from_numpy(found).to(self._runner.device)
            for found in ((places <= last)[:, None], (places >= last)[:, None], rows[whose])
        )
        self._owners = owners
        steps = {layer: [step.select(owners) for step in steps] for layer, steps in self._steps.items()}
        self._edits = Editor(steps, _Tokens(prompt, generated)).edits()

    def _change(self, layer: int, _module: nn.Module, _inputs: Any, output: Any) -> Any:
        """A block's output after the operators; tokens of requests without any keep every bit.

        vLLM's blocks return what is still to be added to the residual stream beside it: changed tokens are returned
        whole, with nothing beside them.
        """
        edit = self._edits.get(layer)
        if edit is None:
            return None
        hidden, beside = output if isinstance(output, tuple) else (output, None)
        size = len(self._owners)
        whole = hidden[:size].float() + (0 if beside is None else beside[:size].float())
        own = (self._owners > 0)[:, None]
        changed = torch.where(own, edit(whole[:, None])[:, 0].to(hidden.dtype), hidden[:size])
        self._count(layer)
        hidden = torch.cat([changed, hidden[size:]])
        if beside is None:
            return hidden
        return hidden, torch.cat([beside[:size].masked_fill(own, 0), beside[size:]])

    def _count(self, layer: int) -> None:
        none = np.zeros(len(self._given), dtype=np.int64)
        found = np.bincount(self._owners.cpu().numpy(), minlength=len(self._given))
        self._seen[layer] = self._seen.get(layer, none) + found

    def _row(self, request: str) -> int:
        """Row of a request's operators; 0 for one without."""
        parameters = self._runner.requests[request].sampling_params
        key = ((parameters.extra_args if parameters else None) or {}).get(KEY)
        return self._rows[key] if key else 0
