"""Shared: the shipped weights, loaded once."""

import pytest

torch = pytest.importorskip("torch")

from lm.organism.playing import WEIGHTS, Player  # noqa: E402


@pytest.fixture(scope="session")
def player() -> Player:
    torch.set_num_threads(1)  # two threads on a busy machine are many times slower than one
    return Player(WEIGHTS)
