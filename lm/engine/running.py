"""vLLM's engine, started when it is first needed and run on an event loop of its own.

vLLM ties an engine to the loop of its first request. With a loop in a thread of its own, callers may come from any
loop, several of them one after another. Its core is a child process that starts afresh (spawn), so a script that uses
it must do its work under `if __name__ == "__main__":`.
"""

import asyncio
import os
import signal
import threading
import uuid
import weakref
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from lm.errors import ModelFailure, ModelReferenceError, UserError
from lm.references import ModelReference

_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
_SETTINGS = {
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
}
"""Unless the environment says otherwise: no forks of a process with threads, no log, and no reports to anyone."""
_CPU_MEMORY = 0.4
"""Share of the memory where there is no GPU: the rest belongs to everything else on the machine."""


def check_installed(reference: ModelReference) -> None:
    """Raise ModelReferenceError, with what to do, when there is no vLLM in this environment."""
    if find_spec("vllm") is None:
        raise ModelReferenceError(
            f"{str(reference)!r} runs on vLLM in this process, and vLLM is not installed here. Install the extra "
            "(`pip install 'traitsmith[vllm]'`), or name a running server with vllm:NAME@URL."
        )


@dataclass
class Running:
    """An engine that takes requests, until it is stopped."""

    llm: Any
    loop: asyncio.AbstractEventLoop
    context: int
    """Largest number of tokens of prompt and completion together."""
    ends: tuple[int, ...]
    """Tokens that end a text, where the checkpoint's configuration names them."""
    commit: str
    """Commit on the hub; empty for a folder."""

    def stop(self) -> None:
        """Give memory and processes back."""
        llm, self.llm = self.llm, None
        if llm is not None:
            asyncio.run_coroutine_threadsafe(_quiet(), self.loop).result()
            llm.shutdown()
            self.loop.call_soon_threadsafe(self.loop.stop)

    async def generate(self, ids: Sequence[int], params: Any, salt: str = "") -> Any:
        """What vLLM makes of a prompt, whole; UserError for what it turns down, ModelFailure when it breaks.

        What is kept of a prompt is shared with requests of the same salt only.
        """
        return await self._run(_whole(self.llm, list(ids), params, salt))

    async def call(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method of every worker by its name; plain values in and out."""
        return list(await self._run(self.llm.collective_rpc(method, args=arguments)))

    async def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Wait for work on the engine's own loop."""
        from vllm.exceptions import VLLMClientError, VLLMError

        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))
        except (VLLMClientError, ValueError) as error:
            raise UserError(f"vLLM turned a request down: {error}") from error
        except VLLMError as error:
            raise ModelFailure(
                f"vLLM's engine failed: {error.__cause__ or error}. VLLM_LOGGING_LEVEL=INFO in the environment shows "
                "its log."
            ) from error


async def _quiet() -> None:
    """End what still runs on this loop: it would report its engine's end as a failure."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _whole(llm: Any, ids: list[int], params: Any, salt: str) -> Any:
    from vllm.inputs import tokens_input

    output = None
    async for part in llm.generate(tokens_input(ids, cache_salt=salt or None), params, uuid.uuid4().hex):
        output = part
    return output


@dataclass
class Engine:
    """The engine of one reference; every user of it shares the one that runs."""

    reference: ModelReference
    name: str
    """Name on the hub, or folder."""
    structured: bool
    """Its tokenizer can be held to a schema."""
    plugins: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of vLLM's, for plug-ins of other packages."""
    extension: str = ""
    """Class that vLLM mixes into its workers, by its dotted name."""
    compiled: bool | None = None
    """Whether the model is compiled; None: not on a CPU, where it takes minutes and gains little."""
    _running: Running | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    async def running(self) -> Running:
        """The engine, started by whoever asks first. ModelReferenceError when vLLM cannot run this model here."""
        return await asyncio.to_thread(self._start) if self._running is None else self._running

    def _start(self) -> Running:
        with self._turn:
            if self._running is None:
                self._running = _start(self)
                weakref.finalize(self, self._running.stop)
            return self._running

    async def stop(self) -> None:
        """Give memory and processes back; a later request starts the engine again."""
        running, self._running = self._running, None
        if running is not None:
            await asyncio.to_thread(running.stop)


def _start(engine: Engine) -> Running:
    for variable, value in _SETTINGS.items():
        os.environ.setdefault(variable, value)
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="vllm", daemon=True).start()
    try:
        llm = asyncio.run_coroutine_threadsafe(_make(engine), loop).result()
    except Exception as error:
        loop.call_soon_threadsafe(loop.stop)
        raise ModelReferenceError(
            f"vLLM cannot run {str(engine.reference)!r}: {error}. "
            "VLLM_LOGGING_LEVEL=INFO in the environment shows its log."
        ) from error
    config = llm.model_config
    commit = str(getattr(config.hf_config, "_commit_hash", None) or "")
    return Running(llm, loop, config.max_model_len, _ends(config.hf_text_config), commit)


async def _make(engine: Engine) -> Any:
    from vllm.config import StructuredOutputsConfig
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.platforms import current_platform
    from vllm.v1.engine.async_llm import AsyncLLM

    reference, given, on_cpu = engine.reference, engine.reference.options, current_platform.is_cpu()
    usual_memory = _CPU_MEMORY if on_cpu else AsyncEngineArgs.gpu_memory_utilization
    # Compact JSON: a small model would fill its answer with blanks.
    held = StructuredOutputsConfig(backend="guidance", disable_any_whitespace=True)
    arguments = AsyncEngineArgs(
        model=engine.name,
        revision=reference.revision,
        tokenizer_revision=reference.revision,
        dtype=_DTYPES[given["dtype"]] if "dtype" in given else "float32" if on_cpu else "auto",
        max_model_len=int(given["context"]) if "context" in given else None,
        gpu_memory_utilization=float(given.get("memory", usual_memory)),
        tensor_parallel_size=int(given.get("gpus", 1)),
        enable_prefix_caching=True,
        enforce_eager=on_cpu if engine.compiled is None else not engine.compiled,
        worker_extension_cls=engine.extension,
        # A prompt read in pieces makes vLLM 0.32 wind back a random generator, which on a CPU kills the engine.
        enable_chunked_prefill=False if on_cpu else None,
        structured_outputs_config=held if engine.structured else StructuredOutputsConfig(),
        max_logprobs=-1,
        disable_log_stats=True,
        **engine.plugins,
    )
    # Ctrl-C is for this process, which stops between two steps; the core's processes inherit what is blocked here.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    return AsyncLLM.from_engine_args(arguments)


def _ends(config: Any) -> tuple[int, ...]:
    stated = getattr(config, "eos_token_id", None)
    return () if stated is None else tuple(stated) if isinstance(stated, list | tuple) else (stated,)
