"""Where a model keeps what can be read: its decoder blocks, and in each the parts that write to the residual stream.

Found by structure: the blocks are the one list of modules as long as the configuration says the model is deep; the
parts go by the few names that families give them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from torch import Tensor, nn

from lm.errors import UserError

Component = Literal[
    "residual", "attn_out", "mlp_out", "attn_contribution", "mlp_contribution", "keys", "values", "block_input"
]
COMPONENTS: tuple[Component, ...] = get_args(Component)
"""residual: what the block returns. *_out: what attention or MLP returns. *_contribution: what of it is added to the
residual stream, after the norm that some families put in between (Gemma 2 and 3, OLMo 2). keys, values: as projected,
before any rotation. block_input: what the block is given; at layer 0 the embeddings."""

_ATTENTION = ("self_attn", "attn", "attention", "self_attention")
_MLP = ("mlp", "feed_forward", "block_sparse_moe", "fc2")
_POST_NORMS = {
    "attn_contribution": ("post_self_attn_layernorm", "post_attention_layernorm"),
    "mlp_contribution": ("post_mlp_layernorm", "post_feedforward_layernorm"),
}
_FUSED = ("c_attn", "query_key_value", "qkv_proj")

Take = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Site:
    """A module whose output is read, and which part of its output."""

    module: nn.Module
    take: Take
    before: bool = False
    """Its first input is read instead."""


def find_blocks(model: nn.Module, path: str | None = None) -> list[nn.Module]:
    """The decoder blocks of a model, by its own attribute path, or as the only list of modules of the right length.

    Raises UserError where none is found, or several are; then `path` says which.
    """
    lists = {
        name: module for name, module in model.named_modules() if isinstance(module, nn.ModuleList) and len(module)
    }
    if path is not None:
        if path not in lists:
            raise UserError(_not_found(model, f"there is no list of modules at {path!r}", lists))
        return list(lists[path])
    depth = _depth(model)
    if depth is None:
        raise UserError(_not_found(model, "it does not say how many layers it has", lists))
    deep = [name for name, module in lists.items() if len(module) == depth]
    outer = [name for name in deep if not any(name.startswith(f"{other}.") for other in deep)]
    if len(outer) != 1:
        what = "no list of modules is" if not outer else f"{', '.join(outer)} are all"
        raise UserError(_not_found(model, f"{what} as long as its configuration says ({depth} layers)", lists))
    return list(lists[outer[0]])


def find_site(block: nn.Module, component: Component, config: Any) -> Site:
    """Where a component of a block is read. Raises UserError where this family has no such place."""
    if component == "residual":
        return Site(block, _whole)
    if component == "block_input":
        return Site(block, _whole, before=True)
    if component in ("keys", "values"):
        return _projection(block, _part(block, _ATTENTION, component), component, config)
    names = _ATTENTION if component.startswith("attn") else _MLP
    if component in _POST_NORMS and (norm := _post_norm(block, component)) is not None:
        return Site(norm, _whole)
    return Site(_part(block, names, component), _whole)


def _depth(model: nn.Module) -> int | None:
    config = getattr(model, "config", None)
    return getattr(config.get_text_config(decoder=True), "num_hidden_layers", None) if config is not None else None


def _not_found(model: nn.Module, what: str, lists: dict[str, nn.ModuleList]) -> str:
    known = ", ".join(f"{name} ({len(module)})" for name, module in lists.items()) or "none"
    return (
        f"No decoder blocks found in {type(model).__name__}: {what}. Lists of modules: {known}. "
        "Say which holds them: load_model(..., blocks='model.layers')."
    )


def _part(block: nn.Module, names: Sequence[str], component: str) -> nn.Module:
    found = _first(block, names)
    if found is None:
        parts = ", ".join(name for name, _ in block.named_children())
        raise UserError(
            f"{type(block).__name__} has no place to read {component!r}: none of its parts ({parts}) is called "
            f"{', '.join(names)}. 'residual' can be read from every model."
        )
    return found


def _post_norm(block: nn.Module, component: str) -> nn.Module | None:
    """The norm between a part and the residual stream; the same name stands before the MLP in other families."""
    return _first(block, _POST_NORMS[component]) if _first(block, _POST_NORMS["mlp_contribution"]) else None


def _first(parent: nn.Module, names: Sequence[str]) -> nn.Module | None:
    """The first of the named children that is there."""
    children = dict(parent.named_children())
    return next((children[name] for name in names if name in children), None)


def _projection(block: nn.Module, attention: nn.Module, component: str, config: Any) -> Site:
    alone = _first(attention, ["k_proj" if component == "keys" else "v_proj"])
    if alone is not None:
        return Site(alone, _whole)
    fused = next((name for name in _FUSED if hasattr(attention, name)), "")
    module = _first(attention, [fused]) or attention
    if fused == "c_attn":
        return Site(module, _part_of_row(1 if component == "keys" else 2, 3))
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    if fused == "qkv_proj":
        shared = getattr(config, "num_key_value_heads", heads) * width
        return Site(module, _slice_of_row(heads * width + (component == "values") * shared, shared))
    if fused == "query_key_value" and not hasattr(config, "multi_query"):
        return Site(module, _part_of_heads(1 if component == "keys" else 2, heads))
    if fused == "query_key_value" and config.multi_query and not config.new_decoder_architecture:
        return Site(module, _slice_of_row((heads + (component == "values")) * width, width))
    raise UserError(
        f"{type(block).__name__}: where {type(attention).__name__} keeps its {component} is not known. "
        f"Components that can be read: {', '.join(COMPONENTS[:5])}."
    )


def _whole(output: Tensor) -> Tensor:
    return output


def _part_of_row(part: int, parts: int) -> Take:
    return lambda output: output.chunk(parts, dim=-1)[part]


def _slice_of_row(start: int, width: int) -> Take:
    return lambda output: output[..., start : start + width]


def _part_of_heads(part: int, heads: int) -> Take:
    """From rows laid out head by head, each with its query, key and value."""
    return lambda output: output.view(*output.shape[:-1], heads, 3, -1)[..., part, :].flatten(-2)
