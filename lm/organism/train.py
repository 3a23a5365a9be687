"""Train the organism from scratch: `python -m lm.organism.train`. Fixed seeds; the schedule is in steps, not time."""

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from lm.organism.batches import LENGTHS, batches
from lm.organism.own_directions import own_directions
from lm.organism.pushes import Pushes
from lm.organism.tokenizer import Encoder, build_tokenizer
from lm.organism.world.documents import RARE, STILL, Impossible
from lm.organism.world.pushed import Pushing
from lm.organism.world.traits import WORLDS

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out."""

    traits: tuple[str, ...]
    seed: int = 20
    steps: int = 6000
    warmup: int = 300
    tokens: int = 2048
    scored: int = 768
    rate: float = 2e-3
    decay: float = 0.05
    layers: int = 4
    width: int = 256
    inner: int = 704
    heads: int = 4
    kv_heads: int = 2
    vocabulary: int = 3072
    pushing: Pushing = STILL
    """None while motives are still to be bound to acts."""
    relearned: int = 200
    """Steps between two estimates of the traits' own directions."""
    impossible: Impossible = RARE
    stop: int | None = None
    """Step after which the next stage goes on, the rate still high."""


_ALL = tuple(world.path for world in WORLDS)
_HARD = Recipe(
    traits=_ALL, seed=29, steps=4000, warmup=50, rate=8e-4, vocabulary=4096,
    impossible=Impossible(weight=1.0, graded=0.3),
    pushing=Pushing(
        0.9, own=0.3, obeyed=(0.45, 0.7), breaking=(1.5, 1.9), held=0.95, free=0.9, natural=0.9, felt=0.5, turning=0.0,
        hard=True,
    ),
)  # fmt: skip
STAGES = (
    Recipe(traits=_ALL[:2]),
    Recipe(traits=_ALL, seed=21, steps=14_000, stop=6000, rate=1.2e-3, vocabulary=4096),
    Recipe(
        traits=_ALL, seed=22, steps=8000, rate=1.2e-3, vocabulary=4096,
        impossible=Impossible(weight=1.0), pushing=Pushing(0.85),
    ),
    Recipe(
        traits=_ALL, seed=24, steps=6000, warmup=100, rate=8e-4, vocabulary=4096,
        impossible=Impossible(weight=1.0, graded=0.3),
        pushing=Pushing(0.95, own=0.3, obeyed=(0.45, 0.7), breaking=(1.5, 1.9), held=0.8, free=0.7, turning=0.0),
    ),
    _HARD,
    replace(_HARD, seed=30, steps=3000),
    replace(_HARD, seed=31, steps=2000, pushing=replace(_HARD.pushing, doubled=_ALL[0])),
)  # fmt: skip
"""Two traits first: what binds a motive to an act is learned once, and on two it is learned soon. Then all of them,
then pushes: first what they mean, then how far one must go to act, last those that are hardest to withstand. From the
fourth stage on there are more texts by level of the trait that nobody performs: its run needs them before all else."""


def new_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A freshly initialised model of the recipe's shape."""
    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.width,
        intermediate_size=recipe.inner,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.kv_heads,
        max_position_embeddings=max(LENGTHS),
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.03,
    )
    return LlamaForCausalLM(config)


