"""What AWS has issued ends where SCIM tells that its reason is gone; what has another reason goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aws_login_factories import stand_in
from databases import HeldClock
from flask import Flask
from scim_factories import ALICE, ScimClient, begun, client_of, scim_app
from store_factories import entry, live_grant
from web_factories import ACCOUNT, Person, door_of

from federation_bridge.ending import NotConnected
from federation_bridge.model import Cause, Groups, HandedToAws
from federation_bridge.store.session_names import SessionNames
from federation_bridge.store.writing import Writing
from federation_bridge.web import cookies

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


def _at_the_ledger(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Does this when the next grant is decided, and its row of the ledger does not stand yet."""
    really = SessionNames.claim

    def late(*given: Any, **named: Any) -> bool:
        monkeypatch.setattr(SessionNames, "claim", really)
        meanwhile()
        return really(*given, **named)

    monkeypatch.setattr(SessionNames, "claim", late)


@pytest.mark.parametrize("has_one", [True, False], ids=["a name that is known", "the first grant"])
@pytest.mark.parametrize(("left", "status"), [("admins", 403), ("readers", 403), ("nobody's", 200)])
def test_a_grant_that_was_decided_before_a_group_was_lost_and_is_not_in_the_ledger_yet_is_none(
    house: tuple[Flask, ScimClient, Told],
    clock: HeldClock,
    monkeypatch: pytest.MonkeyPatch,
    has_one: bool,
    left: str,
    status: int,
) -> None:
    """SCIM has looked for what lives at AWS by then: what is issued now would be ended by nobody."""
    app, client, told = house
    alice, bob = client.made(), client.made("bob", "00u2bob")
    groups = {name: client.made_group(name, alice, bob) for name in ("admins", "readers")}
    groups["nobody's"] = client.made_group("others", bob)
    aws, token = stand_in(monkeypatch, clock), begun(app, clock, Groups(("admins", "readers")))
    person = Person(app, app.test_client())
    person.client.set_cookie(cookies.SESSION, token, domain="aws.example.com", secure=True)

    def asked() -> Any:
        return person.post(f"/roles/{ACCOUNT}/Administrator/credentials", token=token)

    if has_one:
        assert asked().status_code == 200
    before = aws.sold
    _at_the_ledger(monkeypatch, lambda: client.patch(f"/Groups/{groups[left]}", {"op": "remove", "path": "members"}))
    answer = asked()
    assert (answer.status_code, aws.sold - before) == (status, int(status == 200))
    assert ("Your groups changed while this was under way" in answer.text) == (status == 403)
    assert len(told.grants) == int(has_one and left == "admins")
    assert asked().status_code == (403 if left == "admins" else 200)


def test_of_many_sessions_that_aws_cannot_tell_apart_one_is_named_and_of_others_each(
    house: tuple[Flask, ScimClient, Told], clock: HeldClock
) -> None:
    """To end one ends all of its name and role. Whoever had a thousand made SCIM wait for half a minute, and others."""
    app, client, told = house
    alice = client.made()
    group = client.made_group("admins", alice)
    begun(app, clock, Groups(("admins",)))
    names = ("alice", "alice", "alice", "alice-agent")
    grants = [
        replace(live_grant(clock(), f"_{number}", WHO, "Administrator"), session_name=name)
        for number, name in enumerate(names)
    ]
    other = live_grant(clock(), "_other", WHO, "Operator")
    for one in (*grants, other):
        door_of(app).store.session_names.claim(one.session_name, WHO, entry(clock()), live=one)
    client.patch(f"/Groups/{group}", {"op": "remove", "path": "members"})
    found = {one.id: one for one in (*grants, other)}
    assert sorted((found[one].role_arn, found[one].session_name) for one in told.grants) == sorted(
        {(one.role_arn, one.session_name) for one in found.values()}
    )


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
