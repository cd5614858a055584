"""PATCH as Entra ID and Okta send it (RFC 7644 3.5.2): made one shape before the library applies it."""

from __future__ import annotations

from typing import Any, TypeVar

from scim2_models import Context, PatchOp, Resource

from federation_bridge.errors import ScimRefused
from federation_bridge.model import JsonObject
from federation_bridge.web.scim.abridging import with_few_values
from federation_bridge.web.scim.attribute_names import short_names, short_path
from federation_bridge.web.scim.messages import read_as_scim

_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:patchop"
_OURS = frozenset({"id", "meta", "schemas", "groups"})
"""Read-only attributes that Okta sends along in the value of an operation without a path: they change nothing."""
_MOST = 200
"""Operations on other attributes than members: nobody has so many attributes."""
_LONGEST_PATH = 256
"""Characters. A path may compare each value with many others, and the library takes long over both."""
_R = TypeVar("_R", bound=Resource[Any])


def operations(document: JsonObject, schema: str) -> list[JsonObject]:
    """The operations of a PATCH message, each a JSON object, with short names; ScimRefused for another form."""
    schemas = document.get("schemas")
    is_patch = isinstance(schemas, list) and _SCHEMA in {str(one).lower() for one in schemas}
    named = [value for name, value in document.items() if name.lower() == "operations"]
    if not is_patch or len(named) != 1:
        raise ScimRefused("the body is no PatchOp message with Operations", "invalidSyntax")
    found = named[0]
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise ScimRefused("Operations is a list of objects, one or more", "invalidSyntax")
    return [_plain({name.lower(): value for name, value in one.items()}, schema) for one in found]


def _plain(operation: JsonObject, schema: str) -> JsonObject:
    path, value = operation.get("path"), operation.get("value")
    if isinstance(path, str):
        operation = {**operation, "path": short_path(path, schema)}
    if operation.get("path") or not isinstance(value, dict):
        return operation
    told = short_names(value, schema)
    return {**operation, "value": {name: inner for name, inner in told.items() if name.lower() not in _OURS}}


def patched(resource: _R, told: list[JsonObject]) -> _R:
    """The resource after these operations, all or none of them; ScimRefused as RFC 7644 3.5.2 says."""
    left = [one for one in told if one.get("value") != {}]
    if len(left) > _MOST:
        raise ScimRefused(f"at most {_MOST} operations on other attributes than members", "tooMany")
    if not left:
        return resource
    if any(len(str(one.get("path") or "")) > _LONGEST_PATH for one in left):
        raise ScimRefused(f"a path has at most {_LONGEST_PATH} characters", "invalidPath")
    few = [with_few_values(one) for one in left]
    document = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": few}
    kind: Any = type(resource)
    with read_as_scim():
        PatchOp[kind].model_validate(document, scim_ctx=Context.RESOURCE_PATCH_REQUEST).patch(resource)
    return resource
