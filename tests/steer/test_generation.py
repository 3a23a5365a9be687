import random

import pytest
import torch

from extract.models import LoadedModel
from lm.local.decode import Row as LocalRow
from lm.local.decode import generate as lm_generate
from lm.types import Message, Sampling
from steer.generation import Row, generate
from steer.intervention import steered
from steer.operators import ALL, GENERATED, PROMPT, Clamp, Operator, Push, Tokens, When, ablate
from tests.steer.made_up_directions import make_direction

PROMPTS = ("The car is fine, he said", "Is it safe?", "Tell me about the roof", "x", "Is it safe?!")


def reference(model: LoadedModel, row: Row, tokens: int) -> tuple[int, ...]:
    """What transformers generates for this row alone."""
    ids = torch.tensor([model.encode(row.prompt)])
    with steered(model, row.pushes):
        longer = model.model.generate(ids, max_new_tokens=tokens, do_sample=False, pad_token_id=1)
    found = longer[0, ids.shape[1] :].tolist()
    return tuple(found[: found.index(1)] if 1 in found else found)


def any_operator(chosen: random.Random) -> Operator:
    """Of any kind, on any tokens, sometimes on a condition that some tokens meet."""
    direction = make_direction(chosen.randrange(3), chosen.randrange(9))
    tokens = chosen.choice(list(Tokens))
    hold = tokens == GENERATED and chosen.random() < 0.5
    when = When(make_direction(direction.layer, 20), absolute=0.0, hold=hold) if chosen.random() < 0.4 else None
    size = chosen.choice([-1.0, 0.0, 0.7, 2.0])
    kind = chosen.randrange(4)
    if kind == 0:
        return ablate(direction, tokens=tokens, when=when)
    if kind == 1:
        return Clamp(direction, absolute=(-0.5, size if size > -0.5 else None), tokens=tokens, when=when)
    return Push(direction, norms=size, tokens=tokens, keep_norm=kind == 2, when=when)


def make_rows(count: int, seed: int = 0, kinds: tuple[str, ...] = (GENERATED,)) -> list[Row]:
    chosen = random.Random(seed)
    rows = []
    for number in range(count):
        pushes = tuple(
            Push(make_direction(chosen.randrange(3), number), norms=chosen.choice([-1.0, 0.0, 0.7, 2.0]),
                 tokens=chosen.choice(kinds))
            for _ in range(chosen.randrange(3))
        )  # fmt: skip
        rows.append(Row(chosen.choice(PROMPTS), pushes))
    return rows


def test_equals_transformers_one_by_one(family: LoadedModel) -> None:
    rows = make_rows(12, kinds=(GENERATED, PROMPT, ALL))
    found = generate(family, rows, max_tokens=10)
    assert [row.token_ids for row in found] == [reference(family, row, 10) for row in rows]


@pytest.mark.parametrize("seed", range(3))
def test_chunks_order_and_neighbours_change_no_text(llama: LoadedModel, seed: int) -> None:
    rows = make_rows(20, seed, kinds=(GENERATED, PROMPT, ALL) if seed % 2 else (GENERATED,))
    alone = [generate(llama, [row], max_tokens=12)[0] for row in rows]
    order = random.Random(seed).sample(range(20), 20)
    for size in (7, 20):
        found = generate(llama, [rows[n] for n in order], max_tokens=12, max_rows=size)
        assert found == [alone[n] for n in order]


@pytest.mark.parametrize("seed", range(4))
def test_operators_of_all_kinds_side_by_side(llama: LoadedModel, seed: int) -> None:
    """Rows share passes, prompts and steps with others of every kind; each writes what it writes alone."""
    chosen = random.Random(seed)
    rows = [
        Row(chosen.choice(PROMPTS), tuple(any_operator(chosen) for _ in range(chosen.randrange(4)))) for _ in range(16)
    ]
    expected = [reference(llama, row, 8) for row in rows]
    for size in (chosen.randrange(1, 6), 16):
        found = generate(llama, rows, max_tokens=8, max_rows=size)
        assert [row.token_ids for row in found] == expected


def test_many_rows_of_equal_length_run_without_padding(llama: LoadedModel) -> None:
    rows = [Row("Is it safe?", row.pushes) for row in make_rows(60)] + make_rows(5)
    together = generate(llama, rows, max_tokens=8)
    assert together == [generate(llama, [row], max_tokens=8)[0] for row in rows]


def test_drawn_rows_have_random_streams_of_their_own(llama: LoadedModel) -> None:
    """The same text alone, in company, and from the local model's own loop; greedy neighbours stay greedy."""
    ends = llama.checkpoint.ends
    for temperature in (0.5, 1.0):
        drawn = [
            Row(PROMPTS[seed % 5], row.pushes, temperature, seed) for seed, row in enumerate(make_rows(10, seed=4))
        ]
        mixed = [one for row in drawn for one in (row, Row(row.prompt, row.pushes))]
        together = generate(llama, mixed, max_tokens=12)
        assert together[0::2] == [generate(llama, [row], max_tokens=12)[0] for row in drawn]
        assert together[1::2] == generate(llama, mixed[1::2], max_tokens=12)
        assert together[0::2] != together[1::2]
    plain = Row(PROMPTS[0], temperature=1.0, seed=9)
    sampling = Sampling(max_tokens=12, temperature=1.0, seed=9)
    [ours], [theirs] = generate(llama, [plain], max_tokens=12), lm_generate(
        llama.model, [LocalRow(llama.encode(PROMPTS[0]), sampling)], ends
    )  # fmt: skip
    assert ours.token_ids == theirs.ids


def test_steering_a_row_does_not_touch_its_neighbours(llama: LoadedModel) -> None:
    plain = [Row(prompt) for prompt in PROMPTS]
    pushed = [Row(prompt, (Push(make_direction(), norms=3.0),)) for prompt in PROMPTS]
    found = generate(llama, [*plain, *pushed], max_tokens=12)
    assert found[: len(plain)] == generate(llama, plain, max_tokens=12)
    assert found[: len(plain)] != found[len(plain) :]


def test_ends_at_the_end_of_text_token(llama: LoadedModel) -> None:
    done = generate(llama, [Row(chr(97 + n % 26) * (1 + n // 26)) for n in range(80)], max_tokens=40)
    stopped = [row for row in done if row.finish == "stop"]
    assert stopped
    assert all(len(row.token_ids) == 40 for row in done if row.finish == "length")
    assert all(1 not in row.token_ids for row in done)


def test_chats_go_through_the_template(llama: LoadedModel) -> None:
    [row] = generate(llama, [Row((Message(role="user", content="hi"),))], max_tokens=3)
    assert row.prompt_ids == tuple(llama.tokenizer("<|user|>hi<|assistant|>")["input_ids"])
    assert len(row.text) > 0


def test_no_rows(llama: LoadedModel) -> None:
    assert generate(llama, []) == []
