"""Steering inside vLLM beside rows without operators on the same engine: `python -m benchmarks.steer_vllm`.

The organism on the CPU unless another checkpoint is named. All ways of an engine write the same rows, all at once, in
turns; the first is not counted. On the CPU processor time of all its processes counts, so that what else runs does not.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

import psutil
import torch

from benchmarks.steer import make_prompts, make_settings
from extract.models import load_model
from lm.local.checkpoint import organism_folder
from steer.generation import Row
from steer.operators import ALL, GENERATED, Push
from steer.vllm.bias import BiasEngine
from steer.vllm.engine import SteeredEngine
from steer.vllm.writer import EngineWriter

SIZE = 0.05
"""Of a push: so small that texts keep their length."""
UNSTEERED = "unsteered"


async def measure(writer: EngineWriter, ways: dict[str, list[Row]], tokens: int, turns: int) -> dict[str, list[float]]:
    """Tokens a second of each way in each turn."""
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, rows in ways.items():
            began = seconds()
            done = await writer.write(rows, tokens)
            if turn:
                speeds[name].append(sum(one.tokens_out for one in done) / (seconds() - began))
    return speeds


def seconds() -> float:
    """Time so far: of the clock where there is a GPU, else of the processor, for the engine and all its processes."""
    if torch.cuda.is_available():
        return time.perf_counter()
    here = psutil.Process()
    times = [one.cpu_times() for one in (here, *here.children(recursive=True))]
    return sum(one.user + one.system for one in times)


async def main() -> None:
    """Print tokens a second of each way, and its share of unsteered rows: median over the turns [least, most]."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default=str(organism_folder()))
    parser.add_argument("--options", default="memory=0.1")
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--compiled", action="store_true", help="compile the engine of the bias")
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
    plain = [Row(prompt) for prompt in prompts]
    hooked = {
        UNSTEERED: plain,
        "hooks, one layer, each row its own": list(map(Row, prompts, one_layer)),
        "hooks, all layers": [Row(prompt, all_layers) for prompt in prompts],
    }
    biased = {UNSTEERED: plain, "bias, all layers": [Row(prompt, all_tokens) for prompt in prompts]}
    with tempfile.TemporaryDirectory() as folder:
        hooks = SteeredEngine(reference, model)
        bias = BiasEngine(reference, model, Path(folder) / "biased", compiled=given.compiled)
        for engine, ways in ((hooks, hooked), (bias, biased)):
            try:
                show(await measure(engine, ways, given.tokens, given.turns))
            finally:
                await engine.close()


def show(speeds: dict[str, list[float]]) -> None:
    """One line a way."""
    for name, found in speeds.items():
        shares = [one / other for one, other in zip(found, speeds[UNSTEERED], strict=True)]
        print(
            f"{name:36} {statistics.median(found):7.0f} tokens/s   {statistics.median(shares):5.2f} "
            f"[{min(shares):.2f}, {max(shares):.2f}] of unsteered",
            flush=True,
        )


if __name__ == "__main__":
    asyncio.run(main())
