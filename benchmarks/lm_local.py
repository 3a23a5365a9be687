"""Our generation against the bare forward loop and against transformers.generate, in one run, as ratios.

python benchmarks/lm_local.py [--threads 1] [--rows 64] [--new 64]

A random model of the organism's shape; end-of-text tokens are ignored so that every way generates the same number of tokens.
"""

import argparse
import time
from collections.abc import Callable

import torch
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from lm.local.decode import Row, generate, next_log_probabilities
from lm.types import Sampling

VOCABULARY = 2816


def organism_shape() -> LlamaForCausalLM:
    """A Llama of 4 layers x 256 with random weights."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).eval()


def make_prompts(rows: int, shared: int, own: int) -> list[list[int]]:
    """Prompts with a common beginning; lengths in tokens, the rest up to `own`."""
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(own // 2, own + 1, (rows,), generator=generator).tolist()
    start = torch.randint(2, VOCABULARY, (shared,), generator=generator).tolist()
    return [start + torch.randint(2, VOCABULARY, (length,), generator=generator).tolist() for length in lengths]


@torch.inference_mode()
def bare_loop(model: LlamaForCausalLM, prompts: list[list[int]], new: int) -> None:
    """Forward with transformers' own cache and argmax: the least that a simple loop does."""
    cache = DynamicCache(config=model.config)
    tokens = torch.tensor(prompts)
    for _ in range(new):
        logits = model(input_ids=tokens, past_key_values=cache, logits_to_keep=1).logits
        tokens = logits[:, -1].argmax(-1)[:, None]


@torch.inference_mode()
def transformers_generate(model: LlamaForCausalLM, prompts: list[list[int]], new: int) -> None:
    """`generate` with sampling, one generator for all rows."""
    ids = torch.tensor(prompts)
    model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=new, do_sample=True, eos_token_id=-1, pad_token_id=0
    )


def ours(model: LlamaForCausalLM, prompts: list[list[int]], new: int) -> None:
    """Our loop with sampling, one seed for each row."""
    rows = [Row(prompt, Sampling(max_tokens=new, seed=seed)) for seed, prompt in enumerate(prompts)]
    generate(model, rows, ends=frozenset())


def judge(model: LlamaForCausalLM, prompts: list[list[int]]) -> None:
    """The next-token probabilities of every prompt."""
    next_log_probabilities(model, prompts)


def tokens_per_second(work: Callable[[], None], tokens: int, repeats: int = 3) -> float:
    """Tokens per second of the fastest of several runs."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return tokens / min(times)


def main() -> None:
    """Print one line per load and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--new", type=int, default=64)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    model = organism_shape()
    for name, shared, own in (("scenario", 0, 60), ("chat", 200, 60), ("author", 500, 80)):
        prompts = make_prompts(given.rows, shared, own)
        tokens = given.rows * given.new
        base = tokens_per_second(lambda p=prompts: transformers_generate(model, p, given.new), tokens)
        bare = tokens_per_second(lambda p=prompts: bare_loop(model, p, given.new), tokens)
        speed = tokens_per_second(lambda p=prompts: ours(model, p, given.new), tokens)
        print(
            f"{name:9} {shared:4}+{own} tokens: ours {speed:7.0f} tok/s"
            f"   {speed / bare:5.2f} x bare loop   {speed / base:5.2f} x transformers.generate"
        )
    prompts = make_prompts(given.rows, 350, 80)
    speed = tokens_per_second(lambda: judge(model, prompts), given.rows * 430)
    print(f"judge      350+80 tokens: {speed:7.0f} prompt tok/s")


if __name__ == "__main__":
    main()