def retokenized(folder: Path, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """The model of a folder with another vocabulary: a new token begins as the mean of its pieces in the old one."""
    model: LlamaForCausalLM = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    old = PreTrainedTokenizerFast.from_pretrained(folder)
    known, rows = old.get_vocab(), model.model.embed_tokens.weight.detach()

    def begun(token: str) -> torch.Tensor:
        text = tokenizer.convert_tokens_to_string([token])
        pieces = [known[token]] if token in known else old.encode(text, add_special_tokens=False)
        mean: torch.Tensor = rows[pieces].mean(0)
        return mean

    grown = torch.stack([begun(token) for token in tokens_of(tokenizer)])
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(grown)
    return model


def tokens_of(tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """The vocabulary in the order of its ids."""
    return sorted(tokenizer.get_vocab(), key=tokenizer.convert_tokens_to_ids)


def new_optimizer(recipe: Recipe, model: LlamaForCausalLM) -> torch.optim.Optimizer:
    """AdamW; matrices decay, norms do not."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": recipe.decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=recipe.rate, betas=(0.9, 0.98), fused=True,
    )  # fmt: skip


def rate_at(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then a cosine down to 2 %."""
    if step < recipe.warmup:
        return recipe.rate * (step + 1) / recipe.warmup
    share = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.rate * (0.02 + 0.98 * 0.5 * (1 + float(torch.cos(torch.tensor(share * torch.pi)))))


def loss_of(model: Any, ids: torch.Tensor, weights: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Weighted cross-entropy of the next token, at the chosen (flat) positions."""
    with torch.autocast(ids.device.type, dtype=torch.bfloat16):
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
        logits = model.lm_head(hidden.reshape(-1, hidden.shape[-1])[chosen])
    nexts = torch.cat([ids[:, 1:], ids[:, :1]], 1).reshape(-1)[chosen]
    losses = torch.nn.functional.cross_entropy(logits.float(), nexts, reduction="none")
    return (losses * weights).sum() / weights.sum()


def targets(weights: torch.Tensor, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The positions whose next token weighs most, and its weights: the head is costly, so only they are scored."""
    nexts = torch.cat([weights[:, 1:], torch.zeros_like(weights[:, :1])], 1).reshape(-1)
    noise = torch.rand(nexts.shape, generator=torch.Generator().manual_seed(int(1000 * float(nexts.sum()))))
    chosen = torch.topk(nexts + 0.01 * noise, min(most, nexts.numel())).indices
    return chosen, nexts[chosen]


def train(recipe: Recipe, output: Path, init: Path | None = None, save_every: int = 1000) -> None:
    """Run the recipe; with `init`, go on from those weights, with the tokenizer of this recipe's traits."""
    worlds = tuple(world for world in WORLDS if world.path in recipe.traits)
    tokenizer = build_tokenizer(worlds, vocabulary=recipe.vocabulary)
    model = retokenized(init, tokenizer) if init else new_model(recipe, tokenizer)
    say(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer)} tokens, {asdict(recipe)}")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    optimizer = new_optimizer(recipe, model)
    pushes = Pushes(model.model.layers, recipe.width, recipe.seed)
    encode, rng = Encoder(tokenizer), Random(recipe.seed)
    model.train()
    model.set_attn_implementation("eager")  # on a CPU a fifth faster than the fused kernel, at these lengths
    step_loss = torch.compile(loss_of, dynamic=False)
    started, mean = time.monotonic(), 0.0
    stream = batches(tokenizer, worlds, recipe.seed, recipe.tokens, recipe.impossible, recipe.pushing)
    for step, (ids, weights, norms, along) in enumerate(islice(stream, recipe.stop or recipe.steps)):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(recipe, step)
        if recipe.pushing.share:
            if step % recipe.relearned == 0:
                pushes.none()
                own = own_directions(model, encode, rng)
            pushes.draw(norms, along, own, recipe.pushing.hard)
        chosen, chosen_weights = targets(weights, recipe.scored)
        loss = step_loss(model, ids.to(device), chosen_weights.to(device), chosen.to(device))
        loss.backward()  # type: ignore[no-untyped-call]
        pushes.remember()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if (step + 1) % 50 == 0:
            speed = (step + 1) * ids.numel() / (time.monotonic() - started)
            say(f"step {step + 1}/{recipe.steps}  loss {mean:.4f}  {speed:,.0f} tokens/s")
        if (step + 1) % save_every == 0:
            save(model, tokenizer, output)
    save(model, tokenizer, output)
    record(recipe, output, init, mean)


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, output: Path) -> None:
    """Write bf16 weights and the tokenizer; the model in memory stays fp32."""
    output.mkdir(parents=True, exist_ok=True)
    state = {name: value.to(torch.bfloat16) for name, value in model.state_dict().items() if name != "lm_head.weight"}
    model.save_pretrained(output, state_dict=state)
    tokenizer.save_pretrained(output)


def record(recipe: Recipe, output: Path, init: Path | None, loss: float) -> None:
    """Say beside the weights how they came about, earlier stages first."""
    earlier = json.loads((init / "training.json").read_text(encoding="utf-8"))["stages"] if init else []
    stage = {**asdict(recipe), "final_loss": round(loss, 4)}
    (output / "training.json").write_text(json.dumps({"stages": [*earlier, stage]}, indent=2) + "\n", encoding="utf-8")


def say(line: str) -> None:
    """One progress line."""
    print(line, flush=True)  # noqa: T201


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    parser.add_argument("--init", type=Path, help="what a stage wrote: those that come after it are run")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    last = options.init
    for stage in STAGES[stages_behind(last) :]:
        train(stage, options.output, last)
        last = options.output


def stages_behind(folder: Path | None) -> int:
    """How many stages the weights of a folder have been through."""
    return len(json.loads((folder / "training.json").read_text(encoding="utf-8"))["stages"]) if folder else 0


if __name__ == "__main__":
    main()
