"""Steering by hooks inside vLLM's engine: every row has operators of its own.

    engine = SteeredEngine("vllm:meta-llama/Llama-3.1-8B", model)  # `model`: the same weights in this process
    answers = await engine.write([Row(prompt, (push,)), Row(prompt)], max_tokens=64)
    await engine.close()

The engine runs eagerly: compiled layers skip hooks without a word, so what goes through them is counted.
"""

import os
from collections.abc import Mapping, Sequence

from extract.models import LoadedModel
from lm.engine.running import Engine, Running, check_installed
from lm.errors import ModelFailure, UserError
from lm.local.checkpoint import find_checkpoint
from lm.references import parse_reference
from lm.types import Completion
from steer.generation import Row
from steer.operators import ALL, GENERATED
from steer.vllm.writer import EXTENSION, EngineWriter, complete, keys_of
from steer.wire import to_wire

_SETTINGS = {"VLLM_USE_V2_MODEL_RUNNER": "0"}
"""Hooks read the batch of the V1 runner."""


class SteeredEngine(EngineWriter):
    """A checkpoint on vLLM's engine in this process, steered by hooks."""

    _kinds = (ALL, GENERATED)

    def __init__(self, reference: str, model: LoadedModel) -> None:
        """`model` holds the weights of `vllm:NAME-or-PATH` too.

        Raises ModelReferenceError where there is no vLLM or no checkpoint.
        """
        parsed = parse_reference(reference)
        check_installed(parsed)
        os.environ.update(_SETTINGS)
        super().__init__(Engine(parsed, find_checkpoint(parsed), False, extension=EXTENSION, compiled=False), model)

    def _check(self, rows: Sequence[Row]) -> None:
        if any(one.when is not None and one.when.hold for row in rows for one in row.pushes):
            raise UserError(
                "Held conditions (hold=True) are not carried from one pass to the next inside vLLM. Use hold=False, or "
                "generate with the model in this process."
            )

    async def _write(self, rows: Sequence[Row], max_tokens: int) -> list[Completion]:
        engine = await self._engine.running()
        keys = keys_of(rows)
        given = {key: row.pushes for key, row in zip(keys, rows, strict=True) if key}
        await engine.call("steering_set", {key: [to_wire(one) for one in pushes] for key, pushes in given.items()})
        done = await complete(engine, self._spelling, rows, keys, max_tokens)
        if given:
            check_ran(await _count(engine), keys, done)
        return done


def check_ran(seen: Mapping[str, int], keys: Sequence[str], done: Sequence[Completion]) -> None:
    """Raise ModelFailure unless each token that was read or written with operators came through their hooks."""
    due: dict[str, int] = {}
    for key, row in zip(keys, done, strict=True):
        if key:
            due[key] = due.get(key, 0) + _tokens_run(row)
    for key, tokens in due.items():
        if seen[key] < tokens:
            raise ModelFailure(
                f"Of {tokens} tokens that ran under operators, vLLM put {seen[key]} through their hooks: the others "
                "were not steered. This vLLM runs its layers in a way that skips hooks; use vllm>=0.32,<0.33, or the "
                "model in this process."
            )


async def _count(engine: Running) -> dict[str, int]:
    """By key: tokens that went through all of its hooks, in the worker that saw fewest."""
    workers = await engine.call("steering_counts")
    return {key: min(worker[key] for worker in workers) for key in workers[0]}


def _tokens_run(row: Completion) -> int:
    """Tokens that went through the model: neither what was kept of the prompt, nor the last one of a full answer."""
    return row.tokens_in - row.tokens_cached + row.tokens_out - (row.finish == "length")
