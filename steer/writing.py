"""Who writes the answers: the model in this process, another engine with its weights, or a store in front of either."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Protocol, runtime_checkable

from extract.models import LoadedModel
from lm.calls import Call, CallStore, now
from lm.types import Completion
from steer.generation import Row, generate
from steer.wire import digest

_PART = 640
"""Rows after which answers are stored: what a killed process has to write again at most."""


@runtime_checkable
class Writer(Protocol):
    """Writes the answers of an evaluation."""

    async def write(self, rows: Sequence[Row], max_tokens: int) -> Sequence[Completion]:
        """One completion for each row, in order."""
        ...


@dataclass(frozen=True)
class LocalWriter:
    """A model in this process; at most `max_rows` rows run at once."""

    model: LoadedModel
    max_rows: int = 320

    async def write(self, rows: Sequence[Row], max_tokens: int) -> Sequence[Completion]:
        """One completion for each row, in order."""
        return await asyncio.to_thread(generate, self.model, rows, max_tokens=max_tokens, max_rows=self.max_rows)


@dataclass(frozen=True)
class StoredWriter:
    """A writer whose every answer is kept in a call store, and not written again."""

    writer: Writer
    calls: CallStore
    reference: str
    """Name of the model that writes."""
    identity: str
    """Digest or commit of its weights: other weights never meet these answers."""

    async def write(self, rows: Sequence[Row], max_tokens: int) -> Sequence[Completion]:
        """One completion for each row, in order; rows that are alike are written once."""
        requests = {self._request(row, max_tokens): row for row in rows}
        keys = {request: hashlib.sha256(request.encode()).hexdigest() for request in requests}
        found = self.calls.answers(list(keys.values()))
        missing = [request for request, key in keys.items() if key not in found]
        for start in range(0, len(missing), _PART):
            part = missing[start : start + _PART]
            began = monotonic()
            written = await self.writer.write([requests[request] for request in part], max_tokens)
            share = (monotonic() - began) / len(part)
            made = [
                self._call(keys[request], request, done, share) for request, done in zip(part, written, strict=True)
            ]
            self.calls.append(made)
            found |= {call.key: call.answer for call in made}
        known = {request: Completion.model_validate_json(found[key]) for request, key in keys.items()}
        return [known[self._request(row, max_tokens)] for row in rows]

    def _request(self, row: Row, max_tokens: int) -> str:
        """Everything that an answer depends on, as JSON."""
        prompt = row.prompt if isinstance(row.prompt, str) else [turn.model_dump() for turn in row.prompt]
        about = {
            "model": self.reference,
            "weights": self.identity,
            "prompt": prompt,
            "operators": digest(row.pushes),
            "max_tokens": max_tokens,
            "temperature": row.temperature,
            "seed": row.seed,
        }
        return json.dumps(about, ensure_ascii=False, sort_keys=True)

    def _call(self, key: str, request: str, done: Completion, seconds: float) -> Call:
        return Call(
            key=key, role="assistant", step=self.calls.step, model=self.reference, method="complete", request=request,
            answer=done.model_dump_json(), tokens_in=done.tokens_in, tokens_out=done.tokens_out, seconds=seconds,
            at=now(),
        )  # fmt: skip
