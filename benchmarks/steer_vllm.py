"""Steering inside vLLM beside an engine without any of it: `python -m benchmarks.steer_vllm`, where vLLM is.

The organism on the CPU unless another checkpoint is named. All ways write the same rows, all at once, in turns, so that
what else the machine does falls on all alike; the first turn is not counted.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.steer import make_prompts, make_settings
from extract.models import load_model
from lm.engine.running import Engine
from lm.local.checkpoint import organism_folder
from lm.references import parse_reference
from lm.types import Completion
from steer.generation import Row
from steer.operators import ALL, GENERATED, Push
from steer.vllm.bias import BiasEngine
from steer.vllm.engine import SteeredEngine
from steer.vllm.writer import EngineWriter, complete

SIZE = 0.05
"""Of a push: so small that texts keep their length."""
UNSTEERED = "unsteered"


class PlainEngine(EngineWriter):
    """An engine without hooks or biases."""

    _kinds = ()

    def _check(self, rows: Sequence[Row]) -> None:
        assert not any(row.pushes for row in rows)

    async def _write(self, rows: Sequence[Row], max_tokens: int) -> list[Completion]:
        return await complete(await self._engine.running(), self._spelling, rows, [""] * len(rows), max_tokens)


@dataclass(frozen=True)
class Way:
    """Rows, and what writes them."""

    writer: EngineWriter
    rows: list[Row]


async def measure(ways: dict[str, Way], tokens: int, turns: int) -> dict[str, list[float]]:
    """Tokens a second of each way in each turn."""
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            done = await way.writer.write(way.rows, tokens)
            if turn:
                speeds[name].append(sum(one.tokens_out for one in done) / (time.perf_counter() - began))
    return speeds


async def main() -> None:
    """Print tokens a second of each way, and its share of the unsteered engine: median over the turns [least, most]."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default=str(organism_folder()))
    parser.add_argument("--options", default="memory=0.1")
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--compiled", action="store_true", help="compile the plain engine and that of the bias")
    given = parser.parse_args()
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    model = load_model(f"hf:{given.checkpoint}")
    reference = f"vllm:{given.checkpoint}?{given.options}"
    asked = make_prompts(20)
    prompts = [asked[number % len(asked)] for number in range(given.rows)]
    lanes = make_settings(model, model.n_layers, 1, GENERATED)
    one_layer = [(Push(lanes[n % len(lanes)].direction, absolute=SIZE),) for n in range(given.rows)]
    all_layers = tuple(Push(lane.direction, absolute=SIZE) for lane in lanes)
    all_tokens = tuple(Push(lane.direction, absolute=SIZE, tokens=ALL) for lane in lanes)
    plain_rows = [Row(prompt) for prompt in prompts]
    with tempfile.TemporaryDirectory() as folder:
        bare = Engine(parse_reference(reference), given.checkpoint, False, compiled=given.compiled)
        plain, hooks = PlainEngine(bare, model), SteeredEngine(reference, model)
        bias = BiasEngine(reference, model, Path(folder) / "biased", compiled=given.compiled)
        ways = {
            UNSTEERED: Way(plain, plain_rows),
            "hooks, no row steered": Way(hooks, plain_rows),
            "hooks, one layer, each row its own": Way(hooks, list(map(Row, prompts, one_layer))),
            "hooks, all layers": Way(hooks, [Row(prompt, all_layers) for prompt in prompts]),
            "bias, all layers": Way(bias, [Row(prompt, all_tokens) for prompt in prompts]),
        }
        try:
            show(await measure(ways, given.tokens, given.turns))
        finally:
            for engine in (plain, hooks, bias):
                await engine.close()


def show(speeds: dict[str, list[float]]) -> None:
    """One line a way."""
    for name, found in speeds.items():
        shares = [one / other for one, other in zip(found, speeds[UNSTEERED], strict=True)]
        print(
            f"{name:36} {statistics.median(found):7.0f} tokens/s   {statistics.median(shares):5.2f} "
            f"[{min(shares):.2f}, {max(shares):.2f}] of unsteered"
        )


if __name__ == "__main__":
    asyncio.run(main())
