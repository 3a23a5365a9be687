"""Steering inside a real, unmodified vLLM: what transformers writes, row by row, by hooks and by biases."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from extract import load_model
from extract.foreign import with_activation_norms
from extract.models import LoadedModel
from extract.vectors import Direction, Directions
from lm.errors import ModelFailure, UserError
from lm.types import Message, Prompt
from steer.generation import Row
from steer.operators import ALL, GENERATED, PROMPT, Clamp, Operator, Push, When, ablate
from steer.vllm.bias import BiasEngine
from steer.vllm.engine import SteeredEngine
from steer.vllm.writer import complete
from steer.writing import LocalWriter
from tests.vllm.serving import IN_PROCESS

pytestmark = pytest.mark.vllm

THINGS = ("roof", "car", "boiler", "loan", "report", "visit", "engine", "food", "test", "contract")
PROMPTS: tuple[Prompt, ...] = (
    *((Message(role="user", content=f"Be honest. Is the {thing} fine?"),) for thing in THINGS),
    "I knew the roof leaked, and when she asked about it I said",
)
TOKENS = 24


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model("organism")


@pytest.fixture(scope="module")
def directions(model: LoadedModel) -> list[Direction]:
    """A random direction for each layer, its activation norm measured."""
    drawn = torch.randn(model.n_layers, model.d_model, generator=torch.Generator().manual_seed(3))
    return list(with_activation_norms(model, Directions.of(drawn, layers=range(model.n_layers)), PROMPTS))


@pytest.fixture(scope="module")
def hooked(vllm: None, model: LoadedModel) -> Iterator[SteeredEngine]:
    engine = SteeredEngine(IN_PROCESS, model)
    yield engine
    asyncio.run(engine.close())


def any_operators(chosen: random.Random, directions: list[Direction]) -> tuple[Operator, ...]:
    """None to two operators of any kind."""
    found: list[Operator] = []
    for _ in range(chosen.randrange(3)):
        one, tokens = chosen.choice(directions), chosen.choice([GENERATED, PROMPT, ALL])
        when = When(directions[one.layer], absolute=0.0) if chosen.random() < 0.3 else None
        kind, size = chosen.randrange(4), chosen.choice([-1.0, 0.4, 0.8])
        if kind == 0:
            found.append(ablate(one, tokens=tokens, when=when))
        elif kind == 1:
            found.append(Clamp(one, norms=(None, size), tokens=tokens, when=when))
        else:
            found.append(Push(one, norms=size, tokens=tokens, keep_norm=kind == 2, when=when))
    return tuple(found)


async def test_every_row_is_steered_by_its_own_operators(
    hooked: SteeredEngine, model: LoadedModel, directions: list[Direction]
) -> None:
    """Float32 and greedy: the same tokens as transformers, whatever runs beside it; only near ties may part."""
    chosen = random.Random(0)
    rows = [Row(chosen.choice(PROMPTS), any_operators(chosen, directions)) for _ in range(60)]
    ours = await LocalWriter(model).write(rows, TOKENS)
    theirs = await hooked.write(rows, TOKENS)
    same = sum(one.token_ids == other.token_ids for one, other in zip(ours, theirs, strict=True))
    assert same >= 59, f"{same} of 60"
    plain = await LocalWriter(model).write([Row(row.prompt) for row in rows], TOKENS)
    assert sum(one.token_ids != other.token_ids for one, other in zip(ours, plain, strict=True)) >= 20


async def test_a_cache_that_was_filled_under_a_push_serves_nobody_else(
    hooked: SteeredEngine, model: LoadedModel, directions: list[Direction]
) -> None:
    """The naive way reads keys and values of another push: vLLM keeps whole blocks of prompts by their tokens alone."""
    long = " ".join(["I knew the roof leaked and the car was old."] * 20)
    settings: list[tuple[Operator, ...]] = [
        (), (Push(directions[1], norms=0.8, tokens=ALL),), (Push(directions[1], norms=-0.8, tokens=ALL),), (),
    ]  # fmt: skip
    for number, pushes in enumerate(settings):
        [theirs] = await hooked.write([Row(long, pushes)], TOKENS)
        [ours] = await LocalWriter(model).write([Row(long, pushes)], TOKENS)
        assert theirs.token_ids == ours.token_ids
        assert (theirs.tokens_cached > 0) == (number == 3)


async def test_without_salt_the_cache_would_serve_keys_of_another_push(
    hooked: SteeredEngine, directions: list[Direction], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The naive way, to show that the test above can fail: the same prompt under another push is not read again."""
    running = await hooked._engine.running()
    salted = running.generate
    monkeypatch.setattr(running, "generate", lambda ids, params, salt: salted(ids, params))
    long = " ".join(["The roof leaked, and I said that the car was old."] * 20)
    cached = []
    for size in (0.8, -0.8):
        [done] = await hooked.write([Row(long, (Push(directions[1], norms=size, tokens=ALL),))], 4)
        cached.append(done.tokens_cached)
    assert cached[0] == 0
    assert cached[1] > 0


