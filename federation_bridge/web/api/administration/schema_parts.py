"""The parts of which the schemas of this API are made."""

from __future__ import annotations

from federation_bridge.model import JsonObject

TEXT: JsonObject = {"type": "string"}
TEXT_OR_NONE: JsonObject = {"type": ["string", "null"]}
TEXTS: JsonObject = {"type": "array", "items": TEXT}
FLAG: JsonObject = {"type": "boolean"}
NUMBER: JsonObject = {"type": "integer"}
NUMBER_OR_NONE: JsonObject = {"type": ["integer", "null"]}
INSTANT: JsonObject = {"type": "string", "format": "date-time"}


def answer(**properties: JsonObject) -> JsonObject:
    """The schema of an object that has all of these properties, and no others."""
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


def answers(**properties: JsonObject) -> JsonObject:
    """The schema of a list of such objects."""
    return {"type": "array", "items": answer(**properties)}


def request_body(*needed: str, **properties: JsonObject) -> JsonObject:
    """The schema of an object that is sent: it may leave out what is not `needed`."""
    return {**answer(**properties), "required": list(needed)}
