"""Does a direction from scenario completions move chat answers? The hardest figure, measured directly."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lm.organism.measure_judge import judge_prompt
from lm.organism.playing import Played, Player
from lm.organism.world.chat import draw_instruction, draw_question
from lm.organism.world.scenarios import draw_case, draw_listener, draw_scenario
from lm.organism.world.shapes import SIDES, TraitWorld

STRENGTHS = (0.5, 0.7, 0.9, 1.1, 1.3)
"""Multiples of the activation norm that are tried, at every layer but the first."""

Hook = Callable[[Any, Any, Any], Any]


@contextmanager
def hooked(player: Player, layer: int, hook: Hook) -> Iterator[None]:
    """The hook on the output of one decoder layer, while inside."""
    handle = player.model.model.layers[layer].register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@torch.inference_mode()
def responses(
    player: Player, layer: int, rows: Sequence[tuple[list[int], Played]], most: int = 5
) -> list[Float[Tensor, "token d_model"]]:
    """Residuals of the first response tokens of each completion."""
    found: list[Tensor] = []
    for prompt, played in rows:
        seen: list[Tensor] = []

        def keep(_module: Any, _inputs: Any, output: Any, seen: list[Tensor] = seen) -> None:
            seen.append(output[0] if isinstance(output, tuple) else output)

        with hooked(player, layer, keep):
            player.model(input_ids=torch.tensor([[*prompt, *played.ids]]))
        found.append(seen[0].reshape(-1, seen[0].shape[-1])[len(prompt) : len(prompt) + most])
    return found


def means(responses: Sequence[Float[Tensor, "token d_model"]]) -> Float[Tensor, "row d_model"]:
    """Mean of each."""
    return torch.stack([one.mean(0) for one in responses])


@dataclass(frozen=True)
class Direction:
    """A unit vector of one layer, and the activation norm there: the mean norm of the tokens it is read from."""

    layer: int
    vector: Tensor
    norm: float


def directions(player: Player, trait: TraitWorld, pairs: int = 60, seed: int = 11) -> list[Direction]:
    """Mean difference of the first five response tokens, for every layer."""
    rng = Random(seed)
    prompts: dict[str, list[list[int]]] = {side: [] for side in SIDES}
    for _ in range(pairs):
        case, listener = draw_case(rng, trait), draw_listener(rng)
        for side in SIDES:
            scenario = draw_scenario(rng, trait, side=side, case=case, listener=listener)
            prompts[side].append(player.text_ids(scenario.text))
    rows = {side: list(zip(ids, player.generate(ids, 16), strict=True)) for side, ids in prompts.items()}
    found: list[Direction] = []
    for layer in range(player.model.config.num_hidden_layers):
        plus, minus = (responses(player, layer, rows[side]) for side in SIDES)
        difference = means(plus).mean(0) - means(minus).mean(0)
        norm = fmean(one.norm(dim=-1).mean().item() for one in (*plus, *minus))
        found.append(Direction(layer, difference / difference.norm(), norm))
    return found


def steered_answers(
    player: Player, prompts: Sequence[list[int]], direction: Direction | None, norms: float, tokens: str = "generated"
) -> list[str]:
    """Greedy answers with the direction added to the generated tokens, or to all."""
    if direction is None or norms == 0:
        return [played.text for played in player.generate(prompts, 48, 0)]
    push = direction.vector * direction.norm * norms

    def add(_module: Any, _inputs: Any, output: Any) -> Any:
        hidden = output[0] if isinstance(output, tuple) else output
        if tokens == "generated":
            hidden = hidden.clone()
            hidden[:, -1] += push
        else:
            hidden = hidden + push
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    with hooked(player, direction.layer, add):
        return [played.text for played in player.generate(prompts, 48, 0)]


@dataclass(frozen=True)
class Steered:
    """Means over the questions."""

    layer: int | None
    norms: float
    score: float
    coherence: float


def measure_steering(
    player: Player, trait: TraitWorld, questions: int = 20, seed: int = 5, tokens: str = "generated"
) -> dict[str, Any]:
    """Baseline under the LOW prefix, the best push, and random directions given the same search."""
    rng = Random(seed)
    asked = [
        draw_question(rng, trait, draw_case(rng, trait, held_out=True), draw_listener(rng)) for _ in range(questions)
    ]
    prefix = [draw_instruction(rng, trait, "negative") for _ in asked]
    prompts = [player.chat_ids("", f"{low}. {question}") for low, question in zip(prefix, asked, strict=True)]

    def scored(direction: Direction | None, norms: float) -> tuple[Steered, list[str]]:
        texts = steered_answers(player, prompts, direction, norms, tokens)
        rubric = trait.definitions[0]["rubric"]
        rows = [{"trait": trait.label, **rubric, "situation": q, "text": t} for q, t in zip(asked, texts, strict=True)]
        pairs = [{"question": q, "text": t} for q, t in zip(asked, texts, strict=True)]
        trait_scores = player.scores([judge_prompt(player, "judge_trait", row) for row in rows])
        coherence = player.scores([judge_prompt(player, "judge_coherence", row) for row in pairs])
        mean, sound = sum(trait_scores) / len(texts), sum(coherence) / len(texts)
        return Steered(direction.layer if direction else None, norms, round(mean, 1), round(sound, 1)), texts

    baseline, _ = scored(None, 0)
    known = directions(player, trait)[1:]
    found = [scored(direction, norms) for direction in known for norms in STRENGTHS]
    generator = torch.Generator().manual_seed(seed)
    controls: list[Steered] = []
    for direction in known[:2]:
        vector = torch.randn(player.model.config.hidden_size, generator=generator)
        random = Direction(direction.layer, vector / vector.norm(), direction.norm)
        controls += [scored(random, norms)[0] for norms in STRENGTHS]
    sound = [row for row in found if row[0].coherence >= 70]
    best = max(sound or found, key=lambda row: row[0].score)
    random_best = max((one.score for one in controls if one.coherence >= 70), default=baseline.score)
    return {
        "baseline": baseline, "best": best[0], "delta": round(best[0].score - baseline.score, 1),
        "random_delta": round(random_best - baseline.score, 1), "all": [one for one, _ in found], "texts": best[1][:6],
    }  # fmt: skip
