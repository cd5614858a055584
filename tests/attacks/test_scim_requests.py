# ruff: noqa: F811 - fixtures are named where they are asked for
"""What a SCIM client may send wrongly: each is told in SCIM's form, changes nothing, and is never a fault of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from scim_factories import ALICE, GROUP, PATCH, USER, ScimClient
from scim_fixtures import app, client  # noqa: F401 - fixtures
from web_factories import door_of

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def everything(app: Flask) -> Any:
    """All that was told, as it lies in the store."""
    told = door_of(app).store.provisioned
    found = told.groups("corp", most=99)
    return told.users("corp", most=99), found, [told.members("corp", one.id) for one in found]


def deep(levels: int) -> str:
    return '{"schemas":' + "[" * levels + "]" * levels + "}"


BODIES: tuple[tuple[str, Any, str], ...] = (
    ("nothing", b"", "invalidSyntax"),
    ("no JSON", b"{", "invalidSyntax"),
    ("no object", b"[]", "invalidSyntax"),
    ("a number", b"7", "invalidSyntax"),
    ("a name that stands twice", b'{"userName":"a","userName":"b"}', "invalidSyntax"),
    ("no UTF-8", b'{"userName":"\xff"}', "invalidSyntax"),
    ("half a character", b'{"userName":"\\ud800"}', "invalidSyntax"),
    ("no number", b'{"userName":NaN}', "invalidSyntax"),
    ("deep", deep(40), "invalidSyntax"),
    ("very deep", deep(30_000), "invalidSyntax"),
    ("no schema", {"userName": "a", "active": True}, "invalidSyntax"),
    ("another schema", {"schemas": [GROUP], "userName": "a", "active": True}, "invalidSyntax"),
    ("a name that is none", {"schemas": [USER], "userName": 7}, "invalidValue"),
    ("a list as a name", {"schemas": [USER], "userName": ["a"]}, "invalidValue"),
    ("no name", {"schemas": [USER], "active": True}, "invalidValue"),
    ("an empty name", {"schemas": [USER], "userName": ""}, "invalidValue"),
    ("a hidden character", {"schemas": [USER], "userName": "al\u200bice"}, "invalidValue"),
    ("a long name", {"schemas": [USER], "userName": "x" * 5_000}, "invalidValue"),
    ("a hidden externalId", {"schemas": [USER], "userName": "a", "externalId": "a\u0000"}, "invalidValue"),
    ("neither true nor false", {"schemas": [USER], "userName": "a", "active": "perhaps"}, "invalidValue"),
    ("e-mail addresses that are none", {"schemas": [USER], "userName": "a", "emails": "a@b"}, "invalidValue"),
)


@pytest.mark.parametrize(("body", "scim_type"), [one[1:] for one in BODIES], ids=[one[0] for one in BODIES])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_user_that_is_none_is_refused_and_changes_nothing(
    app: Flask, client: ScimClient, method: str, body: Any, scim_type: str
) -> None:
    alice = client.made()
    before = everything(app)
    answer = client.ask(method, "/Users" if method == "POST" else f"/Users/{alice}", body)
    assert (answer.status_code, answer.json["scimType"], answer.json["schemas"]) == (400, scim_type, [ERROR])
    assert answer.json["status"] == "400"
    assert answer.content_type == "application/scim+json"
    assert everything(app) == before


OPERATIONS: tuple[tuple[str, Any, str], ...] = (
    ("no message", {"Operations": []}, "invalidSyntax"),
    ("no operations", {"schemas": [PATCH]}, "invalidSyntax"),
    ("an empty list", {"schemas": [PATCH], "Operations": []}, "invalidSyntax"),
    ("no list", {"schemas": [PATCH], "Operations": {"op": "add"}}, "invalidSyntax"),
    ("no objects", {"schemas": [PATCH], "Operations": ["add"]}, "invalidSyntax"),
    ("another op", {"schemas": [PATCH], "Operations": [{"op": "destroy", "path": "active"}]}, "invalidValue"),
    ("no op", {"schemas": [PATCH], "Operations": [{"path": "active", "value": False}]}, "invalidValue"),
    ("a number as op", {"schemas": [PATCH], "Operations": [{"op": 7, "path": "active"}]}, "invalidValue"),
    ("remove without a path", {"schemas": [PATCH], "Operations": [{"op": "remove"}]}, "noTarget"),
    (
        "a path that is none",
        {"schemas": [PATCH], "Operations": [{"op": "add", "path": "a[", "value": 1}]},
        "invalidPath",
    ),
    ("a list as path", {"schemas": [PATCH], "Operations": [{"op": "add", "path": ["active"], "value": 1}]}, "invalid"),
    ("its id", {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "id", "value": "x"}]}, "mutability"),
    ("its groups", {"schemas": [PATCH], "Operations": [{"op": "add", "path": "groups", "value": []}]}, "mutability"),
    ("the name removed", {"schemas": [PATCH], "Operations": [{"op": "remove", "path": "userName"}]}, "mutability"),
    ("a deep path", {"schemas": [PATCH], "Operations": [{"op": "add", "path": "(" * 3000, "value": 1}]}, "invalidPath"),
    (
        "too many",
        {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "x"}] * 201},
        "tooMany",
    ),
)


@pytest.mark.parametrize(("body", "scim_type"), [one[1:] for one in OPERATIONS], ids=[one[0] for one in OPERATIONS])
def test_a_patch_that_is_none_is_refused_and_changes_nothing(
    app: Flask, client: ScimClient, body: Any, scim_type: str
) -> None:
    alice = client.made()
    before = everything(app)
    answer = client.ask("PATCH", f"/Users/{alice}", body)
    assert answer.status_code == 400, answer.text
    assert answer.json["scimType"].startswith(scim_type)
    assert everything(app) == before


def test_another_kind_of_body_and_another_version_are_refused(client: ScimClient) -> None:
    alice = client.made()
    told = {"schemas": [USER], "userName": "a"}
    assert client.ask("POST", "/Users", told, **{"Content-Type": "text/plain"}).status_code == 415
    tag = client.ask("GET", f"/Users/{alice}").headers["ETag"]
    off = json.dumps({"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "A"}]})
    assert client.ask("PATCH", f"/Users/{alice}", off, **{"If-Match": 'W/"other"'}).status_code == 412
    assert client.ask("PATCH", f"/Users/{alice}", off, **{"If-Match": tag}).status_code == 200
    assert client.ask("PATCH", f"/Users/{alice}", off, **{"If-Match": tag}).status_code == 412
    tag = client.ask("GET", f"/Users/{alice}").headers["ETag"]
    assert client.ask("GET", f"/Users/{alice}", **{"If-None-Match": tag}).status_code == 304


def changed_before_its_transaction(app: Flask, client: ScimClient, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Lets another request change the resource just before the transaction of the next one begins."""
    provisioned = type(door_of(app).store.provisioned)
    own = provisioned.change

    def change(*given: Any) -> Any:
        monkeypatch.setattr(provisioned, "change", own)
        client.patch(path, {"op": "replace", "path": "displayName", "value": "changed"})
        return own(*given)

    monkeypatch.setattr(provisioned, "change", change)


