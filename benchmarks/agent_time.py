"""The agent's own time: what a run spends beside waiting for its models.

python -m benchmarks.agent_time --model vllm:NAME@http://127.0.0.1:8000/v1 [--pairs 60]

Extraction and steering load weights and are no part of the loop: the run ends with its dataset where the weights
are elsewhere, as those of a server are.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TypeVar

from agent import cast
from agent.checkpoints import Watcher
from agent.engine import work
from agent.folder import create_run
from agent.spec import Spec
from lm import Capabilities, Completion, Model, NextTokenRequest, NextTokens, Prompt, Request, open_model

T = TypeVar("T")


class Clock:
    """Seconds during which at least one call was under way."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._open, self._since = 0, 0.0

    async def during(self, call: Awaitable[T]) -> T:
        """Wait for a call and count the time."""
        if self._open == 0:
            self._since = time.monotonic()
        self._open += 1
        try:
            return await call
        finally:
            self._open -= 1
            if self._open == 0:
                self.seconds += time.monotonic() - self._since


class Timed:
    """A model whose calls are timed."""

    def __init__(self, model: Model, clock: Clock) -> None:
        self.reference = model.reference
        self._model, self._clock = model, clock

    async def capabilities(self) -> Capabilities:
        """As the model says."""
        return await self._clock.during(self._model.capabilities())

    def count_tokens(self, prompt: Prompt) -> int:
        """As the model counts; that is the agent's time."""
        return self._model.count_tokens(prompt)

    async def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """As the model completes."""
        return await self._clock.during(self._model.complete(requests))

    async def next_tokens(self, requests: Sequence[NextTokenRequest]) -> list[NextTokens]:
        """As the model tells."""
        return await self._clock.during(self._model.next_tokens(requests))

    async def close(self) -> None:
        """Close the model."""
        await self._model.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--trait", default="alignment/strategic_omission")
    parser.add_argument("--pairs", type=int, default=60)
    options = parser.parse_args()
    category, trait = options.trait.split("/")
    roles = dict.fromkeys(("author", "judge", "subject"), options.model)
    spec = Spec.model_validate({"category": category, "trait": trait, "pairs": options.pairs, **roles})
    clock = Clock()
    cast.open_model = lambda reference: Timed(open_model(reference), clock)
    with tempfile.TemporaryDirectory() as out:
        folder = create_run(Path(out), spec, "none", replace=True)
        began = time.monotonic()
        result = asyncio.run(work(folder, Watcher()))
        wall = time.monotonic() - began
    own = wall - clock.seconds
    print(f"{result.end}: {wall:.1f} s, of which {own:.1f} s ({own / wall:.1%}) beside model calls: {result.message}")


if __name__ == "__main__":
    main()
