"""Groups that SCIM tells: every form in which members come and go, and what live sessions hold of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from flask import Flask
from scim_factories import ALICE, GROUP, ScimClient, begun, client_of, scim_app
from web_factories import BASE, door_of

from federation_bridge.model import Groups, ProvisionedUser
from federation_bridge.store.provisioned_changes import ProvisionedChanges
from federation_bridge.web import cookies

BOB = "00u2bob"


@pytest.fixture
def app(tmp_path: Path, clock: HeldClock) -> Iterator[Flask]:
    made = scim_app(tmp_path, clock, {"groups": "source"})
    yield made
    door_of(made).store.close()


@pytest.fixture
def client(app: Flask) -> ScimClient:
    return client_of(app)


@pytest.fixture
def alice(client: ScimClient) -> str:
    return client.made()


@pytest.fixture
def bob(client: ScimClient) -> str:
    return client.made("bob@example.com", BOB)


def roles(app: Flask, token: str) -> set[str]:
    browser = app.test_client()
    browser.set_cookie(cookies.SESSION, token, domain="aws.example.com", secure=True)
    answer: Any = browser.get("/api/v1/roles", base_url=BASE)
    return {one["role"] for one in answer.json["roles"]}


def held(app: Flask, subject: str = ALICE) -> Groups:
    (session,) = [one for one in door_of(app).store.sessions.living() if one.identity.subject == subject]
    return session.identity.groups


OUT: tuple[tuple[str, Any], ...] = (
    ("Entra, old", lambda who: {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": who}]}),
    ("Entra, new", lambda who: {"op": "remove", "path": f'members[value eq "{who}"]'}),
    ("Okta", lambda who: {"op": "remove", "path": f'members[value  EQ "{who}"]'}),
    ("with the schema", lambda who: {"op": "Remove", "path": f'{GROUP}:members[value eq "{who}"]'}),
    ("of several", lambda who: {"op": "remove", "path": f'members[value eq "x" or value eq "{who}"]'}),
    ("replaced by nobody", lambda _: {"op": "replace", "path": "members", "value": []}),
    ("replaced by null", lambda _: {"op": "replace", "path": "members", "value": None}),
    ("replaced without a path", lambda _: {"op": "Replace", "value": {"members": []}}),
    ("all removed", lambda _: {"op": "remove", "path": "members"}),
)


@pytest.mark.parametrize("form", [one for _, one in OUT], ids=[name for name, _ in OUT])
def test_who_leaves_a_group_lacks_its_role_at_the_next_decision(
    app: Flask, client: ScimClient, alice: str, clock: HeldClock, form: Any
) -> None:
    group = client.made_group("admins", alice)
    token = begun(app, clock, Groups(("admins",)))
    assert roles(app, token) == {"Administrator"}
    assert client.patch(f"/Groups/{group}", form(alice)).status_code == 204
    assert client.members(group) == set()
    assert roles(app, token) == set()


IN: tuple[tuple[str, Any], ...] = (
    ("Entra", lambda who: {"op": "Add", "path": "members", "value": [{"value": who}]}),
    ("one", lambda who: {"op": "add", "path": "members", "value": {"value": who, "type": "User"}}),
    ("without a path", lambda who: {"op": "add", "value": {"members": [{"value": who, "display": "A"}]}}),
    ("replaced", lambda who: {"op": "replace", "path": "members", "value": [{"value": who}]}),
    ("Okta", lambda who: {"op": "replace", "value": {"id": "x", "displayName": "admins", "members": [{"value": who}]}}),
)


@pytest.mark.parametrize("form", [one for _, one in IN], ids=[name for name, _ in IN])
def test_who_comes_into_a_group_has_its_role_at_the_next_decision(
    app: Flask, client: ScimClient, alice: str, clock: HeldClock, form: Any
) -> None:
    group = client.made_group("admins")
    token = begun(app, clock, Groups())
    assert client.patch(f"/Groups/{group}", form(alice)).status_code == 204
    assert client.members(group) == {alice}
    assert roles(app, token) == {"Administrator"}
    (row,) = door_of(app).store.audit.entries(event="scim.groups_reached")
    assert (row.person, row.details) == (f"corp/{ALICE}", {"held_by": 1, "gained": 1, "lost": 0})


def test_operations_on_members_and_on_the_name_are_applied_in_their_order(
    client: ScimClient, alice: str, bob: str
) -> None:
    group = client.made_group("admins", alice)
    answer = client.patch(
        f"/Groups/{group}",
        {"op": "remove", "path": "members", "value": [{"value": bob}]},
        {"op": "add", "path": "members", "value": [{"value": bob}]},
        {"op": "Replace", "path": "displayName", "value": "operators"},
        {"op": "remove", "path": f'members[value eq "{alice}"]'},
    )
    assert (answer.status_code, client.members(group)) == (204, {bob})
    assert client.ask("GET", f"/Groups/{group}?excludedAttributes=members").json["displayName"] == "operators"


def test_a_whole_group_as_okta_puts_it_leaves_out_whom_it_does_not_name(
    app: Flask, client: ScimClient, alice: str, bob: str, clock: HeldClock
) -> None:
    group = client.made_group("admins", alice, bob)
    token, other = begun(app, clock, Groups(("admins",))), begun(app, clock, Groups(("admins",)), BOB)
    told = {"schemas": [GROUP], "id": group, "displayName": "admins", "members": [{"value": bob, "display": "B"}]}
    assert client.ask("PUT", f"/Groups/{group}", told).status_code == 200
    assert (roles(app, token), roles(app, other)) == (set(), {"Administrator"})
    # An unknown member keeps nobody in: the rest of the list holds.
    told["members"] = [{"value": "somebody whom we never heard of"}]
    assert client.ask("PUT", f"/Groups/{group}", told).status_code == 200
    assert (client.members(group), roles(app, other)) == (set(), set())


@pytest.mark.parametrize("way", ["renamed", "deleted"])
def test_a_group_that_is_renamed_or_deleted_gives_nothing_any_more(
    app: Flask, client: ScimClient, alice: str, clock: HeldClock, way: str
) -> None:
    group, token = client.made_group("admins", alice), begun(app, clock, Groups(("admins",)))
    if way == "renamed":
        client.patch(f"/Groups/{group}", {"op": "replace", "value": {"displayName": "others"}})
        assert held(app).names == ("others",)
    else:
        assert client.ask("DELETE", f"/Groups/{group}").status_code == 204
    assert roles(app, token) == set()


def test_who_is_deleted_is_in_no_group(client: ScimClient, alice: str, bob: str) -> None:
    group = client.made_group("admins", alice, bob)
    client.ask("DELETE", f"/Users/{alice}")
    assert client.members(group) == {bob}


def test_where_scim_only_completes_it_takes_from_a_whole_sign_in_what_was_lost_and_adds_nothing(
    tmp_path: Path, clock: HeldClock
) -> None:
    app = scim_app(tmp_path, clock, {"groups": "complete"})
    client = client_of(app)
    alice = client.made()
    admins, _ = client.made_group("admins", alice), client.made_group("readers", alice)
    begun(app, clock, Groups(("admins", "unknown to SCIM")))
    client.patch(f"/Groups/{admins}", {"op": "remove", "path": "members"})
    assert held(app) == Groups(("unknown to SCIM",))
    client.patch(f"/Groups/{admins}", {"op": "add", "path": "members", "value": [{"value": alice}]})
    assert held(app) == Groups(("unknown to SCIM",))
    door_of(app).store.close()


def test_where_scim_completes_a_sign_in_with_a_gap_nobody_counts_as_outside_of_what_it_does_not_tell(
    tmp_path: Path, clock: HeldClock
) -> None:
    app = scim_app(tmp_path, clock, {"groups": "complete"})
    client = client_of(app)
    alice = client.made()
    group = client.made_group("admins")
    token = begun(app, clock, Groups(gap="more than 150"))
    client.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": alice}]})
    assert roles(app, token) == {"Administrator"}
    assert held(app).why_incomplete is not None
    client.patch(f"/Groups/{group}", {"op": "remove", "path": "members"})
    assert roles(app, token) == set()
    door_of(app).store.close()


def test_rules_cannot_confuse_two_groups(tmp_path: Path, clock: HeldClock) -> None:
    app = scim_app(tmp_path, clock)
    client = client_of(app)
    first = client.made_group("admins")
    second = client.made_group("others")
    for answer in (
        client.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "Admins"}),
        client.patch(f"/Groups/{second}", {"op": "replace", "path": "displayName", "value": "admins"}),
    ):
        assert (answer.status_code, answer.json["scimType"]) == (409, "uniqueness")
    assert client.ask("GET", f"/Groups/{first}").json["displayName"] == "admins"
    door_of(app).store.close()


def test_names_that_hide_something_are_taken_neither_of_groups_nor_of_users(client: ScimClient) -> None:
    for name in ("admins\u200b", "adm\u202eins", " admins", "", "x" * 300, "a\nb", "a\u0000b"):
        assert client.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": name}).status_code == 400, repr(name)


def test_a_member_is_a_user_of_this_connection(app: Flask, client: ScimClient, alice: str) -> None:
    group, inner = client.made_group("admins"), client.made_group("inner")
    theirs = client_of(app, "partner").made()
    for entry in ({"value": theirs}, {"value": inner}, {"value": inner, "type": "Group"}, {"value": "x"}):
        answer = client.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": alice}, entry]})
        assert (answer.status_code, answer.json["scimType"]) == (400, "invalidValue")
    assert client.members(group) == set()


def test_ten_thousand_members_change_in_one_patch_and_a_longer_body_is_refused(
    app: Flask, client: ScimClient, clock: HeldClock
) -> None:
    store, now = door_of(app).store, clock()
    ids = [f"{number:032x}" for number in range(10_000)]

    def told(changes: ProvisionedChanges) -> None:
        for one in ids:
            changes.put_user(user_at(one, now))

    store.provisioned.change("corp", told)
    group = client.made_group("admins")
    every = [{"value": one} for one in ids]
    assert client.patch(f"/Groups/{group}", {"op": "Add", "path": "members", "value": every}).status_code == 204
    assert client.members(group) == set(ids)
    # As many operations as members, as Entra ID may send them.
    each = [{"op": "remove", "path": f'members[value eq "{one}"]'} for one in ids[:8_000]]
    assert client.patch(f"/Groups/{group}", *each).status_code == 204
    assert client.members(group) == set(ids[8_000:])
    too_many = [{"value": one, "display": "x" * 90} for one in ids]
    answer = client.patch(f"/Groups/{group}", {"op": "Add", "path": "members", "value": too_many})
    assert answer.status_code == 413
    assert client.members(group) == set(ids[8_000:])


def user_at(user_id: str, now: datetime) -> ProvisionedUser:
    return ProvisionedUser("corp", user_id, user_id, user_id, True, "{}", now, now)
