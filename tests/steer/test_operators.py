"""Operators against the same formulas applied by hand, without cache, to whole texts."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import pytest
import torch
from torch import nn

from extract.hooks import captured
from extract.models import LoadedModel, wrap_model
from lm.errors import UserError
from steer.generation import Row, generate
from steer.intervention import steered, steered_rows
from steer.operators import ALL, GENERATED, PROMPT, Clamp, Operator, Push, When, ablate
from steer.projection import project
from tests.steer.made_up_directions import LAYERS, make_direction

PROMPT_TEXT = "Is it safe?"
TOKENS = 8
EARLY, LATE, OTHER = (make_direction(layer, seed, activation_norm=20.0) for layer, seed in ((0, 0), (2, 0), (2, 5)))

LISTS: dict[str, list[Operator]] = {
    "cap": [Clamp(LATE, absolute=(None, -15.0), tokens=ALL)],
    "floor": [Clamp(LATE, norms=(1.5, None))],
    "set": [Clamp(EARLY, norms=(2.0, 2.0), tokens=PROMPT)],
    "ablate": [ablate(make_direction(layer), tokens=ALL) for layer in range(LAYERS)],
    "keep norm": [Push(LATE, norms=2.0, keep_norm=True)],
    "each token": [Push(LATE, norms=2.0, tokens=ALL, when=When(LATE, absolute=0.0))],
    "earlier layer": [Push(LATE, norms=2.0, when=When(EARLY, absolute=0.0))],
    "held open": [Push(LATE, norms=2.0, when=When(EARLY, absolute=-9.0, hold=True))],
    "held": [Push(LATE, norms=2.0, when=When(replace(LATE, vector=-LATE.vector), absolute=0.0, hold=True))],
    "in order": [ablate(LATE), Push(OTHER, norms=1.0), Push(LATE, norms=1.0), Clamp(OTHER, absolute=(None, 0.5))],
    "all at once": [
        Push(EARLY, norms=0.7, tokens=PROMPT),
        Push(OTHER, norms=1.0, keep_norm=True, tokens=ALL),
        Push(LATE, norms=-0.7, tokens=ALL),
        Clamp(OTHER, absolute=(None, 1.0), when=When(EARLY, absolute=0.0)),
        Push(make_direction(1), absolute=1.0),
    ],
}


def by_hand(hidden: torch.Tensor, operator: Operator, raw: dict[int, torch.Tensor], prompt: int) -> torch.Tensor:
    """One operator on one text of which the first `prompt` tokens are the prompt."""
    vector = operator.direction.vector
    if isinstance(operator, Push):
        changed = hidden + operator.strength * vector
        if operator.keep_norm:
            changed = changed * hidden.norm(dim=-1, keepdim=True) / changed.norm(dim=-1, keepdim=True)
    else:
        at = hidden @ vector
        floor, ceiling = operator.bounds
        changed = hidden + (at.clamp(floor, ceiling) - at)[..., None] * vector
    places = torch.arange(hidden.shape[1])
    touched = {ALL: places >= 0, PROMPT: places < prompt, GENERATED: places >= prompt - 1}[operator.tokens]
    if operator.when:
        met = raw[operator.when.direction.layer][0] @ operator.when.direction.vector > operator.when.threshold
        touched = touched & (met[prompt - 1] if operator.when.hold else met)
    return torch.where(touched[None, :, None], changed, hidden)


def next_by_hand(model: LoadedModel, ids: torch.Tensor, operators: Sequence[Operator], prompt: int) -> int:
    raw: dict[int, torch.Tensor] = {}

    def attach(layer: int):
        def hook(_module: object, _inputs: object, output: torch.Tensor | tuple[torch.Tensor]) -> object:
            hidden = raw[layer] = output[0] if isinstance(output, tuple) else output
            for operator in operators:
                if operator.layer == layer:
                    hidden = by_hand(hidden, operator, raw, prompt)
            return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

        return hook

    with ExitStack() as stack, torch.no_grad():
        for layer, block in enumerate(model.blocks):
            stack.callback(block.register_forward_hook(attach(layer)).remove)
        return int(model.model(input_ids=ids, use_cache=False).logits[0, -1].argmax())


def text_by_hand(model: LoadedModel, operators: Sequence[Operator]) -> list[int]:
    row = torch.tensor([model.encode(PROMPT_TEXT)])
    prompt = row.shape[1]
    for _ in range(TOKENS):
        row = torch.cat([row, torch.tensor([[next_by_hand(model, row, operators, prompt)]])], dim=1)
    return row[0, prompt:].tolist()


def greedy(model: LoadedModel, ids: torch.Tensor, **given: object) -> list[int]:
    longer = model.model.generate(ids, max_new_tokens=TOKENS, do_sample=False, pad_token_id=2, eos_token_id=[], **given)
    return longer[0, ids.shape[1] :].tolist()


@pytest.mark.parametrize("name", LISTS)
def test_every_way_of_generating_equals_the_formula(family: LoadedModel, name: str) -> None:
    operators = LISTS[name]
    ids = torch.tensor([family.encode(PROMPT_TEXT)])
    padded = torch.cat([torch.full((1, 4), 7), ids], dim=1)
    mask = (torch.arange(padded.shape[1]) >= 4).long()[None]
    expected = text_by_hand(family, operators)
    with steered(family, operators):
        assert greedy(family, ids) == expected
        assert greedy(family, ids, use_cache=False) == expected
        assert greedy(family, padded, attention_mask=mask) == expected
    [row] = generate(family, [Row(PROMPT_TEXT, tuple(operators))], max_tokens=TOKENS)
    assert list(row.token_ids) == (expected[: expected.index(1)] if 1 in expected else expected)


def test_the_lists_change_texts(llama: LoadedModel) -> None:
    """Else the comparison above would show nothing."""
    plain = text_by_hand(llama, [])
    unchanged = {name for name, operators in LISTS.items() if text_by_hand(llama, operators) == plain}
    assert len(unchanged) <= 2, unchanged


def test_nothing_of_an_ablated_direction_is_left(family: LoadedModel) -> None:
    with steered(family, ablate(LATE, tokens=ALL)):
        assert project(family, PROMPT_TEXT, [LATE]).values.abs().max() < 1e-4
        assert project(family, PROMPT_TEXT, [OTHER]).values.abs().max() > 0.1


def test_a_clamp_holds_its_bounds_and_leaves_what_is_inside(family: LoadedModel) -> None:
    before = project(family, PROMPT_TEXT, [LATE]).values
    with steered(family, Clamp(LATE, absolute=(-0.3, 0.4), tokens=ALL)):
        after = project(family, PROMPT_TEXT, [LATE]).values
    torch.testing.assert_close(after, before.clamp(-0.3, 0.4), rtol=1e-3, atol=1e-4)


def test_keep_norm_keeps_lengths_and_turns(family: LoadedModel) -> None:
    row = torch.tensor([family.encode(PROMPT_TEXT)])
    with torch.no_grad(), captured(family.blocks, [2]) as plain:
        family.model(input_ids=row)
    with steered(family, Push(LATE, norms=3.0, tokens=ALL, keep_norm=True)), captured(family.blocks, [2]) as found:
        family.model(input_ids=row)
    torch.testing.assert_close(found[2].norm(dim=-1), plain[2].norm(dim=-1), rtol=1e-4, atol=1e-4)
    assert bool(((found[2] @ LATE.vector) > (plain[2] @ LATE.vector)).all())


def test_rows_without_an_operator_are_untouched_to_the_bit(family: LoadedModel) -> None:
    """Neighbours share a layer's edit; neutral numbers must change nothing."""
    batch = torch.tensor([family.encode(PROMPT_TEXT)]).repeat(len(LISTS) + 1, 1)
    with torch.no_grad():
        plain = family.model(input_ids=batch).logits
        with steered_rows(family, [(), *(tuple(one) for one in LISTS.values())]):
            mixed = family.model(input_ids=batch).logits
    assert torch.equal(mixed[0], plain[0])
    for number, operators in enumerate(LISTS.values(), start=1):
        with steered(family, operators), torch.no_grad():
            alone = family.model(input_ids=batch[:1]).logits
        torch.testing.assert_close(mixed[number], alone[0], rtol=1e-4, atol=1e-4)


