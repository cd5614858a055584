# ruff: noqa: F811 - fixtures are named where they are asked for
"""Whom SCIM tells to be disabled or deleted is put out in that request; nobody else is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from databases import HeldClock
from flask import Flask
from scim_factories import ALICE, PATCH, USER, ScimClient, client_of
from scim_fixtures import app, client  # noqa: F401 - fixtures
from web_factories import BASE, door_of

from federation_bridge.bridge import token_hash
from federation_bridge.errors import Blocked, Unavailable
from federation_bridge.model import Block, Groups, Identity, Session
from federation_bridge.store.writing import Writing
from federation_bridge.web import cookies

OFF = (
    {"op": "replace", "path": "active", "value": False},
    {"op": "Replace", "path": "active", "value": "False"},
    {"op": "Replace", "path": "active", "value": False},
    {"op": "replace", "value": {"active": False}},
    {"op": "replace", "value": {"active": "False"}},
    {"op": "Replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:active": "false"}},
    {"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": False},
)
"""A user is disabled, as Entra ID sends it with and without its flag, as Okta does, and as the RFC allows."""


def sign_in(app: Flask, clock: HeldClock, subject: str = ALICE, *groups: str, connection: str = "corp") -> str:
    """A session of this person; gives the cookie's value."""
    token, now = f"{subject}{connection}".encode().hex().ljust(64, "0"), clock()
    identity = Identity(connection, subject, subject, groups=Groups(groups))
    session = Session(token_hash(token), identity, now, now, now + timedelta(hours=12))
    door_of(app).store.sessions.admit(session, "idp", f"_{token}{now}", now + timedelta(minutes=5))
    return token


def is_in(app: Flask, token: str) -> bool:
    browser = app.test_client()
    browser.set_cookie(cookies.SESSION, token, domain="aws.example.com", secure=True)
    return browser.get("/api/v1/me", base_url=BASE).status_code == 200


def events(app: Flask, name: str) -> list[Any]:
    return list(door_of(app).store.audit.entries(event=name))


@pytest.mark.parametrize("operation", OFF)
def test_who_is_disabled_is_out_at_once_and_a_colleague_is_not(
    app: Flask, client: ScimClient, clock: HeldClock, operation: dict[str, Any]
) -> None:
    alice, bob = client.made(), client.made("bob@example.com", "00u2bob")
    leaver, colleague = sign_in(app, clock), sign_in(app, clock, "00u2bob")
    answer = client.patch(f"/Users/{alice}", operation)
    assert (answer.status_code, answer.json["active"]) == (200, False)
    assert (is_in(app, leaver), is_in(app, colleague)) == (False, True)
    (ended,) = events(app, "access.ended")
    assert (ended.person, ended.details["kind"], ended.details["sessions"]) == (f"corp/{ALICE}", "scim", 1)
    assert client.ask("GET", f"/Users/{bob}").json["active"] is True


def test_a_whole_user_that_is_not_active_is_put_out_as_okta_tells_it(
    app: Flask, client: ScimClient, clock: HeldClock
) -> None:
    alice, leaver = client.made(), sign_in(app, clock)
    told = {
        "schemas": [USER],
        "id": alice,
        "userName": "alice@example.com",
        "externalId": ALICE,
        "name": {"givenName": "Alice", "familyName": "A"},
        "emails": [{"primary": True, "value": "alice@example.com", "type": "work"}],
        "active": False,
        "groups": [],
        "meta": {"resourceType": "User"},
        "password": "means nothing",
    }
    answer = client.ask("PUT", f"/Users/{alice}", told)
    assert (answer.status_code, answer.json["active"]) == (200, False)
    assert "password" not in answer.text
    assert not is_in(app, leaver)


def test_who_is_deleted_is_out_and_gone(app: Flask, client: ScimClient, clock: HeldClock) -> None:
    alice, leaver = client.made(), sign_in(app, clock)
    assert client.ask("DELETE", f"/Users/{alice}").status_code == 204
    assert not is_in(app, leaver)
    assert client.ask("GET", f"/Users/{alice}").status_code == 404
    assert client.ask("DELETE", f"/Users/{alice}").status_code == 404


def test_who_is_told_to_be_disabled_from_the_beginning_is_put_out(
    app: Flask, client: ScimClient, clock: HeldClock
) -> None:
    leaver = sign_in(app, clock)
    client.made(active=False)
    assert not is_in(app, leaver)


def test_a_user_who_becomes_somebody_else_takes_leave_of_whom_they_were(
    app: Flask, client: ScimClient, clock: HeldClock
) -> None:
    alice, before, after = client.made(), sign_in(app, clock), sign_in(app, clock, "00u9other")
    changed = client.patch(f"/Users/{alice}", {"op": "replace", "path": "externalId", "value": "00u9other"})
    assert changed.status_code == 200
    assert (is_in(app, before), is_in(app, after)) == (False, True)


@pytest.mark.parametrize(
    "told",
    [
        {"schemas": [USER], "userName": "alice@example.com", "externalId": ALICE},
        {"schemas": [USER], "userName": "alice@example.com", "externalId": ALICE, "active": None},
    ],
)
def test_who_is_disabled_stays_so_where_a_whole_user_does_not_say(client: ScimClient, told: dict[str, Any]) -> None:
    alice = client.made(active=False)
    assert client.ask("PUT", f"/Users/{alice}", told).json["active"] is False
    assert client.patch(f"/Users/{alice}", {"op": "remove", "path": "active"}).status_code == 400
    assert client.ask("GET", f"/Users/{alice}").json["active"] is False


