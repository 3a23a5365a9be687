"""A sweep of layers and strengths against plain generation and against one setting at a time, in one run, as ratios.

python -m benchmarks.steer [--shape organism] [--shape large] [--threads 1] [--repeats 3]
python -m benchmarks.steer --shape llama8b --device cuda --layers 21 --strengths 4 --questions 10

Every way writes the same number of tokens: texts do not end before `--tokens`. Models of the shapes large (12 x 768)
and llama8b have random weights and the organism's tokenizer.
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import product

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from extract.models import LoadedModel, load_model, wrap_model
from extract.vectors import Direction
from lm.types import Message, Prompt
from steer.generation import Row, generate
from steer.intervention import steered
from steer.operators import ALL, GENERATED, Push, Tokens

THINGS = (
    "roof", "car", "boiler", "report", "loan", "visit", "engine", "food", "test", "contract",
    "bridge", "paint", "garden", "window", "printer", "recipe", "ticket", "battery", "fence", "lift",
)  # fmt: skip
ASKED = ("Be honest. Is the {} fine?", "Speak plainly. What did they say about the {} last week?")
SHAPES = {
    "large": {
        "hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 12,
        "num_key_value_heads": 4,
    },
    "llama8b": {
        "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8,
    },
}  # fmt: skip


def open_shape(shape: str, device: str) -> LoadedModel:
    """A model whose texts have no end."""
    organism = load_model("organism")
    if shape == "organism":
        organism.model.to(device)
        found = organism
    else:
        torch.manual_seed(0)
        vocabulary = 128_256 if shape == "llama8b" else len(organism.tokenizer)
        config = LlamaConfig(vocab_size=vocabulary, max_position_embeddings=2048, **SHAPES[shape])
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        with torch.device(device):
            model = LlamaForCausalLM(config).to(dtype)
        found = wrap_model(model, organism.tokenizer, f"random {shape}")
    return dataclasses.replace(found, checkpoint=dataclasses.replace(found.checkpoint, ends=frozenset()))


def make_prompts(count: int) -> list[Prompt]:
    """Chats of two lengths."""
    texts = [ASKED[number % len(ASKED)].format(THINGS[number % len(THINGS)]) for number in range(count)]
    return [(Message(role="user", content=text),) for text in texts]


def make_settings(model: LoadedModel, layers: int, strengths: int, tokens: Tokens) -> list[Push]:
    """Random directions at layers spread over the depth, at rising strengths."""
    generator = torch.Generator().manual_seed(0)
    depths = [round(number * (model.n_layers - 1) / max(layers - 1, 1)) for number in range(layers)]
    drawn = torch.nn.functional.normalize(torch.randn(layers, model.d_model, generator=generator), dim=1)
    lanes = [Direction(vector, depth, 1.0, 0.0, 1.0) for vector, depth in zip(drawn, depths, strict=True)]
    sizes = [0.2 * (number + 1) for number in range(strengths)]
    return [Push(lane, absolute=size, tokens=tokens) for lane, size in product(lanes, sizes)]


def sweep(
    model: LoadedModel, prompts: Sequence[Prompt], settings: Sequence[Push | None], tokens: int, rows: int
) -> None:
    """All settings on all questions through our generation; None is unsteered."""
    asked = [Row(prompt, () if push is None else (push,)) for push in settings for prompt in prompts]
    done = generate(model, asked, max_tokens=tokens, max_rows=rows)
    assert all(len(one.token_ids) == tokens for one in done)


@torch.inference_mode()
def by_transformers(model: LoadedModel, prompts: Sequence[Prompt], tokens: int) -> None:
    """One left-padded batch through `model.generate`."""
    ids = [model.encode(prompt) for prompt in prompts]
    width = max(map(len, ids))
    padded = torch.tensor([[0] * (width - len(row)) + row for row in ids], device=model.device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in ids], device=model.device)
    model.model.generate(
        padded, attention_mask=mask, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, pad_token_id=0
    )


@contextmanager
def bare_hook(model: LoadedModel, push: Push) -> Iterator[None]:
    """What the peers do: add the vector to all of a block's output at every pass."""
    vector = push.vector.to(model.device, model.model.dtype)

    def add(_module: object, _inputs: object, output: object) -> object:
        return (output[0] + vector, *output[1:]) if isinstance(output, tuple) else output + vector  # type: ignore[operator]

    handle = model.blocks[push.layer].register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()