async def test_strength_zero_is_unsteered(hooked: SteeredEngine, directions: list[Direction]) -> None:
    """Alone, and beside a row that is pushed at the same layer."""
    nothing, pushed = (Push(directions[1], norms=size, tokens=ALL) for size in (0.0, 3.0))
    [plain] = await hooked.write([Row(PROMPTS[0])], TOKENS)
    [alone] = await hooked.write([Row(PROMPTS[0], (nothing,))], TOKENS)
    [beside, other] = await hooked.write([Row(PROMPTS[0], (nothing,)), Row(PROMPTS[0], (pushed,))], TOKENS)
    assert plain.token_ids == alone.token_ids == beside.token_ids != other.token_ids


async def test_other_weights_are_refused(vllm: None) -> None:
    """Found by the self-test when the engine starts."""
    other = load_model("organism")
    with torch.no_grad():
        other.model.lm_head.weight.mul_(-1)
    engine = SteeredEngine(IN_PROCESS, other)
    try:
        with pytest.raises(ModelFailure, match="plain texts unlike the model in this process"):
            await engine.write([Row(PROMPTS[0])], 4)
    finally:
        await engine.close()


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled engines trace the model, which is what skips hooks, but generate no code: that takes a minute."""
    monkeypatch.setenv("VLLM_CPU_CI_ENV", "1")


@pytest.mark.usefixtures("traced")
async def test_hooks_that_are_skipped_are_an_error(vllm: None, model: LoadedModel) -> None:
    """In a compiled model vLLM calls no hooks and says nothing; the self-test finds out before anything is written."""
    engine = SteeredEngine(IN_PROCESS, model)
    engine._engine.compiled = True
    try:
        # Elsewhere vLLM traces the model when it starts; here with the first request, which comes before any hook.
        await complete(await engine._engine.running(), model.spelling, [Row(PROMPTS[0])], [""], 1)
        with pytest.raises(ModelFailure, match="vLLM put 0 through their hooks"):
            await engine.write([Row(PROMPTS[0])], 4)
    finally:
        await engine.close()


async def test_a_held_condition_is_refused(hooked: SteeredEngine, directions: list[Direction]) -> None:
    held = Push(directions[1], norms=0.9, when=When(directions[0], absolute=0.0, hold=True))
    with pytest.raises(UserError, match="Held conditions"):
        await hooked.write([Row(PROMPTS[0], (held,))], 4)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
async def test_a_bias_is_a_push(
    vllm: None, model: LoadedModel, directions: list[Direction], tmp_path: Path, *, compiled: bool
) -> None:
    engine = BiasEngine(IN_PROCESS, model, tmp_path / "with_biases", compiled=compiled)
    settings: list[tuple[Operator, ...]] = [
        (), *((Push(directions[layer], norms=size, tokens=ALL),) for layer in (1, 2) for size in (-0.6, 0.8)),
        (Push(directions[0], norms=0.3, tokens=ALL), Push(directions[2], norms=0.5, tokens=ALL)), (),
    ]  # fmt: skip
    rows = [Row(prompt, pushes) for pushes in settings for prompt in PROMPTS[:6]]
    ours = await LocalWriter(model).write(rows, TOKENS)
    try:
        theirs = await engine.write(rows, TOKENS)
        same = sum(one.token_ids == other.token_ids for one, other in zip(ours, theirs, strict=True))
        assert same >= len(rows) - 1, f"{same} of {len(rows)}"
        with pytest.raises(UserError, match="A bias can only push"):
            await engine.write([Row(PROMPTS[0], (Push(directions[1], norms=1.0),))], 4)
    finally:
        await engine.close()