@pytest.mark.parametrize("kind", ["Users", "Groups"])
@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
def test_a_version_that_changes_meanwhile_is_another_one(
    app: Flask, client: ScimClient, monkeypatch: pytest.MonkeyPatch, kind: str, method: str
) -> None:
    path = f"/{kind}/{client.made() if kind == 'Users' else client.made_group('admins')}"
    operation = {"op": "replace", "path": "displayName", "value": "mine"}
    told = {"schemas": [USER, GROUP, PATCH], "userName": "a", "displayName": "mine", "Operations": [operation]}
    tag = client.ask("GET", path).headers["ETag"]
    changed_before_its_transaction(app, client, monkeypatch, path)
    assert client.ask(method, path, told, **{"If-Match": tag}).status_code == 412
    found = client.ask("GET", path)
    assert (found.status_code, found.json["displayName"]) == (200, "changed")
    assert client.ask(method, path, told, **{"If-Match": found.headers["ETag"]}).status_code in {200, 204}


@pytest.mark.parametrize("kind", ["Users", "Groups"])
@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
def test_a_version_is_read_by_the_transaction_that_holds_the_lock(
    app: Flask, client: ScimClient, monkeypatch: pytest.MonkeyPatch, kind: str, method: str
) -> None:
    """By a second connection, each of many requests would wait for one that the others hold."""
    user = client.made()
    group = client.made_group("admins", user)
    path = f"/{kind}/{user if kind == 'Users' else group}"
    operation = {"op": "replace", "path": "displayName", "value": "mine"}
    told = {"schemas": [USER, GROUP, PATCH], "userName": "a", "displayName": "mine", "Operations": [operation]}
    tag = client.ask("GET", path).headers["ETag"]
    provisioned = type(door_of(app).store.provisioned)
    inside: list[int] = []

    def outside(read: Callable[..., Any]) -> Callable[..., Any]:
        def reads(*given: Any) -> Any:
            assert not inside, "a second connection while the lock is held"
            return read(*given)

        return reads

    own = provisioned.change

    def change(*given: Any) -> Any:
        inside.append(1)
        try:
            return own(*given)
        finally:
            inside.clear()

    monkeypatch.setattr(provisioned, "change", change)
    for name in ("members", "groups_of"):
        monkeypatch.setattr(provisioned, name, outside(getattr(provisioned, name)))
    assert client.ask(method, path, told, **{"If-Match": tag}).status_code in {200, 204}


