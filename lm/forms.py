"""The form of a JSON answer as a person needs it: its fields in words, and an example of the form alone."""

import json
from collections.abc import Iterable
from typing import Any

from lm.shapes import is_single_line
from lm.types import JsonSchema

_FILLER = "…"


def describe_form(schema: JsonSchema) -> str:
    """The fields of a JSON object, a line each: its name, what it holds, and within which limits."""
    return "\n".join(_fields(schema, schema.get("$defs", {}), ""))


def example_of_form(schema: JsonSchema) -> Any:
    """A value of the schema that says nothing: dots for texts, the first choice, the smallest number."""
    return _example(schema, schema.get("$defs", {}))


def _fields(schema: JsonSchema, defs: JsonSchema, indent: str) -> Iterable[str]:
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        about = f" ({part['description']})" if "description" in part else ""
        spare = "" if name in required else " (may be left out)"
        yield f"{indent}- {json.dumps(name)}{about}: {_words(part, defs)}{spare}"
        inner = _resolve(part, defs)
        yield from _fields(_resolve(inner.get("items", inner), defs), defs, f"{indent}  ")


def _words(part: JsonSchema, defs: JsonSchema) -> str:
    part = _resolve(part, defs)
    if options := part.get("anyOf"):
        return " or ".join(_words(option, defs) for option in options)
    if (choices := _choices(part)) is not None:
        shown = ", ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
        return shown if len(choices) == 1 else f"one of {shown}"
    kind = part.get("type")
    if kind == "string":
        return _words_for_text(part)
    if kind == "array":
        return f"a list{_limits(part, 'Items', 'items')}, each {_words(part.get('items', {}), defs)}"
    if kind in ("integer", "number"):
        limits = [f"{word} {part[key]}" for word, key in (("from", "minimum"), ("to", "maximum")) if key in part]
        return " ".join(["a whole number" if kind == "integer" else "a number", *limits])
    return {"boolean": "true or false", "null": "null", "object": "an object with"}.get(str(kind), "anything")


def _words_for_text(part: JsonSchema) -> str:
    pattern = part.get("pattern")
    if pattern is None:
        what = "a text"
    else:
        what = "a text on a single line" if is_single_line(pattern) else f"a text that matches {pattern}"
    return what + _limits(part, "Length", "characters")


def _limits(part: JsonSchema, key: str, unit: str) -> str:
    least, most = part.get(f"min{key}", 0), part.get(f"max{key}")
    if most is not None:
        return f", {least} to {most} {unit}"
    return f", {least} or more {unit}" if least else ""


def _example(part: JsonSchema, defs: JsonSchema) -> Any:
    part = _resolve(part, defs)
    if options := part.get("anyOf"):
        return _example(options[0], defs)
    if (choices := _choices(part)) is not None:
        return choices[0]
    kind = part.get("type")
    if kind == "object":
        return {name: _example(inner, defs) for name, inner in part.get("properties", {}).items()}
    if kind == "array":
        return [_example(part.get("items", {}), defs)] * max(1, part.get("minItems", 0))
    if kind == "string":
        return _FILLER * max(1, part.get("minLength", 0))
    return {"integer": part.get("minimum", 0), "number": part.get("minimum", 0), "boolean": True}.get(str(kind))


def _choices(part: JsonSchema) -> list[Any] | None:
    choices: list[Any] | None = part.get("enum", [part["const"]] if "const" in part else None)
    return choices


def _resolve(part: JsonSchema, defs: JsonSchema) -> JsonSchema:
    if "$ref" not in part:
        return part
    found: JsonSchema = defs[part["$ref"].rpartition("/")[2]]
    return found
