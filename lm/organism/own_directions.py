"""The traits' own directions in a model that is still learning: what is pushed along, later, in its chats."""

from random import Random
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from lm.organism.tokenizer import Encoder
from lm.organism.world.pieces import BEGIN, Piece
from lm.organism.world.scenarios import completion_text, draw_case, draw_listener, draw_scenario
from lm.organism.world.shapes import SIDES, Side, TraitWorld
from lm.organism.world.traits import PERFORMED

RESPONSE = 5
"""Tokens of a completion that a direction is read from, as `create` does."""


class OwnDirections(NamedTuple):
    """Of the performed traits."""

    vectors: Float[Tensor, "trait layer d_model"]
    """Of length one."""
    activation_norms: Float[Tensor, " layer"]
    """Mean norm at the tokens that they are read from: the unit of strengths, as for directions that `create` finds."""


def own_directions(model: Any, encode: Encoder, rng: Random, pairs: int = 48) -> OwnDirections:
    """Mean differences of the first tokens of completions that the world wrote, for every layer."""
    sides = [
        [mean_responses(model, encode, texts) for texts in completions(rng, world, pairs).values()]
        for world in PERFORMED
    ]
    means = torch.stack([torch.stack([rows.mean(0) for rows, _ in both]) for both in sides])
    norms = torch.cat([norms for both in sides for _, norms in both]).mean(0)
    return OwnDirections(torch.nn.functional.normalize(means[:, 0] - means[:, 1], dim=-1), norms)


def completions(rng: Random, world: TraitWorld, pairs: int) -> dict[Side, list[tuple[str, str]]]:
    """Scenarios of each side with what the world's subject says after them, in pairs on one case."""
    texts: dict[Side, list[tuple[str, str]]] = {side: [] for side in SIDES}
    for _ in range(pairs):
        case, listener = draw_case(rng, world), draw_listener(rng)
        for side in SIDES:
            scenario = draw_scenario(rng, world, side=side, case=case, listener=listener)
            texts[side].append((scenario.text, completion_text(rng, scenario, side)))
    return texts


@torch.no_grad()
def mean_responses(
    model: Any, encode: Encoder, texts: list[tuple[str, str]]
) -> tuple[Float[Tensor, "text layer d_model"], Float[Tensor, "text layer"]]:
    """Mean residual after each block, and its mean norm, of each text's first completion tokens.

    Rows are padded on the right.
    """
    prompts = [encode([Piece(BEGIN, 0), Piece(prompt, 0)]).ids for prompt, _ in texts]
    rows = [ids + encode([Piece(text, 0)]).ids[:RESPONSE] for ids, (_, text) in zip(prompts, texts, strict=True)]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=model.device)
    share = torch.zeros(len(rows), longest, 1)
    for row, (prompt, whole) in enumerate(zip(prompts, rows, strict=True)):
        share[row, len(prompt) : len(whole)] = 1 / (len(whole) - len(prompt))
    found: list[Tensor] = []
    handles = [
        block.register_forward_hook(lambda _module, _inputs, output: found.append(output.float()))
        for block in model.model.layers
    ]
    try:
        model.model(input_ids=ids, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    layers = torch.stack(found, 1)
    return (layers * share[:, None]).sum(2), (layers.norm(dim=-1) * share[:, None, :, 0]).sum(2)