def many(number: int) -> list[dict[str, str]]:
    return [{"value": f"a{one}@example.com", "display": "d" * 1_000} for one in range(number)]


def shown(client: ScimClient, user: str) -> tuple[int, int, int]:
    """How much of a user is kept: addresses, characters of the first one's words, and of the name."""
    told = client.ask("GET", f"/Users/{user}").json
    return len(told["emails"]), len(told["emails"][0]["display"]), len(told["displayName"])


def test_what_is_only_shown_of_a_user_is_kept_short_however_it_comes(client: ScimClient) -> None:
    """Each value costs at every look and at each operation: forty thousand of them held the database for minutes."""
    alice = client.made(emails=many(3), displayName="Alice")
    assert shown(client, alice) == (3, 256, 5)
    bob = client.made("bob", "b", emails=many(400), displayName="B" * 900)
    assert shown(client, bob) == (20, 256, 256)
    put = {"schemas": [USER], "userName": "alice@example.com", "externalId": ALICE, "EMAILS": many(400)}
    assert client.ask("PUT", f"/Users/{alice}", {**put, "displayName": "A" * 900}).status_code == 200
    assert shown(client, alice) == (20, 256, 256)
    for operation in ({"path": "emails", "value": many(400)}, {"value": {"emails": many(400)}}):
        assert client.patch(f"/Users/{bob}", {"op": "replace", **operation}).status_code == 200
        assert shown(client, bob) == (20, 256, 256)


def test_who_is_told_with_too_much_is_disabled_all_the_same(client: ScimClient) -> None:
    alice = client.made()
    told = {"op": "replace", "value": {"emails": many(400), "displayName": "A" * 900, "active": False}}
    assert client.patch(f"/Users/{alice}", told).json["active"] is False


def test_what_says_who_is_meant_is_never_cut(client: ScimClient) -> None:
    alice = client.made()
    for path in ("userName", "externalId"):
        answer = client.patch(f"/Users/{alice}", {"op": "replace", "path": path, "value": "x" * 257})
        assert (answer.status_code, answer.json["scimType"]) == (400, "invalidValue")
    members = [client.made(f"u{one}", f"u{one}") for one in range(25)]
    group = client.made_group("admins", *members)
    assert client.members(group) == set(members)
    more = [{"value": one} for one in members]
    assert client.patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": more}).status_code == 204
    assert client.members(group) == set(members)


def test_a_path_that_compares_with_very_many_is_refused_and_changes_nothing(app: Flask, client: ScimClient) -> None:
    alice = client.made(emails=[{"value": "a@example.com"}])
    asked = {"op": "replace", "path": 'emails[value eq "a@example.com" or value eq "b"].type', "value": "work"}
    assert client.patch(f"/Users/{alice}", asked).json["emails"][0]["type"] == "work"
    before = everything(app)
    others = " or ".join(f'value eq "{one}"' for one in range(200))
    asked = {"op": "replace", "path": f'emails[{others} or value eq "a@example.com"].type', "value": "home"}
    answer = client.patch(f"/Users/{alice}", asked)
    assert (answer.status_code, answer.json["scimType"]) == (400, "invalidPath")
    assert everything(app) == before


@pytest.mark.parametrize(
    ("path", "times", "status"),
    [
        ("members[{}]".format(" or ".join(f'value eq "{number}"' for number in range(200))), 200, 400),
        ('members[(value eq "nobody")]', 2_500, 400),
        ("members[{}]".format(" or ".join(f'value eq "{number}"' for number in range(200))), 15, 204),
        ('members[value eq "nobody"]', 10_000, 204),
    ],
    ids=["long ones", "many short ones", "some long ones", "very many of the one form"],
)
def test_paths_that_take_long_to_read_are_few(client: ScimClient, path: str, times: int, status: int) -> None:
    """A megabyte of them held a process for seconds. The usual form is read at a look, however often it stands."""
    alice = client.made()
    group = client.made_group("admins", alice)
    took_out = [{"op": "remove", "path": path}] * times + [{"op": "remove", "path": f'members[value eq "{alice}"]'}]
    answer = client.ask("PATCH", f"/Groups/{group}", {"schemas": [PATCH], "Operations": took_out})
    assert answer.status_code == status, answer.text
    assert status == 204 or answer.json["scimType"] == "tooMany"
    left = [] if status == 204 else [alice]
    assert [one["value"] for one in client.ask("GET", f"/Groups/{group}").json.get("members", [])] == left
