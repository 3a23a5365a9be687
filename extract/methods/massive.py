"""Massive dimensions: a few coordinates that are large in every text and say nothing about it."""

from dataclasses import replace

import torch

from extract.methods.contrast import Contrast

RATIO = 100.0
"""Times the median coordinate from which one counts as massive (Sun et al. 2024, Massive Activations in Large Language
Models, use 1,000 times for single tokens; means over tokens and texts are tamer)."""


def massive_dimensions(rows: Contrast, ratio: float = RATIO) -> tuple[int, ...]:
    """Coordinates whose mean magnitude over all rows exceeds `ratio` times the median coordinate's."""
    sizes = torch.cat([rows.positive, rows.negative]).abs().double().mean(dim=0)
    return tuple((sizes > ratio * sizes.median()).nonzero()[:, 0].tolist())


def without_dimensions(rows: Contrast, dimensions: tuple[int, ...]) -> Contrast:
    """The same rows with these coordinates at zero."""
    keep = torch.ones(rows.positive.shape[1])
    keep[list(dimensions)] = 0
    return replace(rows, positive=rows.positive * keep, negative=rows.negative * keep)
