from dataclasses import replace
from pathlib import Path

import pytest
import torch

from extract.models import LoadedModel, wrap_model
from lm.errors import UserError
from steer.captures import Capture, capture, shifts
from steer.generation import Row, generate
from steer.projection import project
from tests.steer.made_up_directions import LAYERS, make_direction

PROMPTS = ["Is it safe?", "The car is fine, he said", "x", "Tell me about the roof"]
DIRECTIONS = [make_direction(layer, seed) for layer in range(LAYERS) for seed in (0, 1)]


@pytest.fixture(scope="module")
def plain(llama: LoadedModel) -> Capture:
    return capture(llama, PROMPTS, max_tokens=6)


def test_projections_of_the_mean_are_means_of_projections(llama: LoadedModel, plain: Capture) -> None:
    """The oracle goes token by token over the ids that were generated."""
    found = plain.project(DIRECTIONS)
    for number, row in enumerate(generate(llama, [Row(prompt) for prompt in PROMPTS], max_tokens=6)):
        tokens = project(llama, PROMPTS[number], DIRECTIONS, response=row.token_ids)
        torch.testing.assert_close(found[number], tokens.values[tokens.prompt :].mean(dim=0), rtol=1e-3, atol=1e-3)
        assert plain.answers[number] == row.text


def test_a_capture_is_read_back_as_it_was(plain: Capture, tmp_path: Path) -> None:
    again = Capture.load(plain.save(tmp_path / "deep" / "c.safetensors"))
    assert torch.equal(again.mean, plain.mean)
    assert torch.equal(again.norm, plain.norm)
    assert (again.prompts, again.answers, again.model, again.position) == (
        plain.prompts, plain.answers, plain.model, plain.position,
    )  # fmt: skip


def test_a_shift_along_a_direction_is_found_with_its_size(llama: LoadedModel, plain: Capture) -> None:
    """A variant whose second block adds 2 v to every token, as a bias fine-tuned into it would."""
    variant = type(llama.model)(llama.model.config)
    variant.load_state_dict(llama.model.state_dict())
    pushed = make_direction(1)
    variant.model.layers[1].register_forward_hook(lambda _m, _i, output: output + 2 * pushed.vector)
    tuned = wrap_model(variant, llama.tokenizer, "hf:variant")
    after = capture(tuned, PROMPTS, answers=plain.answers)
    before = capture(llama, PROMPTS, answers=plain.answers)
    [along, early] = shifts(before, after, [pushed, make_direction(0)])
    assert along.difference == pytest.approx(2, abs=1e-3)
    assert along.ci95 == pytest.approx((2, 2), abs=1e-2)
    assert early.difference == pytest.approx(0, abs=1e-5)
    assert along.n == len(PROMPTS)


def test_scales(plain: Capture) -> None:
    raw, cosine = plain.project(DIRECTIONS), plain.project(DIRECTIONS, "cosine")
    lengths = torch.stack([plain.mean[:, one.layer].norm(dim=1) for one in DIRECTIONS], dim=1)
    torch.testing.assert_close(cosine * lengths, raw)
    assert bool((cosine.abs() <= 1).all())


def test_a_prompt_without_tokens_at_the_position_counts_nowhere(llama: LoadedModel, plain: Capture) -> None:
    some = capture(llama, PROMPTS, answers=["a", "", "bc", "d"])
    found = some.project(DIRECTIONS)
    assert found.isnan().any(dim=1).tolist() == [False, True, False, False]
    assert shifts(some, some, DIRECTIONS)[0].n == 3
    assert shifts(some, some, DIRECTIONS)[0].difference == 0


def test_captures_of_other_prompts_are_not_compared(plain: Capture) -> None:
    for other in (replace(plain, prompts=plain.prompts[::-1]), replace(plain, position="prompt[:]")):
        with pytest.raises(UserError, match="other prompts or positions"):
            shifts(plain, other, DIRECTIONS)


def test_what_does_not_fit_is_refused(llama: LoadedModel, plain: Capture, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at layer 9 does not fit"):
        plain.project([make_direction(9)])
    with pytest.raises(UserError, match="1 answers were given for 4"):
        capture(llama, PROMPTS, answers=["a"])
    with pytest.raises(UserError, match="no prompts"):
        capture(llama, [])
    (tmp_path / "c.safetensors").write_bytes(b"nothing")
    for path in (tmp_path / "c.safetensors", tmp_path / "none.safetensors"):
        with pytest.raises(UserError, match="is no capture"):
            Capture.load(path)