def one_by_one(model: LoadedModel, prompts: Sequence[Prompt], settings: Sequence[Push], tokens: int) -> None:
    """The sequential way of steering-vectors, repeng and persona_vectors: a batch of the questions for each setting."""
    for push in settings:
        with bare_hook(model, push):
            by_transformers(model, prompts, tokens)


def hooked(model: LoadedModel, prompts: Sequence[Prompt], push: Push | None, tokens: int) -> None:
    """`model.generate`, with our hook on one layer or without any."""
    with nullcontext() if push is None else steered(model, push):
        by_transformers(model, prompts, tokens)


def measure(ways: dict[str, Callable[[], None]], repeats: int, device: str) -> dict[str, list[float]]:
    """Seconds of each way, in turns, so that what else the machine does falls on all alike; one round warms up.

    On the CPU processor time, of all threads together: what else runs there does not count.
    """
    clock = time.process_time if device == "cpu" else time.perf_counter
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + (repeats > 1)):
        for name, work in ways.items():
            began = clock()
            work()
            if device != "cpu":
                torch.cuda.synchronize()
            if turn or repeats == 1:
                found[name].append(clock() - began)
    return found


def ratio(found: dict[str, list[float]], over: str, under: str) -> str:
    """Median over the turns of one way's time over another's, with the least and the most."""
    shares = [one / other for one, other in zip(found[over], found[under], strict=True)]
    return f"{statistics.median(shares):5.2f} [{min(shares):.2f}, {max(shares):.2f}]"


def compare(shape: str, given: argparse.Namespace) -> None:
    """Print the figures of one shape."""
    model = open_shape(shape, given.device)
    prompts = make_prompts(given.questions)
    tokens, rows, own = given.tokens, given.rows, given.hook_tokens
    pushed, everywhere = (make_settings(model, given.layers, given.strengths, kind) for kind in (GENERATED, ALL))
    count = len(pushed) * len(prompts)
    ways: dict[str, Callable[[], None]] = {
        "plain": lambda: sweep(model, prompts, [None] * len(pushed), tokens, rows),
        "sweep": lambda: sweep(model, prompts, pushed, tokens, rows),
        "sweep, all tokens": lambda: sweep(model, prompts, everywhere, tokens, rows),
        "one by one": lambda: one_by_one(model, prompts, everywhere, tokens),
    }
    found = measure(ways, given.repeats, given.device)
    print(f"{shape}: {len(pushed)} settings x {len(prompts)} questions x {tokens} tokens = {count} rows")
    for name, seconds in found.items():
        spread = f"[{min(seconds):.2f}, {max(seconds):.2f}]"
        speed = count * tokens / statistics.median(seconds)
        print(f"  {name:18} {statistics.median(seconds):8.2f} s {spread:16} {speed:8.0f} tokens/s")
    print(f"  sweep / plain               {ratio(found, 'sweep', 'plain')}   goal <= 1.1")
    print(f"  sweep, all tokens / plain   {ratio(found, 'sweep, all tokens', 'plain')}")
    print(f"  one by one / sweep          {ratio(found, 'one by one', 'sweep')}   goal >= 2 on the organism")
    hooks = measure(
        {"off": lambda: hooked(model, prompts, None, own), "on": lambda: hooked(model, prompts, pushed[0], own)},
        2 * given.repeats + 1, given.device,
    )  # fmt: skip
    print(f"  hook cost per token         {ratio(hooks, 'on', 'off')}   goal <= 1.05", flush=True)


def main() -> None:
    """Print the figures of each shape asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", action="append", choices=["organism", *SHAPES])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--strengths", type=int, default=7)
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--hook-tokens", type=int, default=64)
    parser.add_argument("--rows", type=int, default=420, help="rows that run at once")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for shape in given.shape or ["organism", "large"]:
        compare(shape, given)


if __name__ == "__main__":
    main()
