"""Reading and changing the residual stream: layer l is the raw output of decoder block l, counted from 0.

Both are context managers on one ExitStack: whatever happens inside, each hook that was put is taken away again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from extract.blocks import Site

Residual = Float[Tensor, "row token d_model"]
Read = Callable[[Tensor], None]
Edit = Callable[[Tensor], Tensor]


@contextmanager
def reading(blocks: Sequence[nn.Module], reads: Mapping[int, Read]) -> Iterator[None]:
    """Inside, `reads[l]` is given the output of block l at each forward pass."""

    def attach(read: Read) -> Callable[[nn.Module, Any, Any], None]:
        return lambda _module, _inputs, output: read(_hidden(output))

    with ExitStack() as stack:
        for layer, read in reads.items():
            stack.callback(_block(blocks, layer).register_forward_hook(attach(read)).remove)
        yield


@contextmanager
def reading_sites(reads: Sequence[tuple[Site, Read]]) -> Iterator[None]:
    """Inside, each read is given its site's part of the output of its module at each forward pass."""

    def after(site: Site, read: Read) -> Callable[[nn.Module, Any, Any], None]:
        return lambda _module, _inputs, output: read(site.take(_hidden(output)))

    def before(site: Site, read: Read) -> Callable[[nn.Module, Any, Any], None]:
        return lambda _module, inputs, named: read(site.take(_hidden(inputs or named["hidden_states"])))

    with ExitStack() as stack:
        for site, read in reads:
            put = (
                site.module.register_forward_pre_hook(before(site, read), with_kwargs=True)
                if site.before
                else site.module.register_forward_hook(after(site, read))
            )
            stack.callback(put.remove)
        yield


@contextmanager
def editing(blocks: Sequence[nn.Module], edits: Mapping[int, Edit]) -> Iterator[None]:
    """Inside, the output of block l is replaced by `edits[l]` of it at each forward pass."""

    def attach(edit: Edit) -> Callable[[nn.Module, Any, Any], Any]:
        return lambda _module, _inputs, output: _with_hidden(output, edit(_hidden(output)))

    with ExitStack() as stack:
        for layer, edit in edits.items():
            stack.callback(_block(blocks, layer).register_forward_hook(attach(edit)).remove)
        yield


@contextmanager
def captured(blocks: Sequence[nn.Module], layers: Sequence[int]) -> Iterator[dict[int, Residual]]:
    """Inside, the dictionary holds each layer's output of the last forward pass."""
    caught: dict[int, Residual] = {}

    def keep(layer: int) -> Read:
        return lambda hidden: caught.update({layer: hidden.detach()})

    with reading(blocks, {layer: keep(layer) for layer in layers}):
        yield caught


def _block(blocks: Sequence[nn.Module], layer: int) -> nn.Module:
    if not 0 <= layer < len(blocks):
        raise IndexError(f"There is no layer {layer}; this model has layers 0 to {len(blocks) - 1}.")
    return blocks[layer]


def _hidden(output: Any) -> Tensor:
    """The hidden states of a block's output, which some families wrap in a tuple."""
    hidden = output[0] if isinstance(output, tuple) else output
    if not isinstance(hidden, Tensor):
        raise TypeError(f"A decoder block returned {type(hidden).__name__}; hidden states were expected.")
    return hidden


def _with_hidden(output: Any, hidden: Tensor) -> Any:
    return (hidden, *output[1:]) if isinstance(output, tuple) else hidden
