"""`/Users`: who is assigned to us at the identity provider, and who is no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response
from scim2_models import Context

from federation_bridge.claimed import is_plain
from federation_bridge.errors import NotFound, ScimRefused
from federation_bridge.model import JsonObject, ProvisionedGroup, ProvisionedUser
from federation_bridge.provisioning.users import ToldUser, UserVerbs
from federation_bridge.store.provisioned import Asked
from federation_bridge.store.provisioned_changes import ProvisionedChanges
from federation_bridge.web.door import door
from federation_bridge.web.guards import guarded
from federation_bridge.web.scim import messages
from federation_bridge.web.scim.abridging import abridged, with_few_values
from federation_bridge.web.scim.attribute_names import short_names
from federation_bridge.web.scim.blueprint import address, scim
from federation_bridge.web.scim.client import asking, parts, scim_client
from federation_bridge.web.scim.listing import listed
from federation_bridge.web.scim.messages import read_as_scim
from federation_bridge.web.scim.patching import operations, patched
from federation_bridge.web.scim.reading import Query, query
from federation_bridge.web.scim.resources import USER, Membership, User

_LONGEST = 256
_MOST_SEARCHED = 20_000
"""Users that are looked at where a filter names what no index has."""
_KEPT = ("name", "displayName", "emails")


@scim.post("/Users")
@guarded(scim_client)
def create_user(connection: str) -> Response:
    """A new user."""
    told = _told(_whole(messages.body(), None), None)
    made = UserVerbs(parts()).create(asking(), told)
    return messages.answer(document_of(connection, made, None), 201)


@scim.get("/Users")
@guarded(scim_client)
def users(connection: str) -> Response:
    """The users whom the query means."""
    return _listed(connection, query(User, searched="username"))


@scim.post("/Users/.search")
@guarded(scim_client)
def search_users(connection: str) -> Response:
    """The same, asked in a body (RFC 7644 3.4.3)."""
    return _listed(connection, query(User, messages.body(), searched="username"))


@scim.get("/Users/<user_id>")
@guarded(scim_client)
def user(connection: str, user_id: str) -> Response:
    """One user."""
    wanted, found = query(User), _found(connection, user_id)
    unchanged = messages.not_changed(lambda: document_of(connection, found, None))
    return unchanged or messages.answer(document_of(connection, found, wanted))


@scim.put("/Users/<user_id>")
@guarded(scim_client)
def replace_user(connection: str, user_id: str) -> Response:
    """The user as the body has it, and nothing of what was told before."""
    document = messages.body()
    return _changed(connection, user_id, lambda before: _told(_whole(document, before), before))


@scim.patch("/Users/<user_id>")
@guarded(scim_client)
def patch_user(connection: str, user_id: str) -> Response:
    """The user with these changes."""
    told = operations(messages.body(), USER)
    return _changed(connection, user_id, lambda before: _told(patched(_model(before), told), before))


@scim.delete("/Users/<user_id>")
@guarded(scim_client)
def delete_user(connection: str, user_id: str) -> Response:
    """The user is gone."""
    UserVerbs(parts()).delete(asking(), user_id, partial(_demand_version, connection))
    return messages.nothing()


def _demand_version(connection: str, before: ProvisionedUser, changes: ProvisionedChanges) -> None:
    # By the transaction that holds the lock: a second connection would wait for others that wait for this one.
    messages.demand_version(lambda: document_of(connection, before, None, changes.groups_of))


def _changed(connection: str, user_id: str, make: Callable[[ProvisionedUser], ToldUser]) -> Response:
    after = UserVerbs(parts()).change(asking(), user_id, make, partial(_demand_version, connection))
    return messages.answer(document_of(connection, after, query(User)))


def _found(connection: str, user_id: str) -> ProvisionedUser:
    found = door().store.provisioned.users(connection, Asked(id=user_id), most=1)
    if not found:
        raise NotFound("the connection has no user with this id")
    return found[0]


def _whole(document: JsonObject, before: ProvisionedUser | None) -> User:
    """A user as a POST or PUT tells it. What it does not say of `active` is as before, and at first true."""
    messages.demand_schema(document, USER)
    document = with_few_values(short_names(document, USER))
    if not any(name.lower() == "active" and value is not None for name, value in document.items()):
        document = {name: value for name, value in document.items() if name.lower() != "active"}
        document["active"] = before is None or before.is_active
    context = Context.RESOURCE_CREATION_REQUEST if before is None else Context.RESOURCE_REPLACEMENT_REQUEST
    with read_as_scim():
        return User.model_validate(document, scim_ctx=context)


def _told(user: User, before: ProvisionedUser | None) -> ToldUser:
    whole = user.model_dump(exclude_none=True)
    kept = {name: abridged(whole[name]) for name in _KEPT if name in whole}
    is_active = user.active if user.active is not None else before is None or before.is_active
    return ToldUser(
        user_name=plain(user.user_name, "userName"),
        external_id=None if user.external_id is None else plain(user.external_id, "externalId"),
        is_active=is_active,
        resource=json.dumps(kept, separators=(",", ":")),
    )


def plain(text: str | None, attribute: str) -> str:
    """The text, where it is short and people can see all that is in it; ScimRefused otherwise."""
    if not is_plain(text) or len(text) > _LONGEST or text != text.strip():
        raise ScimRefused(
            f"{attribute} is a text of at most {_LONGEST} characters that shows all that it is", "invalidValue"
        )
    return text


def _model(found: ProvisionedUser) -> User:
    members: dict[str, Any] = {
        **abridged(json.loads(found.resource)),
        "schemas": [USER],
        "id": found.id,
        "userName": found.user_name,
        "externalId": found.external_id,
        "active": found.is_active,
    }
    return User.model_validate(members)


def document_of(
    connection: str,
    found: ProvisionedUser,
    wanted: Query | None,
    groups_of: Callable[[str], list[ProvisionedGroup]] | None = None,
) -> JsonObject:
    """The user as an answer tells it: as much as is wanted, and with None all of it.

    `groups_of` reads their groups in an open transaction, where there is one.
    """
    model = _model(found)
    if wanted is None or wanted.wants("groups"):
        read = groups_of or partial(door().store.provisioned.groups_of, connection)
        groups = read(found.id)
        model.groups = [Membership(value=one.id, display=one.display_name) for one in groups] or None
    return address(model, connection, found, "User", wanted)


def _listed(connection: str, wanted: Query) -> Response:
    store = door().store.provisioned
    if wanted.rest is None:
        total = store.count_users(connection, wanted.asked)
        page = store.users(connection, wanted.asked, skipped=wanted.skipped, most=wanted.most) if wanted.most else []
        return listed([document_of(connection, one, wanted) for one in page], wanted, total)
    if wanted.asked == Asked() and store.count_users(connection) > _MOST_SEARCHED:
        raise ScimRefused(f"more than {_MOST_SEARCHED} users would have to be looked at", "tooMany")
    matching = wanted.rest.match
    there = (
        store.each_user(connection, _MOST_SEARCHED)
        if wanted.asked == Asked()
        else store.users(connection, wanted.asked, most=_MOST_SEARCHED)
    )
    found = [one for one in there if matching(_model(one))]
    page = found[wanted.skipped : wanted.skipped + wanted.most]
    return listed([document_of(connection, one, wanted) for one in page], wanted, len(found))
