"""Operators as plain data and back: to send them to another process, and to name what was done in a key."""

import hashlib
import json
from collections.abc import Sequence
from math import isfinite, nan
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from extract.vectors import Direction
from steer.operators import Clamp, Operator, Push, Tokens, When

Wire = dict[str, Any]
"""Of numbers, strings, bytes and the like."""


def to_wire(operator: Operator) -> Wire:
    """An operator as plain data, strengths and bounds in the units of the residual stream."""
    shared = {**_place(operator.direction), "tokens": str(operator.tokens), "when": _condition(operator.when)}
    if isinstance(operator, Clamp):
        floor, ceiling = operator.bounds
        return {
            **shared,
            "floor": floor if isfinite(floor) else None,
            "ceiling": ceiling if isfinite(ceiling) else None,
        }
    return {**shared, "strength": operator.strength, "keep_norm": operator.keep_norm}


def from_wire(wire: Wire) -> Operator:
    """The operator that `to_wire` made this of; its direction has no name and no activation norm."""
    direction, tokens = _direction(wire), Tokens(wire["tokens"])
    when = None if wire["when"] is None else When(
        _direction(wire["when"]), absolute=wire["when"]["threshold"], hold=wire["when"]["hold"]
    )  # fmt: skip
    if "strength" not in wire:
        return Clamp(direction, absolute=(wire["floor"], wire["ceiling"]), tokens=tokens, when=when)
    return Push(direction, absolute=wire["strength"], tokens=tokens, keep_norm=wire["keep_norm"], when=when)


def digest(operators: Sequence[Operator]) -> str:
    """SHA-256 of what operators do, in hexadecimal."""
    told = json.dumps([to_wire(one) for one in operators], sort_keys=True, default=bytes.hex)
    return hashlib.sha256(told.encode()).hexdigest()


def _place(direction: Direction) -> Wire:
    return {"layer": direction.layer, "vector": _bytes(direction.vector)}


def _condition(when: When | None) -> Wire | None:
    return None if when is None else {**_place(when.direction), "threshold": when.threshold, "hold": when.hold}


def _direction(wire: Wire) -> Direction:
    vector = torch.frombuffer(bytearray(wire["vector"]), dtype=torch.float32)
    return Direction(vector=vector, layer=wire["layer"], norm=1.0, baseline=0.0, activation_norm=nan)


def _bytes(vector: Float[Tensor, " d_model"]) -> bytes:
    return vector.detach().float().cpu().contiguous().numpy().tobytes()