def test_beams_without_a_cache_are_steered_as_with_one(family: LoadedModel) -> None:
    """Beams swap rows, so that a pass without cache does not simply repeat the last one."""
    ids = torch.tensor([family.encode(PROMPT_TEXT)])
    with steered(family, LISTS["all at once"]):
        assert greedy(family, ids, num_beams=3, use_cache=False) == greedy(family, ids, num_beams=3)


def test_sampling_is_steered_as_greedy_generation_is(family: LoadedModel) -> None:
    """The same random numbers: with a cache, without one, and not what the plain model draws."""
    ids = torch.tensor([family.encode(PROMPT_TEXT)])

    def drawn(**given: object) -> list[int]:
        torch.manual_seed(5)
        longer = family.model.generate(
            ids, max_new_tokens=TOKENS, do_sample=True, temperature=0.7, pad_token_id=2, eos_token_id=[], **given
        )
        return longer[0, ids.shape[1] :].tolist()

    plain = drawn()
    with steered(family, LISTS["all at once"]):
        assert drawn() == drawn(use_cache=False) != plain
    with steered(family, Push(LATE, norms=0.0)):
        assert drawn() == plain


def test_several_tokens_on_a_filled_cache_are_refused_unless_all_are_pushed(llama: LoadedModel) -> None:
    ids = torch.tensor([llama.encode(PROMPT_TEXT)])
    for tokens in (GENERATED, PROMPT):
        with (
            torch.no_grad(),
            steered(llama, Push(LATE, norms=1.0, tokens=tokens)),
            pytest.raises(UserError, match="on top of a filled cache"),
        ):
            cache = llama.model(input_ids=ids, use_cache=True).past_key_values
            llama.model(input_ids=ids, past_key_values=cache)
    with torch.no_grad(), steered(llama, Push(LATE, norms=1.0, tokens=ALL)):
        cache = llama.model(input_ids=ids[:, :4], use_cache=True).past_key_values
        parts = llama.model(input_ids=ids[:, 4:], past_key_values=cache).logits[:, -1]
        torch.testing.assert_close(parts, llama.model(input_ids=ids).logits[:, -1], rtol=1e-3, atol=1e-3)


