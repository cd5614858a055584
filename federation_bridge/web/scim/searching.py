"""`/.search`: users and groups in one list (RFC 7644 3.4.3)."""

from __future__ import annotations

from typing import Any

from flask import Response

from federation_bridge.errors import ScimRefused
from federation_bridge.store.provisioned import Asked
from federation_bridge.web.door import door
from federation_bridge.web.guards import guarded
from federation_bridge.web.scim import groups, messages, users
from federation_bridge.web.scim.blueprint import scim
from federation_bridge.web.scim.client import scim_client
from federation_bridge.web.scim.listing import listed
from federation_bridge.web.scim.reading import query
from federation_bridge.web.scim.resources import Group, User


@scim.post("/.search")
@guarded(scim_client)
def search(connection: str) -> Response:
    """A page of all users and then all groups. A filter belongs to one kind: it is asked there."""
    both: Any = User | Group
    wanted = query(both, messages.body())
    if wanted.asked != Asked() or wanted.rest is not None:
        raise ScimRefused("a filter is asked at /Users or /Groups", "invalidFilter")
    store = door().store.provisioned
    total_users = store.count_users(connection)
    people = store.users(connection, skipped=wanted.skipped, most=wanted.most) if wanted.most else []
    left, skipped = wanted.most - len(people), max(0, wanted.skipped - total_users)
    others = store.groups(connection, skipped=skipped, most=left) if left else []
    page = [users.document_of(connection, one, wanted) for one in people]
    page += groups.documents_of(connection, others, wanted)
    return listed(page, wanted, total_users + store.count_groups(connection))
