"""The ways in which servers of the OpenAI kind are told a schema, the usual one first."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from lm.types import JsonSchema

FormName = Literal["response_format", "structured_outputs", "guided_json"]
_NEEDLESS = ("default", "title", "minLength", "maxLength")
"""Keywords that OpenAI's strict schemas do not take; the answer is validated here again."""


def _response_format(schema: JsonSchema) -> dict[str, Any]:
    shape = {"name": "answer", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": shape}}


FORMS: Mapping[FormName, Callable[[JsonSchema], dict[str, Any]]] = {
    "response_format": _response_format,
    "structured_outputs": lambda schema: {"structured_outputs": {"json": schema}},
    "guided_json": lambda schema: {"guided_json": schema},
}
"""What a schema adds to a request's body: everywhere; in vLLM's own words; in those of its early versions."""


def strict(schema: JsonSchema) -> JsonSchema:
    """A schema as OpenAI's strict mode takes it: every property required, nothing beside them."""

    def walk(part: Any) -> Any:
        if isinstance(part, list):
            return [walk(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "properties" in part:
            properties = {name: walk(value) for name, value in part["properties"].items()}
            rest = {name: walk(value) for name, value in part.items() if name not in (*_NEEDLESS, "properties")}
            return {**rest, "properties": properties, "required": list(properties), "additionalProperties": False}
        return {name: walk(value) for name, value in part.items() if name not in _NEEDLESS}

    shaped: JsonSchema = walk(schema)
    return shaped
