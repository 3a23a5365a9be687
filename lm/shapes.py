"""Check a JSON value against the kind of schema that answers have, and say in words what does not fit."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lm.types import JsonSchema

_KINDS: dict[str, type | tuple[type, ...]] = {
    "object": Mapping,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def fault_in(value: Any, schema: JsonSchema, where: str = "the answer", defs: JsonSchema | None = None) -> str | None:
    """What is wrong with a value, the first fault only; None when it fits."""
    known = schema.get("$defs", defs or {})
    if "$ref" in schema:
        return fault_in(value, known[schema["$ref"].rpartition("/")[2]], where, known)
    if options := schema.get("anyOf"):
        faults = [fault_in(value, option, where, known) for option in options]
        return None if None in faults else faults[0]
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if allowed is not None and value not in allowed:
        return f"{where} is {value!r}; allowed are {', '.join(map(repr, allowed))}"
    kind = schema.get("type")
    if kind is not None and (not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return f"{where} must be of type {kind}"
    if isinstance(value, str):
        return _fault_in_text(value, schema, where)
    if isinstance(value, list):
        return _fault_in_list(value, schema, where, known)
    if isinstance(value, Mapping):
        return _fault_in_object(value, schema, where, known)
    if isinstance(value, int | float):
        low, high = schema.get("minimum"), schema.get("maximum")
        if (low is not None and value < low) or (high is not None and value > high):
            return f"{where} is {value}; it must lie between {low} and {high}"
    return None


def _fault_in_text(value: str, schema: JsonSchema, where: str) -> str | None:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if len(value) < least or (most is not None and len(value) > most):
        return f"{where} has {len(value)} characters; allowed are {least} to {most or 'any number'}"
    if (pattern := schema.get("pattern")) is not None and not re.search(pattern, value):
        return f"{where} does not match {pattern} (no line breaks, no control characters)"
    return None


def _fault_in_list(value: Sequence[Any], schema: JsonSchema, where: str, defs: JsonSchema) -> str | None:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if len(value) < least or (most is not None and len(value) > most):
        return f"{where} has {len(value)} items; allowed are {least} to {most or 'any number'}"
    faults = (fault_in(item, schema.get("items", {}), f"{where}[{place}]", defs) for place, item in enumerate(value))
    return next((fault for fault in faults if fault), None)


def _fault_in_object(value: Mapping[str, Any], schema: JsonSchema, where: str, defs: JsonSchema) -> str | None:
    properties = schema.get("properties", {})
    if missing := [name for name in schema.get("required", ()) if name not in value]:
        return f"{where} lacks {', '.join(map(repr, missing))}"
    if schema.get("additionalProperties") is False and (extra := [name for name in value if name not in properties]):
        return f"{where} holds {', '.join(map(repr, extra))}; allowed are {', '.join(properties)}"
    faults = (fault_in(value[name], part, name, defs) for name, part in properties.items() if name in value)
    return next((fault for fault in faults if fault), None)
