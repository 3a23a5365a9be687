"""What operators do, as a digest: answers that were written under other operators are kept apart by it."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from extract.vectors import Direction
from steer.operators import Clamp, Operator


def digest(operators: Sequence[Operator]) -> str:
    """SHA-256 of what operators do in the residual stream, in hexadecimal; names and units take no part in it."""
    return hashlib.sha256(json.dumps([_told(one) for one in operators], sort_keys=True).encode()).hexdigest()


def _told(operator: Operator) -> dict[str, Any]:
    """An operator as plain data, strengths and bounds in the units of the residual stream."""
    when = operator.when
    size = (
        {"bounds": operator.bounds}
        if isinstance(operator, Clamp)
        else {"strength": operator.strength, "keep_norm": operator.keep_norm}
    )
    condition = when and {**_place(when.direction), "threshold": when.threshold, "hold": when.hold}
    return {**_place(operator.direction), "tokens": str(operator.tokens), "when": condition, **size}


def _place(direction: Direction) -> dict[str, Any]:
    return {
        "layer": direction.layer,
        "vector": direction.vector.detach().float().cpu().contiguous().numpy().tobytes().hex(),
    }
