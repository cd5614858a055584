"""What identity providers told by SCIM, for programs."""

from __future__ import annotations

from flask import Response, jsonify

from federation_bridge.administration import scim_told
from federation_bridge.administration.scim_told import ConnectionTold, UserTold
from federation_bridge.model import JsonObject, ProvisionedGroup
from federation_bridge.provisioning.joining import Joining
from federation_bridge.web.administration.page import argument
from federation_bridge.web.administration.scim import joining_named
from federation_bridge.web.api.administration import paging
from federation_bridge.web.api.administration.call import api, check_arguments
from federation_bridge.web.door import door
from federation_bridge.web.guards import administering_auditor, guarded

_MOST_SKIPPED = 10_000_000


@api.get("/scim")
@guarded(administering_auditor)
def scim() -> Response:
    """What each connection's client told, and when it called last."""
    check_arguments()
    here = door()
    return jsonify(connections=[_told(one) for one in scim_told.standing(here.store, here.settings, here.clock)])


@api.get("/scim/users")
@guarded(administering_auditor)
def scim_users() -> Response:
    """The users that the client of `connection` told of; with `show=unjoined` those who are linked to nobody."""
    check_arguments("connection", "show", *paging.ARGUMENTS)
    joining, page, skipped = _whose(), *_page()
    unjoined, most = argument("show") == "unjoined", page.limit + 1
    found = (
        scim_told.users_told(door().store, joining, unjoined=unjoined, skipped=skipped, most=most) if joining else ()
    )
    numbered = enumerate(found, skipped + 1)
    return paging.answered(numbered, lambda one: _told_user(one[1]), page, lambda one: (one[0],))


@api.get("/scim/groups")
@guarded(administering_auditor)
def scim_groups() -> Response:
    """The groups that the client of `connection` told of."""
    check_arguments("connection", *paging.ARGUMENTS)
    joining, page, skipped = _whose(), *_page()
    found = scim_told.groups_told(door().store, joining, skipped=skipped, most=page.limit + 1) if joining else ()
    numbered = enumerate(found, skipped + 1)
    return paging.answered(numbered, lambda one: _told_group(one[1]), page, lambda one: (one[0],))


def _whose() -> Joining | None:
    """Of the connection that is named; of none where none is. NotFound for one that takes no SCIM."""
    name = argument("connection")
    return joining_named(name) if name else None


def _page() -> tuple[paging.Asked, int]:
    page = paging.asked((int,))
    return page, min(max(int(page.after[0]), 0), _MOST_SKIPPED) if page.after else 0


def _told(one: ConnectionTold) -> JsonObject:
    return {
        "connection": one.connection,
        "users": one.users,
        "disabled": one.disabled,
        "unjoined": one.unjoined,
        "groups": one.groups,
        "tokens": one.tokens,
        "last_contact_at": None if one.last_contact_at is None else one.last_contact_at.isoformat(),
        "is_quiet": one.is_quiet,
    }


def _told_user(one: UserTold) -> JsonObject:
    user = one.user
    return {
        "id": user.id,
        "user_name": user.user_name,
        "external_id": user.external_id,
        "is_active": user.is_active,
        "person": one.person,
    }


def _told_group(one: ProvisionedGroup) -> JsonObject:
    return {"id": one.id, "display_name": one.display_name, "external_id": one.external_id}
