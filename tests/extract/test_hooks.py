import pytest
import torch

from extract.hooks import captured, editing, reading
from extract.models import LoadedModel, find_blocks
from lm.errors import UserError


def count_hooks(model: LoadedModel) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.model.modules())


def run(model: LoadedModel) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model.model(input_ids=torch.arange(5, 15)[None]).logits
    return logits


def test_captures_the_raw_output_of_each_block(family: LoadedModel) -> None:
    with torch.no_grad(), captured(family.blocks, range(family.n_layers)) as caught:
        states = family.model(input_ids=torch.arange(5, 15)[None], output_hidden_states=True).hidden_states
    for layer in range(family.n_layers - 1):  # the last entry of hidden_states is after the final norm
        torch.testing.assert_close(caught[layer], states[layer + 1])
    assert not torch.allclose(caught[family.n_layers - 1], states[-1])


def test_edits_change_what_follows_and_are_gone_afterwards(family: LoadedModel) -> None:
    plain = run(family)
    with editing(family.blocks, {1: lambda hidden: hidden + 1}):
        assert not torch.allclose(run(family), plain)
    assert torch.equal(run(family), plain)


def test_hooks_are_taken_away_whatever_happens(family: LoadedModel) -> None:
    before = count_hooks(family)

    def fail(_hidden: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"), editing(family.blocks, {0: fail}):
        run(family)
    with pytest.raises(RuntimeError), captured(family.blocks, [0, 1]), editing(family.blocks, {0: lambda x: x}):
        raise RuntimeError
    with pytest.raises(IndexError, match="layers 0 to 2"), reading(family.blocks, {0: fail, 99: fail}):
        pass
    assert count_hooks(family) == before


def test_blocks_that_are_not_found() -> None:
    with pytest.raises(UserError, match="No decoder blocks found in Linear: it does not say how many layers it has"):
        find_blocks(torch.nn.Linear(2, 2))


def test_blocks_by_their_own_path() -> None:
    nested = torch.nn.Module()
    nested.stack = torch.nn.ModuleList([torch.nn.Identity()])
    assert len(find_blocks(nested, "stack")) == 1
