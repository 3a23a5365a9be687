"""Extraction side by side: ours, peers that are installed, persona_vectors' procedure, and two limits, as ratios.

python -m benchmarks.extract [--pairs 256] [--repeats 5] [--threads 1] [--only NAME] [--check]

A random Llama of 8 layers x 256 and pairs that share most of their beginning. `limit` is the bare decoder: sorted by
length, batches of 32, no output head, nothing read. Each repeat runs a contender once after the limit, and the ratio
is the median over repeats, of processor time: other work on the machine does not count. repeng and steering-vectors run
where they are installed. `--check` compares ours with one text at a time in float32.
"""

import argparse
import importlib
import statistics
import time
from collections.abc import Callable

import numpy
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from extract.activations import pair_activations
from extract.models import LoadedModel, wrap_model
from extract.positions import Position
from extract.rows import pad, sample_rows
from extract.trait import SIDES, Pair, Sample

VOCABULARY, LAYERS, WIDTH = 2000, 8, 256
RESPONSE = Position.parse("response[:]")


def random_model() -> LoadedModel:
    """A Llama with random weights."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=688,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
    )
    return wrap_model(LlamaForCausalLM(config).eval(), word_tokenizer(VOCABULARY), "hf:random")


def word_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """One word a token: w2, w3, …"""
    words = {"<pad>": 0, "</s>": 1} | {f"w{n}": n for n in range(2, vocabulary)}
    backend = Tokenizer(models.WordLevel(words, unk_token="</s>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", eos_token="</s>")


def make_pairs(count: int, *, shared: int = 20, own: int = 5, answer: int = 8) -> list[Pair]:
    """Pairs whose sides share their beginning: up to ten tokens more than `shared`, up to four more than `own`."""
    generator = torch.Generator().manual_seed(1)

    def words(length: int) -> list[int]:
        return torch.randint(2, VOCABULARY, (length,), generator=generator).tolist()

    found = []
    for number in range(count):
        start = words(shared + number % 11)
        ends = {side: words(own + (number * 7 + place * 3) % 5) for place, side in enumerate(SIDES)}
        texts = {side: " ".join(f"w{n}" for n in start + ends[side]) for side in SIDES}
        samples = {side: (Sample(text="", token_ids=tuple(words(answer))),) for side in SIDES}
        pair = Pair(id=f"p{number}", ground_truth="", **texts, lock_in="other", completions=samples)
        found.append(pair)
    return found


def whole_ids(model: LoadedModel, pairs: list[Pair]) -> list[tuple[int, ...]]:
    """Each text with its response."""
    return [row.ids for pair in pairs for side in SIDES for row in sample_rows(model, pair, side)]


@torch.inference_mode()
def bare(model: LoadedModel, ids: list[tuple[int, ...]], batch: int = 32) -> None:
    """The decoder and nothing else."""
    order = sorted(ids, key=len)
    for start in range(0, len(order), batch):
        tokens, real = pad(order[start : start + batch], "right", model.device)
        model.body(input_ids=tokens, attention_mask=real, use_cache=False)


def persona_procedure(model: LoadedModel, pairs: list[Pair]) -> None:
    """As persona_vectors does: one text at a time with the output head, all hidden states, no inference mode."""
    sums: list[torch.Tensor] = []
    for pair in pairs:
        for side in SIDES:
            [row] = sample_rows(model, pair, side)
            states = model.model(input_ids=torch.tensor([row.ids]), output_hidden_states=True).hidden_states
            sums.append(torch.stack([state[0, row.prompt :].mean(dim=0).detach().cpu() for state in states]))


def repeng(model: LoadedModel, texts: list[tuple[str, str]]) -> None:
    """repeng's ControlVector.train, its defaults."""
    from repeng import ControlModel, ControlVector, DatasetEntry  # type: ignore[import-not-found]

    entries = [DatasetEntry(positive=one, negative=other) for one, other in texts]
    wrapped = ControlModel(model.model, list(range(1, model.n_layers)))
    try:
        ControlVector.train(wrapped, model.tokenizer, entries)
    finally:
        wrapped.unwrap()


def steering_vectors(model: LoadedModel, texts: list[tuple[str, str]]) -> None:
    """steering-vectors' train_steering_vector at batch 32."""
    from steering_vectors import train_steering_vector  # type: ignore[import-not-found]

    train_steering_vector(model.model, model.tokenizer, texts, batch_size=32)


def contenders(model: LoadedModel, pairs: list[Pair]) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    ids = whole_ids(model, pairs)
    told = [model.tokenizer.decode(row) for row in ids]
    texts = list(zip(told[0::2], told[1::2], strict=True))
    found: dict[str, Callable[[], object]] = {
        "ours, all layers": lambda: pair_activations(model, pairs, [RESPONSE]),
        "ours, one layer at half depth": lambda: pair_activations(model, pairs, [RESPONSE], layers=[LAYERS // 2 - 1]),
        "ours, response[:5]": lambda: pair_activations(model, pairs, [Position.parse("response[:5]")]),
        "bare, sorted, batch 8": lambda: bare(model, ids, 8),
        "persona_vectors' procedure": lambda: persona_procedure(model, pairs),
    }
    for name, module, run in (
        ("repeng", "repeng", repeng),
        ("steering-vectors, batch 32", "steering_vectors", steering_vectors),
    ):
        if _imports(module):
            found[name] = lambda run=run: run(model, texts)
    return found


def _imports(module: str) -> bool:
    """Whether a peer is there and loads beside the libraries that are installed."""
    if not hasattr(numpy, "float_"):
        numpy.float_ = numpy.float64  # type: ignore[attr-defined]  # repeng 0.4.0 annotates with NumPy 1's name for it.
    try:
        importlib.import_module(module)
    except Exception as error:
        print(f"{module} is left out: {error}")
        return False
    return True


def check(model: LoadedModel, pairs: list[Pair]) -> float:
    """Largest relative difference between ours and one text at a time, over texts and layers."""
    [found] = pair_activations(model, pairs, [RESPONSE])
    worst = 0.0
    for number, pair in enumerate(pairs):
        for side, ours in zip(SIDES, (found.positive[number], found.negative[number]), strict=True):
            [row] = sample_rows(model, pair, side)
            with torch.inference_mode():
                states = model.model(input_ids=torch.tensor([row.ids]), output_hidden_states=True).hidden_states
            for layer in range(LAYERS - 1):
                alone = states[layer + 1][0, row.prompt :].mean(dim=0)
                worst = max(worst, float((ours[layer] - alone).norm() / alone.norm()))
    return worst


def seconds(run: Callable[[], object]) -> float:
    """Processor time of one call, all threads together: other work on the machine does not count."""
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    """Print one line a contender."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="contenders whose name holds this")
    parser.add_argument("--check", action="store_true")
    told = parser.parse_args()
    torch.set_num_threads(told.threads)
    model, pairs = random_model(), make_pairs(told.pairs)
    ids = whole_ids(model, pairs)
    if told.check:
        print(f"largest relative difference from one text at a time: {check(model, pairs[:64]):.1e}")
    runs = {name: run for name, run in contenders(model, pairs).items() if told.only in name}
    bare(model, ids)
    print(f"{2 * told.pairs} texts, {sum(map(len, ids))} tokens; multiples of the limit, median [least, most]")
    for name, run in runs.items():
        run()
        found = []
        for _ in range(told.repeats):
            limit = seconds(lambda: bare(model, ids))
            found.append(seconds(run) / limit)
        print(f"{name:<32} {statistics.median(found):5.2f}   [{min(found):.2f}, {max(found):.2f}]", flush=True)


if __name__ == "__main__":
    main()
