"""What identity providers told by SCIM, in a browser."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration import scim_told
from federation_bridge.administration.scim_told import UserTold
from federation_bridge.errors import NotFound
from federation_bridge.model import ProvisionedGroup
from federation_bridge.provisioning.joining import Joining
from federation_bridge.web.administration.page import argument, page
from federation_bridge.web.door import door
from federation_bridge.web.guards import auditor, guarded

pages = Blueprint("administration_scim", __name__, url_prefix="/administration")

_MOST_SHOWN = 500


@pages.get("/scim")
@guarded(auditor)
def scim() -> AnyResponse:
    """What each connection's client told; with `connection` its users and groups, with `show` the unjoined alone."""
    here, name, unjoined = door(), argument("connection"), argument("show") == "unjoined"
    joining = joining_named(name) if name else None
    users: tuple[UserTold, ...] = ()
    groups: tuple[ProvisionedGroup, ...] = ()
    if joining is not None:
        users = scim_told.users_told(here.store, joining, unjoined=unjoined, skipped=0, most=_MOST_SHOWN)
        groups = () if unjoined else scim_told.groups_told(here.store, joining, skipped=0, most=_MOST_SHOWN)
    return page(
        "scim.html",
        standing=scim_told.standing(here.store, here.settings, here.clock),
        now=here.clock(),
        connection=name,
        users=users,
        groups=groups,
        most=_MOST_SHOWN,
    )


def joining_named(connection: str) -> Joining:
    """How the users of this connection are joined; NotFound where it takes no SCIM."""
    found = scim_told.joining_of(door().settings, connection)
    if found is None:
        raise NotFound(f"no connection {connection!r} takes SCIM")
    return found