def test_nobody_is_joined_by_a_name_or_an_address_alone(app: Flask, client: ScimClient, clock: HeldClock) -> None:
    namesake = sign_in(app, clock, "alice@example.com")
    alice = client.made("alice@example.com", None, emails=[{"value": "alice@example.com"}])
    assert client.patch(f"/Users/{alice}", OFF[0]).status_code == 200
    assert is_in(app, namesake)
    assert events(app, "scim.user_changed")[0].details["joined"] is False


def test_one_connection_ends_nobody_of_another(app: Flask, client: ScimClient, clock: HeldClock) -> None:
    partner = client_of(app, "partner")
    alice, theirs = client.made(), partner.made()
    here, there = sign_in(app, clock), sign_in(app, clock, connection="partner")
    for method, body in (("GET", None), ("PATCH", {"schemas": [PATCH], "Operations": [OFF[0]]}), ("DELETE", None)):
        assert client.ask(method, f"/Users/{theirs}", body).status_code == 404
    client.patch(f"/Users/{alice}", OFF[0])
    assert (is_in(app, here), is_in(app, there)) == (False, True)


def test_two_users_are_never_one_person_nor_have_one_name(client: ScimClient) -> None:
    client.made()
    told = {"schemas": [USER], "userName": "ALICE@example.com", "externalId": "00u3", "active": True}
    same_name = client.ask("POST", "/Users", told)
    same_person = client.ask("POST", "/Users", {**told, "userName": "other", "externalId": ALICE})
    for answer in (same_name, same_person):
        assert (answer.status_code, answer.json["scimType"]) == (409, "uniqueness")
    bob = client.made("bob", "00u4")
    taken = client.patch(f"/Users/{bob}", {"op": "replace", "path": "externalId", "value": ALICE})
    assert taken.status_code == 409
    assert client.ask("GET", f"/Users/{bob}").json["externalId"] == "00u4"


def blocks(app: Flask) -> set[tuple[str, str]]:
    return {(one.scope, one.source) for one in door_of(app).store.blocks.standing()}


def test_who_is_disabled_is_blocked_until_scim_says_otherwise(app: Flask, client: ScimClient, clock: HeldClock) -> None:
    alice = client.made()
    client.patch(f"/Users/{alice}", OFF[0])
    assert blocks(app) == {(f"corp/{ALICE}", "scim")}
    with pytest.raises(Blocked):
        sign_in(app, clock)
    client.patch(f"/Users/{alice}", {"op": "Replace", "path": "active", "value": "True"})
    assert blocks(app) == set()
    assert is_in(app, sign_in(app, clock))


def test_scim_lifts_no_block_of_an_administrator(app: Flask, client: ScimClient, clock: HeldClock) -> None:
    store, alice = door_of(app).store, client.made()
    theirs = Block(f"corp/{ALICE}", "administrator", "corp/eve", "stolen laptop", clock())
    store.blocks.put(theirs, lambda _: ())
    for active in (False, True):
        client.patch(f"/Users/{alice}", {"op": "replace", "path": "active", "value": active})
    client.ask("DELETE", f"/Users/{alice}")
    client.made()
    assert blocks(app) == {(f"corp/{ALICE}", "administrator")}
    with pytest.raises(Blocked):
        sign_in(app, clock)


def test_who_was_deleted_is_let_in_again_once_they_are_told_anew(
    app: Flask, client: ScimClient, clock: HeldClock
) -> None:
    client.ask("DELETE", f"/Users/{client.made()}")
    assert blocks(app) == {(f"corp/{ALICE}", "scim")}
    client.made(active=False)
    assert blocks(app) == {(f"corp/{ALICE}", "scim")}
    client.patch("/Users/" + client.ask("GET", "/Users").json["Resources"][0]["id"], {**OFF[0], "value": True})
    assert is_in(app, sign_in(app, clock))


def test_what_is_refused_ends_and_blocks_nobody(app: Flask, client: ScimClient, clock: HeldClock) -> None:
    alice, here = client.made(), sign_in(app, clock)
    broken = client.patch(f"/Users/{alice}", OFF[0], {"op": "replace", "path": "userName", "value": ""})
    assert broken.status_code == 400
    assert (is_in(app, here), blocks(app)) == (True, set())
    assert client.ask("GET", f"/Users/{alice}").json["active"] is True


def test_an_end_that_cannot_be_audited_is_none_and_the_client_hears_it(
    app: Flask, client: ScimClient, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, here = client.made(), sign_in(app, clock)

    def refused(*_: object) -> None:
        raise Unavailable("the audit takes nothing")

    with monkeypatch.context() as broken:
        broken.setattr(Writing, "record", refused)
        assert client.patch(f"/Users/{alice}", OFF[0]).status_code == 503
    assert is_in(app, here)
    # What was not done is not told as done either: the client finds it active, and tells it again.
    assert client.ask("GET", f"/Users/{alice}").json["active"] is True
    assert client.patch(f"/Users/{alice}", OFF[0]).status_code == 200
    assert not is_in(app, here)
