"""Check a JSON value against the kind of schema that answers have, and say in words what does not fit."""

import re
from collections.abc import Iterator, Mapping, Sequence
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


def faults_in(
    value: Any, schema: JsonSchema, where: str = "the answer", defs: JsonSchema | None = None
) -> Iterator[str]:
    """What is wrong with a value, a fault a place, in the order of the schema; nothing when it fits."""
    known = schema.get("$defs", defs or {})
    if "$ref" in schema:
        yield from faults_in(value, known[schema["$ref"].rpartition("/")[2]], where, known)
    elif options := schema.get("anyOf"):
        found = [list(faults_in(value, option, where, known)) for option in options]
        yield from () if [] in found else found[0]
    else:
        yield from _faults_in_plain(value, schema, where, known)


def _faults_in_plain(value: Any, schema: JsonSchema, where: str, defs: JsonSchema) -> Iterator[str]:
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    kind = schema.get("type")
    if allowed is not None and value not in allowed:
        yield f"{where} is {value!r}; allowed are {', '.join(map(repr, allowed))}"
    elif kind is not None and (not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{where} must be of type {kind}"
    elif isinstance(value, str):
        yield from _faults_in_text(value, schema, where)
    elif isinstance(value, list):
        yield from _faults_in_list(value, schema, where, defs)
    elif isinstance(value, Mapping):
        yield from _faults_in_object(value, schema, where, defs)
    elif isinstance(value, int | float):
        low, high = schema.get("minimum"), schema.get("maximum")
        if (low is not None and value < low) or (high is not None and value > high):
            yield f"{where} is {value}; it must lie between {low} and {high}"


def is_single_line(pattern: str) -> bool:
    """Whether a pattern of a schema asks for no more than a text without line breaks."""
    return _matches(pattern, "One line, “so”: 1/2.") and not _matches(pattern, "two\nlines")


def _matches(pattern: str, text: str) -> bool:
    """As JSON schema means it: "$" is the end of the text, not the place before a last line break."""
    ended = f"{pattern[:-1]}\\Z" if pattern.endswith("$") and not pattern.endswith("\\$") else pattern
    return re.search(ended, text) is not None


def _faults_in_text(value: str, schema: JsonSchema, where: str) -> Iterator[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if len(value) < least or (most is not None and len(value) > most):
        yield f"{where} has {len(value)} characters; allowed are {least} to {most or 'any number'}"
    elif (pattern := schema.get("pattern")) is not None and not _matches(pattern, value):
        one_line = "must be a single line, without control characters"
        yield f"{where} {one_line if is_single_line(pattern) else f'does not match {pattern}'}"


def _faults_in_list(value: Sequence[Any], schema: JsonSchema, where: str, defs: JsonSchema) -> Iterator[str]:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if len(value) < least or (most is not None and len(value) > most):
        yield f"{where} has {len(value)} items; allowed are {least} to {most or 'any number'}"
    for place, item in enumerate(value):
        yield from faults_in(item, schema.get("items", {}), f"{where}[{place}]", defs)


def _faults_in_object(value: Mapping[str, Any], schema: JsonSchema, where: str, defs: JsonSchema) -> Iterator[str]:
    properties = schema.get("properties", {})
    if missing := [name for name in schema.get("required", ()) if name not in value]:
        yield f"{where} lacks {', '.join(map(repr, missing))}"
    if schema.get("additionalProperties") is False and (extra := [name for name in value if name not in properties]):
        yield f"{where} holds {', '.join(map(repr, extra))}; allowed are {', '.join(properties)}"
    for name, part in properties.items():
        if name in value:
            yield from faults_in(value[name], part, name, defs)
