"""Our generation against the bare forward loop and against transformers.generate, in one run, as ratios.

python -m benchmarks.lm_local [--threads 1] [--rows 64] [--new 48]

A random model of the organism's shape. End-of-text tokens are ignored, so that every way generates as many tokens.
"""

import argparse
import time
from collections.abc import Callable

import torch
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from lm.local.attention import use_shared_attention
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


def left_padded(prompts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and attention mask."""
    width = max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return ids, mask


@torch.inference_mode()
def bare_loop(model: LlamaForCausalLM, prompts: list[list[int]], new: int) -> None:
    """Forward with transformers' own cache and attention and argmax: the least that a simple loop does."""
    cache = DynamicCache(config=model.config)
    tokens, mask = left_padded(prompts)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    for _ in range(new):
        logits = model(
            input_ids=tokens, attention_mask=mask, position_ids=positions, past_key_values=cache, logits_to_keep=1
        ).logits
        tokens = logits[:, -1].argmax(-1)[:, None]
        mask = torch.cat([mask, torch.ones_like(tokens)], dim=1)
        positions = positions[:, -1:] + 1


@torch.inference_mode()
def transformers_generate(model: LlamaForCausalLM, prompts: list[list[int]], new: int) -> None:
    """`generate` with sampling, one generator for all rows."""
    ids, mask = left_padded(prompts)
    model.generation_config.eos_token_id = None
    model.generate(ids, attention_mask=mask, max_new_tokens=new, do_sample=True, pad_token_id=0)


def ours(model: LlamaForCausalLM, prompts: list[list[int]], new: int) -> None:
    """Our loop with sampling, one seed for each row."""
    rows = [Row(prompt, Sampling(max_tokens=new, seed=seed)) for seed, prompt in enumerate(prompts)]
    generate(model, rows, ends=frozenset())


def judge(model: LlamaForCausalLM, prompts: list[list[int]]) -> None:
    """The next-token probabilities of every prompt."""
    next_log_probabilities(model, prompts)


def tokens_per_second(work: Callable[[], None], tokens: int, repeats: int = 2) -> float:
    """Tokens per second of the fastest of several runs."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return tokens / min(times)


def compare(name: str, model: LlamaForCausalLM, prompts: list[list[int]], new: int) -> str:
    """One line: our speed, and how many times that of the two other ways."""
    tokens = len(prompts) * new
    model.set_attn_implementation("sdpa")
    base = tokens_per_second(lambda: transformers_generate(model, prompts, new), tokens)
    bare = tokens_per_second(lambda: bare_loop(model, prompts, new), tokens)
    use_shared_attention(model)
    speed = tokens_per_second(lambda: ours(model, prompts, new), tokens)
    return (
        f"{name:9} prompts up to {max(map(len, prompts)):3} tokens: ours {speed:6.0f} tok/s"
        f"   {speed / bare:5.2f} x bare loop   {speed / base:5.2f} x transformers.generate"
    )


def main() -> None:
    """Print one line per load and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--new", type=int, default=48)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    model = organism_shape()
    for name, shared, own in (("scenario", 0, 60), ("chat", 200, 60), ("author", 500, 80)):
        print(compare(name, model, make_prompts(given.rows, shared, own), given.new))
    prompts = make_prompts(given.rows, 350, 80)
    speed = tokens_per_second(lambda: judge(model, prompts), sum(map(len, prompts)))
    print(f"judge      {speed:7.0f} prompt tok/s, 350 of about 410 tokens shared")


if __name__ == "__main__":
    main()
