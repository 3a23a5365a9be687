"""Where the decision shows: next-token divergence by lock-in type, and how well each layer separates the sides."""

from random import Random

import torch
from jaxtyping import Float
from sklearn.metrics import roc_auc_score
from torch import Tensor

from lm.organism.measure_steering import means, responses
from lm.organism.playing import Played, Player
from lm.organism.world.scenarios import draw_case, draw_listener, draw_scenario
from lm.organism.world.shapes import SIDES, Side, TraitWorld
from lm.organism.world.words import LOCK_INS


def divergence(one: Float[Tensor, "row vocab"], other: Float[Tensor, "row vocab"]) -> Float[Tensor, " row"]:
    """Jensen-Shannon divergence of two rows of distributions, in bits."""
    middle = (one + other) / 2

    def entropy(rows: Float[Tensor, "row vocab"]) -> Float[Tensor, " row"]:
        return -(rows * rows.clamp_min(1e-12).log2()).sum(-1)

    return entropy(middle) - (entropy(one) + entropy(other)) / 2


def scenario_prompts(
    player: Player, trait: TraitWorld, count: int, rng: Random, lock_in: str | None = None, held_out: bool = True
) -> dict[Side, list[list[int]]]:
    """Strong scenarios of both sides, matched by case and listener."""
    prompts: dict[Side, list[list[int]]] = {side: [] for side in SIDES}
    for _ in range(count):
        case, listener = draw_case(rng, trait, held_out=held_out), draw_listener(rng)
        for side in SIDES:
            scenario = draw_scenario(rng, trait, side=side, case=case, listener=listener, lock_in_type=lock_in)
            prompts[side].append(player.text_ids(scenario.text))
    return prompts


def measure_signals(player: Player, trait: TraitWorld, count: int = 24, pairs: int = 60) -> dict[str, float]:
    """Median divergence between the sides by lock-in type; held-out AUROC of the mean difference by layer."""
    rng = Random(61)
    found: dict[str, float] = {}
    for lock_in in LOCK_INS:
        prompts = scenario_prompts(player, trait, count, rng, lock_in)
        bits = divergence(*(player.next_probabilities(prompts[side]) for side in SIDES))
        found[f"divergence_{lock_in.replace('-', '_')}"] = bits.median().item()
    learned = _played(player, scenario_prompts(player, trait, pairs, rng, held_out=False))
    tested = _played(player, scenario_prompts(player, trait, pairs // 2, rng))
    for layer in range(player.model.config.num_hidden_layers):
        plus, minus = (means(responses(player, layer, learned[side])) for side in SIDES)
        direction = plus.mean(0) - minus.mean(0)
        sides = [means(responses(player, layer, tested[side])) @ direction for side in SIDES]
        truth = [1] * len(sides[0]) + [0] * len(sides[1])
        found[f"auroc_layer_{layer}"] = float(roc_auc_score(truth, torch.cat(sides).tolist()))
    return found


def _played(player: Player, prompts: dict[Side, list[list[int]]]) -> dict[Side, list[tuple[list[int], Played]]]:
    return {side: list(zip(rows, player.generate(rows, 16), strict=True)) for side, rows in prompts.items()}
