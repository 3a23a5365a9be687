"""Directions that nobody extracted, for the tiny models of these tests."""

import torch

from extract.vectors import Direction, Directions, Provenance

LAYERS, WIDTH = 3, 32


def make_direction(layer: int = 1, seed: int = 0, activation_norm: float = 3.0) -> Direction:
    generator = torch.Generator().manual_seed(100 * layer + seed)
    vector = torch.nn.functional.normalize(torch.randn(WIDTH, generator=generator), dim=0)
    return Direction(vector=vector, layer=layer, norm=1.0, baseline=0.0, activation_norm=activation_norm)


def make_directions(vectors: torch.Tensor, activation_norm: float) -> Directions:
    layers = len(vectors)
    return Directions(
        direction=torch.nn.functional.normalize(vectors, dim=1),
        norm=torch.ones(layers),
        baseline=torch.zeros(layers),
        activation_norm=torch.full((layers,), activation_norm),
        provenance=Provenance(
            trait="alignment/capitals",
            dataset="",
            subject="hf:tiny-llama",
            position="response[:5]",
            method="mean_difference",
            layers=tuple(range(layers)),
            pairs=10,
            pairs_fitted=7,
        ),
    )
