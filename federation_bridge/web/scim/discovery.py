"""What this server says of itself (RFC 7644 4). It wants the token as everything else does."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from scim2_models import Context, Meta, Resource

from federation_bridge.errors import NotFound, ScimRefused
from federation_bridge.model import JsonObject
from federation_bridge.web.guards import guarded
from federation_bridge.web.scim import messages
from federation_bridge.web.scim.blueprint import root, scim
from federation_bridge.web.scim.client import scim_client
from federation_bridge.web.scim.resources import provider

_FORBIDDEN = 403


@scim.get("/ServiceProviderConfig")
@guarded(scim_client)
def service_provider_config(connection: str) -> Response:
    """What can be asked here."""
    config = provider().config
    if config is None:
        raise TypeError("the provider says nothing of itself")
    return messages.answer(_document(config, connection, "ServiceProviderConfig", ""))


@scim.get("/ResourceTypes")
@guarded(scim_client)
def resource_types(connection: str) -> Response:
    """Users and groups."""
    return _all([_document(one, connection, "ResourceType", f"/{one.name}") for one in provider().resource_types])


@scim.get("/ResourceTypes/<name>")
@guarded(scim_client)
def resource_type(connection: str, name: str) -> Response:
    """One of them."""
    for one in provider().resource_types:
        if one.name == name:
            return messages.answer(_document(one, connection, "ResourceType", f"/{name}"))
    raise NotFound("no such resource type")


@scim.get("/Schemas")
@guarded(scim_client)
def schemas(connection: str) -> Response:
    """Which attributes a user and a group have here."""
    return _all([_document(one, connection, "Schema", f"/{one.id}") for one in provider().schemas])


@scim.get("/Schemas/<name>")
@guarded(scim_client)
def schema(connection: str, name: str) -> Response:
    """One of them."""
    for one in provider().schemas:
        if str(one.id) == name:
            return messages.answer(_document(one, connection, "Schema", f"/{name}"))
    raise NotFound("no such schema")


def _document(model: Resource[Any], connection: str, kind: str, rest: str) -> JsonObject:
    place: Any = f"{root(connection)}/{kind}{'' if kind == 'ServiceProviderConfig' else 's'}{rest}"
    told = model.model_copy(update={"meta": Meta(resource_type=kind, location=place)})
    return told.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)


def _all(documents: list[JsonObject]) -> Response:
    if "filter" in request.args:
        # RFC 7644 4: whoever filters here is told that this cannot be.
        raise ScimRefused("what this server says of itself is not filtered", status=_FORBIDDEN)
    return messages.answer(
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": len(documents),
            "startIndex": 1,
            "itemsPerPage": len(documents),
            "Resources": documents,
        }
    )
