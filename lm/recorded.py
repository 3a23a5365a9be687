"""A model whose every answer goes through a store: each is written as it arrives and never asked for twice.

    store = CallStore(run / "store.sqlite")
    author = Recorded(open_model("organism"), store, role="author")
    with store.during("draft"):
        answers = await author.complete(requests)

A request's key is the SHA-256 of the model's reference and what answers behind it (as an endpoint says, or a digest of
local weights), the method, the whole request and, where a list holds the same request more than once, a sample number.
Errors and refusals are kept for the record but never served.

A model that batches runs a list in fixed chunks: a chunk is written in one transaction when its answers arrive, and
runs again as a whole while any of its answers is missing, so that it sees the same batches after a crash as without
one. A model on a server or an engine is asked request by request, and each answer is on disk before anyone sees it.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol, Self, TypeVar, runtime_checkable

from lm.calls import Answers, Call, CallStore, Method, now
from lm.errors import ModelFailure
from lm.ledger import Ledger
from lm.limits import together
from lm.metering import Meter
from lm.types import Capabilities, Completion, Model, NextTokenRequest, NextTokens, Prompt, Request

CHUNK = 128
"""Requests of one chunk: what a crash can cost where a model batches."""

CacheMode = Literal["off", "record", "replay", "refresh"]
"""off: ask always; record: ask once; replay: never ask, a missing answer is an error; refresh: ask once more."""
Ask = TypeVar("Ask", Request, NextTokenRequest)
Reply = TypeVar("Reply", Completion, NextTokens)


@runtime_checkable
class Metered(Protocol):
    """A model on a server or an engine: its requests do not depend on each other, and each attempt may cost money."""

    def metered(self, meter: Meter) -> Self:
        """The same model, its attempts told to a meter."""
        ...


class Recorded:
    """A model whose every answer goes through a store. It is a `Model` itself.

    `older` holds more answers to take, never written to.
    """

    def __init__(
        self,
        model: Model,
        store: CallStore,
        *,
        role: str,
        chunk: int = CHUNK,
        mode: CacheMode = "record",
        ledger: Ledger | None = None,
        older: Answers | None = None,
    ) -> None:
        self.reference = model.reference
        self._one_by_one = isinstance(model, Metered)
        if isinstance(model, Metered) and ledger is not None:
            model = model.metered(ledger.meter(role, model.reference))
        self._model: Model = model
        self._ledger = ledger
        self._store, self._older = store, older
        self._role, self._chunk, self._mode = role, chunk, mode
        self._asked: set[str] = set()
        """Keys asked for in this process, for the mode refresh."""
        self._said: Capabilities | None = None
        self._last = 0.0

    async def capabilities(self) -> Capabilities:
        """As the model says; as it once said where answers are only replayed."""
        if self._mode == "replay" and self._one_by_one:
            for store in (self._store, self._older):
                if store is not None and (kept := store.capabilities(self.reference)) is not None:
                    return Capabilities.model_validate_json(kept)
            raise ModelFailure(f"{self.reference!r} was never asked what it can do; there is nothing to replay.")
        found = await self._model.capabilities()
        if self._one_by_one and found != self._said:
            self._said = found
            self._store.keep_capabilities(self.reference, found.model_dump_json())
        return found

    def count_tokens(self, prompt: Prompt) -> int:
        """As the model says."""
        return self._model.count_tokens(prompt)

    async def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Stored answers where there are any, the model's elsewhere."""
        return await self._through_store("complete", requests, self._model.complete, Completion)

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """Stored answers where there are any, the model's elsewhere."""
        return await self._through_store("next_tokens", requests, self._model.next_tokens, NextTokens)

    async def close(self) -> None:
        """As the model does; the store stays open, it belongs to whoever opened it."""
        await self._model.close()

    async def _through_store(
        self,
        method: Method,
        requests: Sequence[Ask],
        run: Callable[[Sequence[Ask]], Awaitable[list[Reply]]],
        reply: type[Reply],
    ) -> list[Reply]:
        served = (await self.capabilities()).served
        keys = request_keys(self.reference + (f"#{served}" if served else ""), method, requests)
        size = max(len(requests), 1) if self._one_by_one else self._chunk
        replies: list[Reply] = []
        for start in range(0, len(requests), size):
            part, part_keys = requests[start : start + size], keys[start : start + size]
            stored = {key: reply.model_validate_json(kept) for key, kept in self._stored(part_keys).items()}
            missing = [place for place, key in enumerate(part_keys) if key not in stored]
            if missing and self._mode == "replay":
                raise ModelFailure(
                    f"replay: {len(missing)} of {len(part)} answers of the {self._role} {self.reference!r} in step "
                    f"{self._store.step!r} were never recorded. `--cache record` asks for them."
                )
            if missing and self._one_by_one:
                stored |= await self._ask_each(method, part, part_keys, missing, run)
            elif missing:
                stored = await self._ask_chunk(method, part, part_keys, stored, run)
            self._asked.update(part_keys)
            replies += [stored[key] for key in part_keys]
        return replies

    def _stored(self, keys: Sequence[str]) -> dict[str, str]:
        """Answers that need not be asked for."""
        if self._mode == "off":
            return {}
        if self._mode == "refresh":
            return self._store.answers([key for key in keys if key in self._asked])
        found = self._store.answers(keys)
        if self._older is not None and (rest := [key for key in keys if key not in found]):
            found |= self._older.answers(rest)
        return found

    async def _ask_chunk(
        self,
        method: Method,
        part: Sequence[Ask],
        keys: Sequence[str],
        stored: dict[str, Reply],
        run: Callable[[Sequence[Ask]], Awaitable[list[Reply]]],
    ) -> dict[str, Reply]:
        began = time.perf_counter()
        with self._timing():
            fresh = await run(part)
        seconds = (time.perf_counter() - began) / len(part)
        self._store.append(
            self._call(key, method, request, answer, seconds)
            for key, request, answer in zip(keys, part, fresh, strict=True)
            if key not in stored
        )
        return dict(zip(keys, fresh, strict=True)) | stored

    async def _ask_each(
        self,
        method: Method,
        part: Sequence[Ask],
        keys: Sequence[str],
        missing: Sequence[int],
        run: Callable[[Sequence[Ask]], Awaitable[list[Reply]]],
    ) -> dict[str, Reply]:
        self._last = time.perf_counter()

        async def ask(place: int) -> Reply:
            (answer,) = await run([part[place]])
            # Wall-clock time goes to the answer it brought, so that the times of many at once add up to the whole.
            seconds, self._last = time.perf_counter() - self._last, time.perf_counter()
            self._store.put(self._call(keys[place], method, part[place], answer, max(seconds, 0.0)))
            self._store.write_soon()
            return answer

        with self._timing():
            answers = await together(ask(place) for place in missing)
        await self._store.flush()
        return {keys[place]: answer for place, answer in zip(missing, answers, strict=True)}

    def _timing(self) -> AbstractContextManager[None]:
        """The time of a batch of calls, where it costs money."""
        return nullcontext() if self._ledger is None else self._ledger.timing(self._role, self.reference)

    def _call(
        self,
        key: str,
        method: Method,
        request: Request | NextTokenRequest,
        answer: Completion | NextTokens,
        seconds: float,
    ) -> Call:
        return Call(
            key=key,
            role=self._role,
            step=self._store.step,
            model=self.reference,
            method=method,
            request=request.model_dump_json(),
            answer=answer.model_dump_json(),
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out if isinstance(answer, Completion) else 1,
            seconds=seconds,
            at=now(),
        )


def request_keys(reference: str, method: Method, requests: Sequence[Request | NextTokenRequest]) -> list[str]:
    """One key per request; the n-th repetition of a request within the list has sample number n."""
    seen: Counter[str] = Counter()
    keys = []
    for request in requests:
        body = json.dumps([reference, method, request.model_dump(mode="json")], sort_keys=True, separators=(",", ":"))
        keys.append(hashlib.sha256(f"{body}#{seen[body]}".encode()).hexdigest())
        seen[body] += 1
    return keys
