import re
from html import unescape

import pytest
import torch

from extract.hooks import captured
from extract.models import LoadedModel
from lm.errors import UserError
from lm.types import Message
from steer.generation import Row, generate
from steer.heat import heat_colour, heat_page, ink
from steer.operators import ALL, Push
from steer.projection import project, watch
from tests.steer.made_up_directions import LAYERS, make_direction


def test_each_token_on_each_direction(family: LoadedModel) -> None:
    directions = [make_direction(2), make_direction(0), make_direction(0, seed=1)]
    found = project(family, "Is it safe?", directions)
    ids = torch.tensor([family.encode("Is it safe?")])
    with torch.no_grad(), captured(family.blocks, range(LAYERS)) as caught:
        family.model(input_ids=ids)
    expected = torch.stack([caught[one.layer][0, 1:] @ one.vector for one in directions], dim=1)
    torch.testing.assert_close(found.values, expected, rtol=1e-4, atol=1e-4)
    assert found.layers == (2, 0, 0)
    assert len(found.tokens) == len(found.token_ids) == 11


def test_ids_and_chats(llama: LoadedModel) -> None:
    message = (Message(role="user", content="hi"),)
    by_chat = project(llama, message, [make_direction()])
    by_ids = project(llama, llama.encode(message), [make_direction()])
    assert torch.equal(by_chat.values, by_ids.values)
    assert by_chat.tokens == ("<|user|>", "h", "i", "<|assistant|>")


def test_directions_of_another_model(llama: LoadedModel) -> None:
    with pytest.raises(UserError, match="There is no layer 9"):
        project(llama, "x", [make_direction(9)])


def test_a_response_follows_by_its_ids_or_its_text(llama: LoadedModel) -> None:
    ids = llama.tokenizer(" Yes.", add_special_tokens=False)["input_ids"]
    by_ids = project(llama, "Is it safe?", [make_direction()], response=ids)
    by_text = project(llama, "Is it safe?", [make_direction()], response=" Yes.")
    whole = project(llama, "Is it safe? Yes.", [make_direction()])
    assert by_ids.prompt == 11
    assert whole.prompt == 16
    assert torch.equal(by_ids.values, by_text.values)
    torch.testing.assert_close(by_ids.values, whole.values)
    assert "".join(by_ids.pieces) == "Is it safe? Yes."


def test_scales_and_the_special_token_in_front(llama: LoadedModel) -> None:
    """The token in front, whose norm may dwarf all others, takes part in no scale."""
    directions = [make_direction(0), make_direction(2)]
    ids = torch.tensor([llama.encode("Is it safe?")])
    found = project(llama, "Is it safe?", directions)
    with torch.no_grad(), captured(llama.blocks, [0, 2]) as caught:
        llama.model(input_ids=ids)
    norms = torch.stack([caught[0][0, 1:].norm(dim=1), caught[2][0, 1:].norm(dim=1)], dim=1)
    torch.testing.assert_close(found.norms, norms, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.scaled("raw"), found.values)
    torch.testing.assert_close(found.scaled("cosine"), found.values / norms, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.scaled("norm"), found.values / norms.mean(dim=0), rtol=1e-4, atol=1e-4)
    assert bool((found.scaled("cosine").abs() <= 1.0001).all())


@pytest.mark.parametrize(
    "pushes", [(), (Push(make_direction(2), norms=2.0),), (Push(make_direction(0), norms=1.0, tokens=ALL),)]
)
def test_watching_reads_what_a_finished_text_holds(family: LoadedModel, pushes: tuple[Push, ...]) -> None:
    """The stream and one pass over the finished text agree, steered or not; hooks are gone between readings."""
    directions = [make_direction(0), make_direction(2, seed=3)]
    readings = []
    for reading in watch(family, "Is it safe?", directions, max_tokens=6, pushes=pushes):
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in family.model.modules())
        readings.append(reading)
    [row] = generate(family, [Row("Is it safe?", pushes)], max_tokens=6)
    written = [reading.token_id for reading in readings if not reading.is_prompt]
    assert written == list(row.token_ids)
    assert "".join(reading.piece for reading in readings if not reading.is_prompt).rstrip("\ufffd") == row.text.rstrip(
        "\ufffd"
    )
    if not pushes:
        whole = project(family, "Is it safe?", directions, response=row.token_ids)
        torch.testing.assert_close(torch.stack([one.values for one in readings]), whole.values, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(torch.stack([one.norms for one in readings]), whole.norms, rtol=1e-3, atol=1e-3)
    else:
        assert not torch.allclose(
            readings[-1].values, project(family, "Is it safe?", directions, response=row.token_ids).values[-1]
        )


def test_watching_a_model_with_the_wrong_directions(llama: LoadedModel) -> None:
    with pytest.raises(UserError, match="There is no layer 9"):
        next(watch(llama, "x", [make_direction(9)]))


@pytest.mark.parametrize(
    ("value", "colour"),
    [
        (0.0, (255, 255, 255)),
        (0.4, (206, 62, 52)),
        (9.0, (206, 62, 52)),
        (-0.4, (49, 104, 189)),
        (float("nan"), (224,) * 3),
    ],
)
def test_colours(value: float, colour: tuple[int, int, int]) -> None:
    assert heat_colour(value, 0.4) == colour
    assert ink(colour) in ((20, 20, 20), (255, 255, 255))


def test_the_heat_page_holds_every_token_and_runs_nothing(llama: LoadedModel) -> None:
    found = project(llama, "<script>x</script>", [make_direction(), make_direction(2)], response=" & so")
    page = heat_page(found, ["a <b>", "other"], title="T <i>")
    assert "<script" not in page
    assert "<h2>a &lt;b&gt; · layer 1 · response mean " in page
    text = re.sub(r"<[^>]+>", "", page.partition('<p class="text">')[2].partition("</p>")[0])
    assert unescape(text) == "<script>x</script> & so"
    assert page.count("title=") == 2 * len(found.tokens)
