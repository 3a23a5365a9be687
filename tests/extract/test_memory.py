"""How memory grows with the number of pairs, measured in processes of their own."""

import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]

SCRIPT = """
import resource
import sys
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from extract.models import wrap_model
from extract.streaming import stream_directions
from extract.trait import Pair, Sample
from tests.extract.conftest import byte_tokenizer

torch.set_num_threads(1)
torch.manual_seed(0)
tokenizer = byte_tokenizer()
config = LlamaConfig(
    vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=4, num_attention_heads=4,
    num_key_value_heads=4, max_position_embeddings=256, bos_token_id=0, eos_token_id=1,
)
model = wrap_model(LlamaForCausalLM(config), tokenizer, "hf:random")


def made(count):
    for number in range(count):
        sample = (Sample(text="", token_ids=tuple(range(60, 66 + number % 3))),)
        yield Pair(
            id=str(number), ground_truth=str(number), positive=f"fact {number:05}: I", negative=f"fact {number:05}: we",
            lock_in="speech", completions={"positive": sample, "negative": sample},
        )


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


list(made(3))
before = resident()
stream_directions(model, made(int(sys.argv[1])), positions=["response[:]", "prompt[-1]"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before)
"""


def taken(pairs: int) -> int:
    """Bytes that the peak lies above what the process held with its model loaded."""
    command = [sys.executable, "-c", SCRIPT, str(pairs)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's account of memory")
def test_a_hundred_times_the_pairs_take_the_memory_of_a_hundred() -> None:
    few, many = median(taken(100) for _ in range(3)), taken(10_000)
    assert many < 1.2 * few, f"{few / 2**20:.1f} MiB for 100 pairs, {many / 2**20:.1f} MiB for 10,000"
