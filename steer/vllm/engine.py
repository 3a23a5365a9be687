"""vLLM's engine as a writer of steered answers, every row with operators of its own.

    engine = SteeredEngine("vllm:meta-llama/Llama-3.1-8B")
    await check_parity(engine, model, prompts, push)
    answers = await engine.write([Row(prompt, (push,)), Row(prompt)], max_tokens=64)
    await engine.close()

The engine runs eagerly (hooks are skipped in compiled layers) and keeps what it has read of a prompt apart by operator:
keys and values that were computed under a push steer whoever is given them.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from extract.models import LoadedModel
from lm.engine.running import Engine, Running, check_installed
from lm.errors import ModelFailure, UserError
from lm.limits import together
from lm.local.checkpoint import find_checkpoint, load_tokenizer
from lm.local.text import Spelling
from lm.references import parse_reference
from lm.types import Completion, Prompt
from steer.generation import Row
from steer.operators import Operator
from steer.vllm.worker import KEY
from steer.wire import digest, to_wire
from steer.writing import LocalWriter, Writer

if TYPE_CHECKING:
    from vllm import SamplingParams

EXTENSION = "steer.vllm.worker.SteeringWorker"
_SETTINGS = {"VLLM_USE_V2_MODEL_RUNNER": "0"}
"""Hooks read the batch of the V1 runner."""


class SteeredEngine:
    """A checkpoint on vLLM's engine in this process, which starts when it is first asked to write."""

    def __init__(self, reference: str) -> None:
        """Read the tokenizer of `vllm:NAME-or-PATH`; ModelReferenceError where there is no vLLM or no checkpoint."""
        parsed = parse_reference(reference)
        check_installed(parsed)
        os.environ.update(_SETTINGS)
        name = find_checkpoint(parsed)
        self._spelling = Spelling(load_tokenizer(parsed, name))
        self._engine = Engine(parsed, name, structured=False, extension=EXTENSION, compiled=False)

    async def write(self, rows: Sequence[Row], max_tokens: int) -> Sequence[Completion]:
        """One completion for each row, in order; all at once, as many together as the engine has room for.

        Raises UserError for held conditions, and ModelFailure where the hooks did not run.
        """
        check_no_hold(rows)
        engine = await self._engine.running()
        keys = [digest(row.pushes) if row.pushes else "" for row in rows]
        for key, row in {key: row for key, row in zip(keys, rows, strict=True) if key}.items():
            await engine.call("steering_put", key, [to_wire(one) for one in row.pushes])
        before = await _counts(engine)
        done = await complete(engine, self._spelling, rows, keys, max_tokens)
        _check_ran(before, await _counts(engine), keys, done)
        return done

    async def close(self) -> None:
        """Give memory and processes back; a later call starts the engine again."""
        await self._engine.stop()


async def complete(
    engine: Running, spelling: Spelling, rows: Sequence[Row], salts: Sequence[str], max_tokens: int
) -> list[Completion]:
    """Let an engine write; requests carry their salt as the key of their operators."""
    prompts = spelling.encode([row.prompt for row in rows])
    outputs = await together(
        engine.generate(ids, _parameters(row, salt, max_tokens, engine.ends), salt)
        for ids, row, salt in zip(prompts, rows, salts, strict=True)
    )
    found = []
    for ids, output in zip(prompts, outputs, strict=True):
        [written] = output.outputs
        stopped = written.finish_reason == "stop"
        tokens = tuple(written.token_ids[:-1] if stopped else written.token_ids)
        found.append(
            Completion(
                text=spelling.decode_after(ids, tokens),
                finish="stop" if stopped else "length",
                prompt_ids=tuple(ids),
                token_ids=tokens,
                tokens_in=len(ids),
                tokens_out=len(tokens),
                tokens_cached=output.num_cached_tokens or 0,
            )
        )
    return found


async def check_parity(
    writer: Writer,
    model: LoadedModel,
    prompts: Sequence[Prompt],
    push: Operator,
    *,
    max_tokens: int = 16,
    least: float = 1.0,
) -> None:
    """Raise ModelFailure unless the engine writes greedily what the model writes here, plain and pushed.

    `least` is the share of the texts that must be equal to the letter: in float32 all, in half precision two engines
    part at near ties. A push that changes no text proves nothing, and is refused.
    """
    rows = [Row(prompt, pushes) for pushes in ((), (push,)) for prompt in prompts]
    theirs, ours = await writer.write(rows, max_tokens), await LocalWriter(model).write(rows, max_tokens)
    ids = [row.token_ids for row in ours]
    if ids[: len(prompts)] == ids[len(prompts) :]:
        raise UserError("This push changes none of these texts, so it cannot show that it works. Give a stronger one.")
    unlike = [number for number, row in enumerate(theirs) if row.token_ids != ids[number]]
    if len(unlike) > (1 - least) * len(rows):
        first = unlike[0]
        raise ModelFailure(
            f"vLLM writes {len(unlike)} of {len(rows)} texts differently, plain or pushed; the first: "
            f"{theirs[first].text!r} instead of {ours[first].text!r}. Check that both read the same weights in the "
            "same precision; steer with the model in this process meanwhile."
        )


def check_no_hold(rows: Sequence[Row]) -> None:
    """Raise UserError for conditions that are decided once and kept for the whole answer."""
    if any(one.when is not None and one.when.hold for row in rows for one in row.pushes):
        raise UserError(
            "Held conditions (hold=True) are not carried from one pass to the next inside vLLM. Use hold=False, or "
            "generate with the model in this process."
        )


def _parameters(row: Row, key: str, max_tokens: int, ends: Sequence[int]) -> "SamplingParams":
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        max_tokens=max_tokens,
        temperature=row.temperature,
        seed=row.seed,
        stop_token_ids=list(ends),
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
        extra_args={KEY: key} if key else None,
    )


async def _counts(engine: Running) -> dict[str, int]:
    """By key: tokens that went through all of its hooks, in the worker that saw fewest."""
    first, *others = await engine.call("steering_counts")
    return {key: min(count, *(other[key] for other in others)) if others else count for key, count in first.items()}


def _check_ran(before: dict[str, int], after: dict[str, int], keys: Sequence[str], done: Sequence[Completion]) -> None:
    """Each token that was read or written with operators must have come through their hooks."""
    due: dict[str, int] = {}
    for key, row in zip(keys, done, strict=True):
        due[key] = due.get(key, 0) + _tokens_run(row)
    for key, tokens in due.items():
        seen = after.get(key, 0) - before.get(key, 0)
        if key and seen < tokens:
            raise ModelFailure(
                f"Of {tokens} tokens that ran under operators, vLLM put {seen} through their hooks: the others were "
                "not steered. This vLLM runs its layers in a way that skips hooks; use vllm>=0.32,<0.33, or the model "
                "in this process."
            )


def _tokens_run(row: Completion) -> int:
    """Tokens that went through the model: neither what was kept of the prompt, nor the last one of a full answer."""
    return row.tokens_in - row.tokens_cached + row.tokens_out - (row.finish == "length")