def test_a_half_precision_model_is_pushed_in_float32_and_stays_what_it_is(llama: LoadedModel) -> None:
    ids = torch.tensor([llama.encode(PROMPT_TEXT)])
    model = type(llama.model)(llama.model.config).to(torch.bfloat16)
    with torch.no_grad(), captured(list(model.model.layers), [2]) as plain:
        model(input_ids=ids)
    with torch.no_grad(), steered(model, Push(LATE, absolute=0.37, tokens=ALL)), \
            captured(list(model.model.layers), [2]) as found:  # fmt: skip
        model(input_ids=ids)
    assert found[2].dtype == torch.bfloat16
    assert torch.equal(found[2], (plain[2].float() + 0.37 * LATE.vector).to(torch.bfloat16))


class LowRank(nn.Module):
    """A linear layer with a LoRA adapter."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base, self.down, self.up = base, nn.Linear(base.in_features, 2), nn.Linear(2, base.out_features)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.base(rows) + self.up(self.down(rows))


class Adapted(nn.Module):
    """Holds a model as peft does: adapters in place, the model itself behind `get_base_model`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.inside = model

    def get_base_model(self) -> nn.Module:
        return self.inside


class Quantised(nn.Module):
    """A linear layer that keeps 8-bit weights and a scale for each row, as quantised checkpoints do."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        scale = base.weight.detach().abs().amax(dim=1, keepdim=True) / 127
        self.register_buffer("weight", (base.weight.detach() / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows @ (self.weight.to(rows.dtype) * self.scale).T


def test_a_quantised_model(llama: LoadedModel) -> None:
    model = type(llama.model)(llama.model.config)
    model.load_state_dict(llama.model.state_dict())
    for block in model.model.layers:
        block.mlp.down_proj, block.self_attn.q_proj = Quantised(block.mlp.down_proj), Quantised(block.self_attn.q_proj)
    wrapped = wrap_model(model.eval(), llama.tokenizer, "hf:quantised")
    for name in ("cap", "keep norm", "all at once"):
        expected = text_by_hand(wrapped, LISTS[name])
        with steered(wrapped, LISTS[name]):
            assert greedy(wrapped, torch.tensor([wrapped.encode(PROMPT_TEXT)])) == expected


def test_a_model_with_lora_adapters(llama: LoadedModel) -> None:
    torch.manual_seed(3)
    model = type(llama.model)(llama.model.config)
    model.load_state_dict(llama.model.state_dict())
    for block in model.model.layers:
        block.mlp.down_proj = LowRank(block.mlp.down_proj)
    ids = torch.tensor([llama.encode(PROMPT_TEXT)])
    with torch.no_grad(), steered(model, Push(LATE, norms=1.0)):
        expected = model(input_ids=ids).logits
    with torch.no_grad(), steered(Adapted(model), Push(LATE, norms=1.0)):
        assert torch.equal(model(input_ids=ids).logits, expected)
    with torch.no_grad():
        assert not torch.equal(model(input_ids=ids).logits, expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Clamp(LATE), "floor, a ceiling or both"),
        (lambda: Clamp(LATE, norms=(None, None)), "floor, a ceiling or both"),
        (lambda: Clamp(LATE, norms=(0.0, 1.0), absolute=(0.0, 1.0)), "floor, a ceiling or both"),
        (lambda: Clamp(LATE, absolute=(2.0, 1.0)), "lies above its ceiling"),
        (lambda: Push(LATE, norms=float("nan")), "must be finite"),
        (lambda: Push(replace(LATE, activation_norm=float("nan")), norms=1.0), "is not known for this direction"),
        (lambda: Clamp(replace(LATE, activation_norm=float("nan")), norms=(0.0, None)), "is not known"),
        (lambda: When(LATE), "one threshold"),
        (lambda: Push(EARLY, norms=1.0, when=When(LATE, absolute=0.0)), "known too late for layer 0"),
        (
            lambda: Push(LATE, norms=1.0, tokens=ALL, when=When(EARLY, norms=0.1, hold=True)),
            "too late for tokens='all'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()
