"""Extraction at the size of Llama 3.1 8B on a GPU: tokens per second, share of the bf16 roofline, pairs per second.

python -m benchmarks.extract_gpu [--pairs 1024] [--repeats 3] [--device cuda] [--layers 32] [--width 4096]

The model has random weights in bf16, so nothing is downloaded. The roofline is what a large matrix product reaches on
the same device in the same run. Work is counted as 2 x weights of the blocks x tokens that pass through them; with
prefixes read once those are fewer than the texts have. repeng runs where it is installed.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.extract import RESPONSE, bare, make_pairs, repeng, whole_ids, word_tokenizer
from extract.activations import pair_activations
from extract.batches import plan_batches
from extract.models import LoadedModel, wrap_model
from extract.passes import DEVICE_TOKENS

VOCABULARY = 128_256
SHARED, OWN, ANSWER = 120, 40, 32
"""Tokens of a side: what the pair shares, the side's own, the response."""


def random_model(layers: int, width: int, device: str) -> LoadedModel:
    """Llama 3.1 8B at 32 layers x 4096, or the same in smaller."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=width * 7 // 2,
        num_hidden_layers=layers,
        num_attention_heads=max(width // 128, 1),
        num_key_value_heads=max(width // 512, 1),
        max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
    )
    with torch.device(device):
        torch.set_default_dtype(torch.bfloat16)
        model = LlamaForCausalLM(config).eval()
        torch.set_default_dtype(torch.float32)
    return wrap_model(model, word_tokenizer(VOCABULARY), "hf:random-8b")


def synchronize(device: str) -> None:
    """Wait for what the device still has to do."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def seconds(work: Callable[[], object], device: str, repeats: int) -> float:
    """Median after one run to warm up."""
    found = []
    for _ in range(repeats + 1):
        synchronize(device)
        start = time.perf_counter()
        work()
        synchronize(device)
        found.append(time.perf_counter() - start)
    return statistics.median(found[1:])


def roofline(device: str) -> float:
    """Operations per second of a product of large bf16 matrices."""
    size = 8192 if device.startswith("cuda") else 1024
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / seconds(lambda: left @ right, device, 20)


def main() -> None:
    """Measure and print one line a contender."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--width", type=int, default=4096)
    given = parser.parse_args()
    model = random_model(given.layers, given.width, given.device)
    pairs = make_pairs(given.pairs, shared=SHARED, own=OWN, answer=ANSWER)
    ids = whole_ids(model, pairs)
    texts = sum(map(len, ids))
    together = [(start, start + 1) for start in range(0, len(ids), 2)]
    run = sum(batch.tokens for batch in plan_batches(ids, together, DEVICE_TOKENS, share=True))
    weights = sum(parameter.numel() for block in model.blocks for parameter in block.parameters())
    peak = roofline(given.device)
    name = torch.cuda.get_device_name() if given.device.startswith("cuda") else given.device
    size = f"{given.layers} x {given.width}, {given.pairs} pairs of {texts} tokens"
    print(f"{name}, {size}, roofline {peak / 1e12:.1f} TFLOP/s")
    told = [model.tokenizer.decode(row) for row in ids]
    contenders: dict[str, tuple[Callable[[], object], int]] = {
        "ours, all layers": (lambda: pair_activations(model, pairs, [RESPONSE]), run),
        "bare decoder, sorted, batch 32": (lambda: bare(model, ids), texts),
    }
    if find_spec("repeng"):
        both = list(zip(told[0::2], told[1::2], strict=True))
        contenders["repeng"] = (lambda: repeng(model, both), texts)
    for label, (work, passed) in contenders.items():
        took = seconds(work, given.device, given.repeats)
        share = 2 * weights * passed / took / peak
        speed = f"{texts / took:10.0f} tokens/s {given.pairs / took:8.1f} pairs/s"
        print(f"{label:32} {speed} {share:6.1%} of the roofline")


if __name__ == "__main__":
    main()
