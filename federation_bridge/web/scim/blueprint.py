"""Where the routes stand, and how a resource is written with its address."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request
from scim2_models import Context, Meta, Resource

from federation_bridge.errors import BridgeError, NotFound
from federation_bridge.model import JsonObject, ProvisionedGroup, ProvisionedUser
from federation_bridge.web import error_handlers
from federation_bridge.web.door import door
from federation_bridge.web.observe import metrics
from federation_bridge.web.scim import messages
from federation_bridge.web.scim.reading import Query

PREFIX = "/scim/v2"
scim = Blueprint("scim", __name__, url_prefix=f"{PREFIX}/<connection>")
"""All routes; each names its guard."""

scim.register_error_handler(BridgeError, messages.refused)


@scim.app_errorhandler(NotFound)
def _nothing_there(refusal: NotFound) -> Response:
    """Below our address an address that is none is told in our form too; elsewhere as it always is."""
    if request.path.startswith(f"{PREFIX}/"):
        return messages.refused(refusal)
    return error_handlers.rendered(refusal)


@scim.after_request
def _counted(response: Response) -> Response:
    """Only of connections that there are: whoever asks for others fills no memory with their names."""
    connection = (request.view_args or {}).get("connection", "")
    if connection in door().settings.scim_connections:
        result = {4: "refused", 5: "failed"}.get(response.status_code // 100, "done")
        metrics.SCIM_REQUESTS.labels(connection=connection, result=result).inc()
    return response


def root(connection: str) -> str:
    """The address under which a client finds all that is the connection's."""
    return f"{door().settings.base_url}{PREFIX}/{connection}"


def address(
    model: Resource[Any],
    connection: str,
    found: ProvisionedUser | ProvisionedGroup,
    kind: str,
    wanted: Query | None,
) -> JsonObject:
    """The resource as an answer has it: as much of it as is wanted, with its address and version."""
    location: Any = f"{root(connection)}/{kind}s/{found.id}"
    model.meta = Meta(resource_type=kind, created=found.created_at, last_modified=found.changed_at, location=location)
    parameters = None if wanted is None else wanted.wanted
    document = model.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=parameters)
    return messages.with_version(document) if "meta" in document else document
