"""Steering inside vLLM beside the same engine unsteered, in one run: `python -m benchmarks.steer_vllm`, where vLLM is.

The organism on the CPU unless another checkpoint is named. Every way writes the same rows, all at once; the first
pass over them is not counted.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.steer import make_prompts, make_settings
from extract import load_model
from lm.local.checkpoint import organism_folder
from steer.generation import Row
from steer.operators import ALL, GENERATED, Push
from steer.vllm.bias import BiasEngine
from steer.vllm.engine import SteeredEngine
from steer.writing import Writer

SIZE = 0.05
"""Of a push: so small that texts keep their length."""


async def seconds(writer: Writer, rows: Sequence[Row], tokens: int, repeats: int) -> tuple[float, int]:
    """Median time of the rows, and the tokens that were written."""
    times, written = [], 0
    for turn in range(repeats + 1):
        began = time.perf_counter()
        done = await writer.write(rows, tokens)
        if turn:
            times.append(time.perf_counter() - began)
            written = sum(one.tokens_out for one in done)
    return statistics.median(times), written


async def main() -> None:
    """Print tokens a second of each way, and its share of the unsteered engine of the same kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default=str(organism_folder()))
    parser.add_argument("--options", default="memory=0.1")
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--compiled", action="store_true", help="compile the engine of the bias route")
    given = parser.parse_args()
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    model = load_model(f"hf:{given.checkpoint}")
    reference = f"vllm:{given.checkpoint}?{given.options}"
    asked = make_prompts(20)
    prompts = [asked[number % len(asked)] for number in range(given.rows)]
    lanes = make_settings(model, model.n_layers, 1, GENERATED)
    by_row = [(Push(lanes[n % len(lanes)].direction, absolute=SIZE),) for n in range(given.rows)]
    every_layer = tuple(Push(lane.direction, absolute=SIZE) for lane in lanes)
    at_once = tuple(Push(lane.direction, absolute=SIZE, tokens=ALL) for lane in lanes)
    plain = [Row(prompt) for prompt in prompts]
    hooked = {
        "hooks, unsteered": plain,
        "hooks, one layer, each row its own": [Row(*both) for both in zip(prompts, by_row, strict=True)],
        "hooks, all layers": [Row(prompt, every_layer) for prompt in prompts],
    }
    biased = {"bias, unsteered": plain, "bias, all layers": [Row(prompt, at_once) for prompt in prompts]}
    engine = SteeredEngine(reference, model)
    await show(engine, hooked, given)
    await engine.close()
    with tempfile.TemporaryDirectory() as folder:
        bias = BiasEngine(reference, model, Path(folder) / "biased", compiled=given.compiled)
        await show(bias, biased, given)
        await bias.close()


async def show(writer: Writer, ways: dict[str, list[Row]], given: argparse.Namespace) -> None:
    """Print one line a way; shares are of the first."""
    first = 0.0
    for name, rows in ways.items():
        took, written = await seconds(writer, rows, given.tokens, given.repeats)
        speed = written / took
        first = first or speed
        print(f"{name:36} {speed:8.0f} tokens/s   {speed / first:5.2f} of unsteered", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
