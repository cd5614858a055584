# ruff: noqa: F811 - fixtures are named where they are asked for
"""What a SCIM client may send wrongly: each is told in SCIM's form, changes nothing, and is never a fault of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scim_factories import ALICE, GROUP, PATCH, USER, ScimClient, client_of
from scim_fixtures import app, client  # noqa: F401 - fixtures
from web_factories import door_of

from federation_bridge.web.scim import groups

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
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


FILTERS = (
    "userName",
    "userName eq",
    "userName eq alice",
    'userName xx "a"',
    'userName eq "a" or userName eq "b"',
    'not (userName eq "a")',
    'userName co "a"',
    "userName pr",
    'nothing eq "a"',
    'userName eq "a" and',
    '(userName eq "a"',
    'userName eq "a" and ' * 20 + 'id eq "b"',
    "(" * 900 + 'userName eq "a"' + ")" * 899,
    'userName eq "' + "x" * 3_000 + '"',
    "userName eq 7",
    'active eq "x"',
    'members[value eq "x"]',
)


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_that_cannot_be_is_told_so(client: ScimClient, text: str) -> None:
    answer = client.ask("GET", f"/Users?filter={quote(text)}")
    assert (answer.status_code, answer.json["scimType"]) == (400, "invalidFilter"), answer.text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('userName eq "ALICE@example.com"', 1),
        (f'externalId eq "{ALICE}"', 1),
        (f'externalId eq "{ALICE.upper()}"', 0),
        ('userName eq "nobody"', 0),
        ('emails.value eq "a@example.com"', 1),
        ('emails eq "a@example.com"', 1),
        ('emails[type eq "work" and value eq "a@example.com"]', 1),
        ('displayName eq "Alice A"', 1),
        (f'externalId eq "{ALICE}" and userName eq "alice@example.com"', 1),
        (f'externalId eq "{ALICE}" and userName eq "bob"', 0),
        ('userName eq "alice@example.com" and emails.value eq "b@example.com"', 0),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "alice@example.com"', 1),
        ('userName eq "a" and userName eq "b"', 0),
        ('userName eq "x\\" or userName pr"', 0),
    ],
)
def test_a_filter_finds_whom_it_names(client: ScimClient, text: str, found: int) -> None:
    client.made(emails=[{"value": "a@example.com", "type": "work", "primary": True}], displayName="Alice A")
    client.made("bob", "00u2bob")
    answer = client.ask("GET", f"/Users?filter={quote(text)}&count=1")
    assert (answer.status_code, answer.json["totalResults"], len(answer.json["Resources"])) == (200, found, found)


def test_groups_are_found_by_their_name_their_id_and_who_is_in_them(client: ScimClient) -> None:
    alice = client.made()
    group = client.made_group("admins", alice, externalId="g-1")
    client.made_group("others")
    for text in (
        'displayName eq "Admins"',
        'externalId eq "g-1"',
        f'id eq "{group}"',
        f'members.value eq "{alice}"',
        f'members[value eq "{alice}"]',
        f'id eq "{group}" and members eq "{alice}"',
    ):
        answer = client.ask("GET", f"/Groups?excludedAttributes=members&filter={quote(text)}")
        assert [one["id"] for one in answer.json["Resources"]] == [group], text
        assert "members" not in answer.json["Resources"][0]


@pytest.mark.parametrize("name", ["startIndex", "count"])
@pytest.mark.parametrize("text", ["-1", "0", "x", "1e3", "99999999999999999999", "", "1.5"])
def test_pages_that_cannot_be_are_bounded_or_refused(client: ScimClient, name: str, text: str) -> None:
    client.made()
    answer = client.ask("GET", f"/Users?{name}={text}")
    assert answer.status_code in (200, 400)
    assert answer.status_code == 400 or len(answer.json["Resources"]) <= 1


def test_pages_are_whole_and_in_one_order(client: ScimClient) -> None:
    made = {client.made(f"user {number}", f"x{number}") for number in range(7)}
    pages = [client.ask("GET", f"/Users?startIndex={start}&count=3").json for start in (1, 4, 7, 10)]
    assert [one["itemsPerPage"] for one in pages] == [3, 3, 1, 0]
    assert {one["totalResults"] for one in pages} == {7}
    assert {one["id"] for page in pages for one in page["Resources"]} == made
    assert client.ask("GET", "/Users?count=0").json["Resources"] == []


@pytest.mark.parametrize("path", ["/Groups", "/Groups/.search", "/.search"])
def test_a_page_ends_where_the_members_of_its_groups_are_too_many_and_the_next_one_goes_on(
    client: ScimClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Two hundred groups of ten thousand members in one answer took minutes and gigabytes."""
    monkeypatch.setattr(groups, "_MOST_MEMBERS", 3)
    users = [client.made(f"user {number}", f"x{number}") for number in range(5)]
    sizes = {
        client.made_group(f"group {number}", *users[:size]): size for number, size in enumerate((0, 1, 2, 2, 5, 0, 3))
    }

    def page(start: int, **wanted: Any) -> Any:
        if path == "/Groups":
            asked = "&".join(f"{name}={value}" for name, value in wanted.items())
            return client.ask("GET", f"{path}?startIndex={start}&count=200&{asked}").json
        return client.ask("POST", path, {"schemas": [SEARCH], "startIndex": start, "count": 200, **wanted}).json

    found: list[Any] = []
    while len(found) < (answer := page(len(found) + 1))["totalResults"]:
        told = [sizes[one["id"]] for one in answer["Resources"] if one["id"] in sizes]
        assert answer["itemsPerPage"] == len(answer["Resources"]) > 0
        assert sum(told) <= 3 or len(told) == 1
        found += answer["Resources"]
    assert {one["id"]: len(one.get("members", ())) for one in found if one["id"] in sizes} == sizes
    # The valid twin: where no members are told, a page is as long as it was asked for.
    assert page(1, excludedAttributes="members" if path == "/Groups" else ["members"])["itemsPerPage"] == len(found)


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


_TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["active", "members", "userName", "emails", "displayName", "id", "value", "schemas", USER, GROUP]),
)
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXTS, inner, max_size=4)),
    max_leaves=12,
)
_OPERATION = st.fixed_dictionaries(
    {},
    optional={
        "op": st.one_of(st.sampled_from(["add", "Replace", "remove", "Remove"]), _JSON),
        "path": st.one_of(
            st.sampled_from(["active", "members", 'members[value eq "x"]', 'emails[type eq "work"].value', "name"]),
            _JSON,
        ),
        "value": _JSON,
    },
)
_RESOURCE = st.fixed_dictionaries(
    {"schemas": st.one_of(st.just([USER]), st.just([GROUP]), _JSON)},
    optional={
        "userName": _JSON, "displayName": _JSON, "active": _JSON, "members": _JSON, "emails": _JSON, "name": _JSON,
        "externalId": _JSON, "meta": _JSON, "id": _JSON, "groups": _JSON,
    },
)  # fmt: skip


@settings(
    max_examples=80, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    method=st.sampled_from(["POST", "PUT", "PATCH", "SEARCH"]),
    kind=st.sampled_from(["Users", "Groups"]),
    resource=_RESOURCE,
    operations=st.lists(_OPERATION, max_size=3),
    text=st.one_of(_TEXTS, st.sampled_from(['userName eq "a"', 'members eq "x"', 'emails[type eq "a"]'])),
    count=_JSON,
)
def test_no_request_is_ever_a_fault_of_ours(
    app: Flask, method: str, kind: str, resource: Any, operations: Any, text: str, count: Any
) -> None:
    client = fuzzing(app)
    existing = client.ask("GET", f"/{kind}?count=1").json["Resources"]
    place = f"/{kind}/{existing[0]['id']}" if existing else f"/{kind}/x"
    if method == "POST":
        answer = client.ask("POST", f"/{kind}", json.dumps(resource))
    elif method == "PUT":
        answer = client.ask("PUT", place, json.dumps(resource))
    elif method == "SEARCH":
        client.ask("GET", f"/{kind}?filter={quote(text)}&attributes={quote(text)}")
        answer = client.ask("POST", f"/{kind}/.search", json.dumps({"filter": text, "count": count}))
    else:
        answer = client.ask("PATCH", place, json.dumps({"schemas": [PATCH], "Operations": operations}))
    assert answer.status_code in {200, 201, 204, 400, 404, 409}, (answer.status_code, answer.text)


_CLIENTS: dict[int, ScimClient] = {}


def fuzzing(app: Flask) -> ScimClient:
    """One client for all examples of a test."""
    if id(app) not in _CLIENTS:
        _CLIENTS.clear()
        client = _CLIENTS[id(app)] = client_of(app)
        client.made_group("admins", client.made(emails=[{"value": "a@example.com", "type": "work"}]))
    return _CLIENTS[id(app)]


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
