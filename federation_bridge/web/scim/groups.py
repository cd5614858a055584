"""`/Groups`: who is in which group at the identity provider, in so far as it tells us."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from flask import Response
from scim2_models import Context

from federation_bridge.errors import NotFound, ScimRefused
from federation_bridge.model import JsonObject, ProvisionedGroup
from federation_bridge.provisioning.groups import GroupVerbs, ToldGroup
from federation_bridge.store.provisioned import Asked
from federation_bridge.store.provisioned_changes import ProvisionedChanges
from federation_bridge.web.door import door
from federation_bridge.web.guards import guarded
from federation_bridge.web.scim import messages
from federation_bridge.web.scim.attribute_names import short_names
from federation_bridge.web.scim.blueprint import address, root, scim
from federation_bridge.web.scim.client import asking, parts, scim_client
from federation_bridge.web.scim.listing import listed
from federation_bridge.web.scim.members import ids_of, split
from federation_bridge.web.scim.messages import read_as_scim
from federation_bridge.web.scim.patching import operations, patched
from federation_bridge.web.scim.reading import Query, query
from federation_bridge.web.scim.resources import GROUP, Group, GroupAlone, Member
from federation_bridge.web.scim.users import plain

_MOST_MEMBERS = 10_000
"""Of all groups of one page together. One group may have more: it is told whole."""


@scim.post("/Groups")
@guarded(scim_client)
def create_group(connection: str) -> Response:
    """A new group."""
    made = GroupVerbs(parts()).create(asking(), _whole(messages.body(), Context.RESOURCE_CREATION_REQUEST))
    return messages.answer(document_of(connection, made, None), 201)


@scim.get("/Groups")
@guarded(scim_client)
def groups(connection: str) -> Response:
    """The groups that the query means."""
    return _listed(connection, query(Group, searched="displayname"))


@scim.post("/Groups/.search")
@guarded(scim_client)
def search_groups(connection: str) -> Response:
    """The same, asked in a body (RFC 7644 3.4.3)."""
    return _listed(connection, query(Group, messages.body(), searched="displayname"))


@scim.get("/Groups/<group_id>")
@guarded(scim_client)
def group(connection: str, group_id: str) -> Response:
    """One group. Entra ID asks with `excludedAttributes=members`."""
    wanted, found = query(Group), _found(connection, group_id)
    unchanged = messages.not_changed(lambda: document_of(connection, found, None))
    return unchanged or messages.answer(document_of(connection, found, wanted))


@scim.put("/Groups/<group_id>")
@guarded(scim_client)
def replace_group(connection: str, group_id: str) -> Response:
    """The group as the body has it; without `members` nobody is in it any more."""
    told = _whole(messages.body(), Context.RESOURCE_REPLACEMENT_REQUEST)
    return messages.answer(document_of(connection, _changed(connection, group_id, lambda _: told), query(Group)))


@scim.patch("/Groups/<group_id>")
@guarded(scim_client)
def patch_group(connection: str, group_id: str) -> Response:
    """The group with these changes. The answer is empty: with its members it could be very long (RFC 7644 3.5.2)."""
    members, others = split(operations(messages.body(), GROUP))

    def make(before: ProvisionedGroup) -> ToldGroup:
        after = patched(GroupAlone.model_validate(_members_of_model(before)), others)
        added, removed = frozenset(members.added), frozenset(members.removed)
        whole = None if members.whole is None else frozenset(members.whole)
        return ToldGroup(*_named(after.display_name, after.external_id), whole, added, removed)

    _changed(connection, group_id, make)
    return messages.nothing()


@scim.delete("/Groups/<group_id>")
@guarded(scim_client)
def delete_group(connection: str, group_id: str) -> Response:
    """The group is gone."""
    GroupVerbs(parts()).delete(asking(), group_id, partial(_demand_version, connection))
    return messages.nothing()


def _demand_version(connection: str, before: ProvisionedGroup, changes: ProvisionedChanges) -> None:
    # By the transaction that holds the lock: a second connection would wait for others that wait for this one.
    messages.demand_version(lambda: document_of(connection, before, None, changes.members))


def _changed(connection: str, group_id: str, make: Callable[[ProvisionedGroup], ToldGroup]) -> ProvisionedGroup:
    return GroupVerbs(parts()).change(asking(), group_id, make, partial(_demand_version, connection))


def _whole(document: JsonObject, context: Context) -> ToldGroup:
    messages.demand_schema(document, GROUP)
    document = short_names(document, GROUP)
    members = [value for name, value in document.items() if name.lower() == "members"]
    alone = {name: value for name, value in document.items() if name.lower() != "members"}
    with read_as_scim():
        told = GroupAlone.model_validate(alone, scim_ctx=context)
    ids = frozenset(one for value in members for one in ids_of(value))
    return ToldGroup(*_named(told.display_name, told.external_id), ids)


def _named(display_name: str | None, external_id: str | None) -> tuple[str, str | None]:
    return plain(display_name, "displayName"), None if external_id is None else plain(external_id, "externalId")


def _found(connection: str, group_id: str) -> ProvisionedGroup:
    found = door().store.provisioned.groups(connection, Asked(id=group_id), most=1)
    if not found:
        raise NotFound("the connection has no group with this id")
    return found[0]


def _members_of_model(found: ProvisionedGroup) -> dict[str, Any]:
    return {
        "schemas": [GROUP],
        "id": found.id,
        "displayName": found.display_name,
        "externalId": found.external_id,
    }


def document_of(
    connection: str,
    found: ProvisionedGroup,
    wanted: Query | None,
    members_of: Callable[[str], Iterable[str]] | None = None,
) -> JsonObject:
    """The group as an answer tells it: as much as is wanted, and with None all of it.

    `members_of` reads who is in it in an open transaction, where there is one.
    """
    model = Group.model_validate(_members_of_model(found))
    if wanted is None or wanted.wants("members"):
        read = members_of or partial(door().store.provisioned.members, connection)
        members = sorted(read(found.id))
        place = f"{root(connection)}/Users/"
        told = [{"value": one, "$ref": place + one, "type": "User"} for one in members]
        model.members = [Member.model_validate(one) for one in told] or None
    return address(model, connection, found, "Group", wanted)


def documents_of(connection: str, found: Iterable[ProvisionedGroup], wanted: Query) -> list[JsonObject]:
    """The groups of a page: fewer than were found where their members are very many, and one at least.

    A page may hold fewer than asked for (RFC 7644 3.4.2.4), and says how many it holds.
    """
    page: list[JsonObject] = []
    told = 0
    for one in found:
        document = document_of(connection, one, wanted)
        told += len(document.get("members", ()))
        if page and told > _MOST_MEMBERS:
            break
        page.append(document)
    return page


def _listed(connection: str, wanted: Query) -> Response:
    if wanted.rest is not None:
        raise ScimRefused("groups are found by id, displayName, externalId and members", "invalidFilter")
    store = door().store.provisioned
    total = store.count_groups(connection, wanted.asked)
    page = store.groups(connection, wanted.asked, skipped=wanted.skipped, most=wanted.most) if wanted.most else []
    return listed(documents_of(connection, page, wanted), wanted, total)
