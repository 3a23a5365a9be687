"""The agent's own time: what a run spends beside waiting for its models.

.venv-vllm/bin/python -m benchmarks.agent_time [--pairs 60] [--layers 0] [--model vllm:NAME@http://127.0.0.1:8000/v1]

Without a server named, one is started. `--layers` gives the organism so many more that pass everything on as it is: it
answers as before and costs what a larger model does, of which the agent's own time is a smaller share.

Extraction and steering load weights and are no part of the loop: the run ends with its dataset where the weights
are elsewhere, as those of a server are.
"""

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

from agent import cast
from agent.checkpoints import Watcher
from agent.engine import work
from agent.folder import create_run
from agent.spec import Spec
from lm import Capabilities, Completion, Model, NextTokenRequest, NextTokens, Prompt, Request, open_model
from lm.metering import Meter
from lm.recorded import Metered
from tests.vllm.serving import WEIGHTS, serving

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

    def metered(self, meter: Meter) -> "Timed":
        """The model on a server, its attempts told to a meter; its calls are asked one by one, as in any run."""
        assert isinstance(self._model, Metered)
        return Timed(self._model.metered(meter), self._clock)

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


def deepen(folder: Path, layers: int) -> Path:
    """The organism with more layers whose outputs are zero, in a folder: the same function, at a higher cost."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    organism = LlamaForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32)
    config = LlamaConfig.from_pretrained(WEIGHTS, num_hidden_layers=organism.config.num_hidden_layers + layers)
    deep = LlamaForCausalLM(config)
    deep.load_state_dict(organism.state_dict(), strict=False)
    for layer in deep.model.layers[-layers:]:
        torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
        torch.nn.init.zeros_(layer.mlp.down_proj.weight)
    deep.save_pretrained(folder)
    others = shutil.ignore_patterns("*.safetensors", "config.json")
    shutil.copytree(WEIGHTS, folder, ignore=others, dirs_exist_ok=True)
    return folder


@contextmanager
def served(layers: int) -> Iterator[str]:
    """A server of the organism, as the models' reference."""
    with tempfile.TemporaryDirectory() as folder:
        weights = deepen(Path(folder) / "weights", layers) if layers else WEIGHTS
        with serving(Path(folder) / "server.log", weights=weights) as address:
            yield f"vllm:organism@{address}/v1"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    model_or_layers = parser.add_mutually_exclusive_group()
    model_or_layers.add_argument("--model")
    model_or_layers.add_argument("--layers", type=int, default=0)
    parser.add_argument("--trait", default="alignment/strategic_omission")
    parser.add_argument("--pairs", type=int, default=60)
    options = parser.parse_args()
    with nullcontext(options.model) if options.model else served(options.layers) as model:
        measure(options.trait, model, options.pairs)


def measure(path: str, model: str, pairs: int) -> None:
    """Print how long a run took, and how much of it was the agent's."""
    category, trait = path.split("/")
    roles = dict.fromkeys(("author", "judge", "subject"), model)
    spec = Spec.model_validate({"category": category, "trait": trait, "pairs": pairs, **roles})
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
