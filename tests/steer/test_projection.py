import pytest
import torch

from extract.hooks import captured
from extract.models import LoadedModel
from lm.errors import UserError
from lm.types import Message
from steer.projection import project
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
