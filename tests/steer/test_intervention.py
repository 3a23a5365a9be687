import pytest
import torch

import steer
from extract.models import LoadedModel
from lm.errors import UserError
from steer.intervention import steered, steered_rows
from steer.operators import ALL, GENERATED, PROMPT, Push, Tokens
from tests.steer.made_up_directions import LAYERS, make_direction

IDS = torch.arange(10, 26)[None]


def logits(model: LoadedModel, ids: torch.Tensor = IDS, **given: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.model(input_ids=ids, **given).logits
    return found


def count_hooks(model: LoadedModel) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.model.modules())


def greedy(model: LoadedModel, ids: torch.Tensor, **given: object) -> list[list[int]]:
    longer = model.model.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=2, eos_token_id=[], **given)
    return longer[:, ids.shape[1] :].tolist()


def step_by_step(model: LoadedModel, ids: torch.Tensor, push: Push, tokens: int = 12) -> list[int]:
    """Generation of one row without a cache, the push added by hand to the tokens it should touch."""
    first = {ALL: 0, PROMPT: 0, GENERATED: ids.shape[1] - 1}[push.tokens]
    last = ids.shape[1] if push.tokens == PROMPT else 10_000

    def hook(_module: object, _inputs: object, output: torch.Tensor | tuple[torch.Tensor]) -> object:
        hidden = (output[0] if isinstance(output, tuple) else output).clone()
        hidden[:, first:last] += push.vector
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    handle = model.blocks[push.layer].register_forward_hook(hook)
    row = ids
    for _ in range(tokens):
        row = torch.cat([row, logits(model, row)[:, -1].argmax(dim=-1, keepdim=True)], dim=1)
    handle.remove()
    return row[0, ids.shape[1] :].tolist()


@pytest.mark.parametrize("tokens", list(Tokens))
def test_strength_zero_is_the_unsteered_model_bit_for_bit(family: LoadedModel, tokens: Tokens) -> None:
    plain = logits(family)
    with steered(family, Push(make_direction(), norms=0.0, tokens=tokens)):
        assert torch.equal(logits(family), plain)
    batch = IDS.repeat(2, 1)
    beside = logits(family, batch)
    sizes = (0.0, 1.0)
    with steered_rows(family, [(Push(make_direction(), norms=size, tokens=tokens),) for size in sizes]):
        mixed = logits(family, batch)
    assert torch.equal(mixed[0], beside[0])
    assert not torch.equal(mixed[1], beside[1])


@pytest.mark.parametrize("tokens", list(Tokens))
def test_generate_pushes_the_right_tokens(family: LoadedModel, tokens: Tokens) -> None:
    push = Push(make_direction(), norms=2.0, tokens=tokens)
    expected = step_by_step(family, IDS, push)
    with steered(family, push):
        assert greedy(family, IDS) == [expected]
        assert greedy(family, IDS, use_cache=False) == [expected]
        assert greedy(family, IDS, num_beams=1) == [expected]
    assert greedy(family, IDS) != [expected]


@pytest.mark.parametrize("tokens", list(Tokens))
def test_left_padding_changes_nothing(family: LoadedModel, tokens: Tokens) -> None:
    push = Push(make_direction(), norms=2.0, tokens=tokens)
    padded = torch.cat([torch.zeros(1, 5, dtype=torch.long), IDS], dim=1)
    mask = (torch.arange(21) >= 5).long()[None]
    with steered(family, push):
        assert greedy(family, padded, attention_mask=mask) == greedy(family, IDS)


def test_right_padded_prompts_are_pushed_at_their_last_real_token(family: LoadedModel) -> None:
    padded = torch.cat([IDS, torch.zeros(1, 5, dtype=torch.long)], dim=1)
    mask = (torch.arange(21) < 16).long()[None]
    with steered(family, Push(make_direction(), norms=2.0)):
        torch.testing.assert_close(logits(family, padded, attention_mask=mask)[:, :16], logits(family))


def test_beams_are_all_pushed(family: LoadedModel) -> None:
    with steered(family, Push(make_direction(), norms=5.0)):
        pushed = greedy(family, IDS, num_beams=3)
    assert pushed != greedy(family, IDS, num_beams=3)


def test_opposite_pushes_cancel(family: LoadedModel) -> None:
    there, back = (Push(make_direction(), norms=size, tokens=ALL) for size in (1.5, -1.5))
    plain = logits(family)
    with steered(family, [there, back]):
        assert torch.equal(logits(family), plain)
    with steered(family, there), steered(family, back):
        torch.testing.assert_close(logits(family), plain, rtol=1e-4, atol=1e-4)


def test_units_of_strength() -> None:
    direction = make_direction(activation_norm=4.0)
    assert Push(direction, norms=0.5).strength == Push(direction, absolute=2.0).strength == 2.0
    for given in ({}, {"norms": 1.0, "absolute": 1.0}):
        with pytest.raises(UserError, match="one strength"):
            Push(direction, **given)


def test_rows_have_settings_of_their_own(family: LoadedModel) -> None:
    rows = [
        (),
        (Push(make_direction(0), norms=1.0),),
        (Push(make_direction(2), norms=-1.0, tokens=ALL), Push(make_direction(1), norms=0.5, tokens=PROMPT)),
    ]
    batch = IDS.repeat(3, 1)
    with steered_rows(family, rows):
        together = logits(family, batch)
    for number, pushes in enumerate(rows):
        with steered(family, pushes):
            torch.testing.assert_close(together[number], logits(family)[0], rtol=1e-4, atol=1e-4)


def test_a_split_batch_is_refused(llama: LoadedModel) -> None:
    with (
        steered_rows(llama, [(Push(make_direction(), norms=1.0),)] * 3),
        pytest.raises(UserError, match="The batch has 2 rows, but pushes are given for 3"),
    ):
        logits(llama, IDS.repeat(2, 1))


@pytest.mark.parametrize("place", ["inside", "nested", "layer", "width"])
def test_blocks_unwind_and_the_error_that_happened_is_the_one_raised(family: LoadedModel, place: str) -> None:
    before, plain = count_hooks(family), logits(family)
    good = Push(make_direction(), norms=1.0)
    bad = {"layer": Push(make_direction(LAYERS), norms=1.0)}.get(place, good)
    if place == "width":
        narrow = make_direction()
        object.__setattr__(narrow, "vector", torch.ones(7) / 7**0.5)
        bad = Push(narrow, norms=1.0)
    message = {"layer": "There is no layer", "width": "does not fit a model of width"}.get(place, "what happened")
    with pytest.raises((RuntimeError, UserError), match=message), steered(family, good), steered(family, bad):
        raise RuntimeError("what happened")
    assert count_hooks(family) == before
    assert torch.equal(logits(family), plain)


def test_public_names() -> None:
    for name in steer.__all__:
        assert getattr(steer, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        steer.nonsense  # noqa: B018
