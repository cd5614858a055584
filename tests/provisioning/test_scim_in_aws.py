"""What AWS has issued ends where SCIM tells that its reason is gone; what has another reason goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from flask import Flask
from scim_factories import ALICE, ScimClient, begun, client_of, scim_app
from store_factories import entry, live_grant
from web_factories import door_of

from federation_bridge.ending import NotConnected
from federation_bridge.model import Cause, Groups, HandedToAws
from federation_bridge.store.writing import Writing

WHO = f"corp/{ALICE}"


class Told(NotConnected):
    """What AWS was told to end."""

    def __init__(self) -> None:
        self.people: list[str] = []
        self.grants: list[str] = []

    def person(self, writing: Writing, person: str, cause: Cause, before: datetime | None = None) -> HandedToAws:
        self.people.append(person)
        return HandedToAws(sessions=1)

    def grant(self, writing: Writing, grant_id: str, cause: Cause) -> HandedToAws:
        self.grants.append(grant_id)
        return HandedToAws(sessions=1)


def made(folder: Path, clock: HeldClock, **scim: Any) -> tuple[Flask, ScimClient, Told]:
    app = scim_app(folder, clock, {"groups": "source", **scim})
    told = door_of(app).endings.aws = Told()
    return app, client_of(app), told


@pytest.fixture
def house(tmp_path: Path, clock: HeldClock) -> Iterator[tuple[Flask, ScimClient, Told]]:
    found = made(tmp_path, clock)
    yield found
    door_of(found[0]).store.close()


def sold(app: Flask, clock: HeldClock, role: str, person: str = WHO) -> str:
    """A live grant of this role."""
    grant = live_grant(clock(), f"_{role} of {person}", person, role)
    door_of(app).store.session_names.claim(f"{role} {person}", person, entry(clock()), live=grant)
    return grant.id


@pytest.mark.parametrize("is_here", [True, False])
def test_a_role_whose_group_was_left_ends_and_another_one_does_not(
    house: tuple[Flask, ScimClient, Told], clock: HeldClock, is_here: bool
) -> None:
    app, client, told = house
    alice, bob = client.made(), client.made("bob", "00u2bob")
    admins, _ = client.made_group("admins", alice, bob), client.made_group("readers", alice)
    token = begun(app, clock, Groups(("admins", "readers")))
    lost, kept = sold(app, clock, "Administrator"), sold(app, clock, "Reader")
    colleague = sold(app, clock, "Administrator", "corp/00u2bob")
    if not is_here:
        door_of(app).store.sessions.end(door_of(app).bridge.session(token).key)
    path = f'members[value eq "{alice}"]'
    assert client.patch(f"/Groups/{admins}", {"op": "remove", "path": path}).status_code == 204
    assert told.grants == [lost]
    assert not {kept, colleague} & set(told.grants)
    (row,) = door_of(app).store.audit.entries(event="access.ended")
    assert (row.person, row.details["kind"], row.details["in_aws"]) == (WHO, "scim", 1)


def test_nothing_ends_in_aws_where_the_connection_does_not_say_so(tmp_path: Path, clock: HeldClock) -> None:
    app, client, told = made(tmp_path, clock, ends_aws=False, lost_groups_end_aws=False)
    alice = client.made()
    group = client.made_group("admins", alice)
    sold(app, clock, "Administrator")
    client.patch(f"/Groups/{group}", {"op": "remove", "path": "members"})
    client.patch(f"/Users/{alice}", {"op": "replace", "path": "active", "value": False})
    assert (told.grants, told.people) == ([], [])
    door_of(app).store.close()


def test_who_is_disabled_loses_what_aws_sold_and_a_colleague_keeps_it(
    house: tuple[Flask, ScimClient, Told], clock: HeldClock
) -> None:
    app, client, told = house
    alice, _ = client.made(), client.made("bob", "00u2bob")
    sold(app, clock, "Administrator")
    client.patch(f"/Users/{alice}", {"op": "Replace", "path": "active", "value": "False"})
    assert (told.people, told.grants) == ([WHO], [])


def test_very_many_people_who_leave_a_group_lose_its_role_at_once(
    house: tuple[Flask, ScimClient, Told], clock: HeldClock
) -> None:
    app, client, told = house
    ids = [client.made(f"user {number}", f"00u-{number}") for number in range(60)]
    group = client.made_group("admins", *ids)
    lost = sold(app, clock, "Administrator", "corp/00u-59")
    begun(app, clock, Groups(("admins",)), "00u-7")
    client.patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": []})
    assert told.grants == [lost]
    (session,) = door_of(app).store.sessions.living()
    assert session.identity.groups.names == ()
