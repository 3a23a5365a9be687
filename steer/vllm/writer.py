"""What both ways of steering inside vLLM have in common: an engine that writes rows, and the proof that it steers them.

What vLLM keeps of a prompt is salted by the operators: keys and values that were computed under a push would steer
whoever is given them.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import torch

from extract.foreign import with_activation_norms
from extract.models import LoadedModel
from extract.vectors import Direction, Directions
from lm.engine.model import read_completion
from lm.engine.running import Engine, Running
from lm.errors import ModelFailure
from lm.limits import together
from lm.local.text import Spelling
from lm.types import Completion
from steer.generation import Row
from steer.intervention import check_operators
from steer.operators import Push, Tokens
from steer.vllm.worker import KEY
from steer.wire import digest
from steer.writing import LocalWriter

if TYPE_CHECKING:
    from vllm import SamplingParams

EXTENSION = "steer.vllm.worker.SteeringWorker"
PROBES = (
    "The meeting was moved to Friday because",
    "She counted the boxes twice, and then",
    "I knew the roof leaked, so when she asked I said",
    "The report was due in the morning, but",
    "He looked at the old car and told the buyer that",
    "My friend asked what I thought of the plan, and I",
    "The doctor read the letter and",
    "We had never been late before, so",
)
_PROBED = 12
"""Tokens that are written of each."""
_NORMS = 1.0
_EQUAL, _EQUAL_IN_HALF = 7 / 8, 4 / 8
"""Least share of texts that are equal to the letter: engines part at near ties, which half precision has often."""


class EngineWriter(ABC):
    """A checkpoint on vLLM's engine in this process, compared with the same weights in `model` when it starts."""

    _kinds: ClassVar[tuple[Tokens, ...]]
    """Tokens that it can push."""

    def __init__(self, engine: Engine, model: LoadedModel) -> None:
        self._engine, self._model = engine, model
        self._spelling = model.spelling
        self._turn = asyncio.Lock()
        self._is_tested = False

    async def write(self, rows: Sequence[Row], max_tokens: int) -> list[Completion]:
        """One completion for each row, in order; a second call waits for the first.

        Raises UserError for operators that cannot be had in this way, and ModelFailure where the engine does not steer,
        or not as the model in this process does.
        """
        check_operators([one for row in rows for one in row.pushes], self._model.n_layers, self._model.d_model)
        self._check(rows)
        async with self._turn:
            if not self._is_tested:
                await check_parity(self._write, self._model, self._kinds)
                self._is_tested = True
            return await self._write(rows, max_tokens)

    async def close(self) -> None:
        """Give memory and processes back; a later call starts the engine again."""
        self._is_tested = False
        await self._engine.stop()

    @abstractmethod
    def _check(self, rows: Sequence[Row]) -> None:
        """Raise UserError for operators that cannot be had in this way."""

    @abstractmethod
    async def _write(self, rows: Sequence[Row], max_tokens: int) -> list[Completion]:
        """Write rows that were checked."""


def keys_of(rows: Sequence[Row]) -> list[str]:
    """Name each row's operators; empty for a row without any."""
    keys = {pushes: digest(pushes) if pushes else "" for pushes in {row.pushes for row in rows}}
    return [keys[row.pushes] for row in rows]


async def complete(
    engine: Running, spelling: Spelling, rows: Sequence[Row], keys: Sequence[str], max_tokens: int
) -> list[Completion]:
    """All rows at once, as many together as the engine has room for."""
    prompts = spelling.encode([row.prompt for row in rows])
    outputs = await together(
        engine.generate(ids, _parameters(row, key, max_tokens, engine.ends), salt=key)
        for ids, row, key in zip(prompts, rows, keys, strict=True)
    )
    return [read_completion(spelling, ids, output) for ids, output in zip(prompts, outputs, strict=True)]


def _parameters(row: Row, key: str, max_tokens: int, ends: Sequence[int]) -> "SamplingParams":
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        max_tokens=max_tokens,
        temperature=row.temperature,
        seed=row.seed % 2**63,
        stop_token_ids=list(ends),
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
        extra_args={KEY: key},
    )


async def check_parity(
    write: Callable[[Sequence[Row], int], Awaitable[Sequence[Completion]]], model: LoadedModel, kinds: Sequence[Tokens]
) -> None:
    """Raise ModelFailure unless an engine writes greedily what the model does here: plain, and pushed at half depth."""
    direction = await asyncio.to_thread(_draw_direction, model)
    pushes = [(Push(direction, norms=_NORMS, tokens=kind),) for kind in kinds]
    rows = [Row(text, setting) for setting in [(), *pushes] for text in PROBES]
    ours, theirs = await LocalWriter(model).write(rows, _PROBED), await write(rows, _PROBED)
    least = _EQUAL if model.model.dtype == torch.float32 else _EQUAL_IN_HALF
    for start in range(0, len(rows), len(PROBES)):
        part = range(start, start + len(PROBES))
        if start and all(ours[n].token_ids == ours[n - start].token_ids for n in part):
            raise ModelFailure("The push of the self-test changes none of its texts, so that it shows nothing.")
        unlike = [n for n in part if ours[n].token_ids != theirs[n].token_ids]
        if len(unlike) > (1 - least) * len(PROBES):
            first = unlike[0]
            raise ModelFailure(
                f"vLLM writes {len(unlike)} of {len(PROBES)} {'pushed' if start else 'plain'} texts unlike the model "
                f"in this process; after {rows[first].prompt!r} it says {theirs[first].text!r} instead of "
                f"{ours[first].text!r}. Check that both read the same weights in the same precision; steer with the "
                "model in this process meanwhile."
            )


def _draw_direction(model: LoadedModel) -> Direction:
    """A random direction at half depth, its activation norm measured."""
    drawn = torch.randn(1, model.d_model, generator=torch.Generator().manual_seed(0))
    [found] = with_activation_norms(model, Directions.of(drawn, layers=[model.n_layers // 2]), PROBES)
    return found
