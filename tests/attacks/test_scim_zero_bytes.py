"""A zero byte in what a SCIM client sends: PostgreSQL takes none in a text, so it names nobody, on either database."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from databases import HeldClock, OwnDatabase
from scim_factories import GROUP, PATCH, USER, ScimClient, client_of, scim_app
from web_factories import door_of

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@pytest.fixture(params=["sqlite", "postgresql"])
def client(request: pytest.FixtureRequest, tmp_path: Path, clock: HeldClock) -> Iterator[ScimClient]:
    kept: dict[str, Any] = {}
    if request.param == "postgresql":
        database: OwnDatabase = request.getfixturevalue("postgresql_database")
        secrets = {"password": database.password or "", "sealing": base64.b64encode(b"s" * 32).decode()}
        for name, text in secrets.items():
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o600)
        kept = {
            "database": database.url,
            "database_password": {"file": "password"},
            "keys": {"sealing_key": {"file": "sealing"}},
            "rulebook": {"files_on_many_nodes": True},
        }
    app = scim_app(tmp_path, clock, **kept)
    yield client_of(app)
    door_of(app).store.close()


@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_an_id_with_a_zero_byte_is_nobodys(client: ScimClient, kind: str) -> None:
    made = {"Users": client.made(), "Groups": client.made_group("admins")}[kind]
    change = {"op": "replace", "path": "displayName", "value": "other"}
    body = {"schemas": [USER, GROUP, PATCH], "userName": "a", "displayName": "a", "Operations": [change]}
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        for told in ("%00", "a%00b", "%ED%A0%80"):
            assert client.ask(method, f"/{kind}/{told}", body).status_code == 404
        assert client.ask(method, f"/{kind}/{made}", body).status_code in {200, 204}


@pytest.mark.parametrize(
    ("kind", "compared"),
    [
        ("Users", 'userName eq "{}"'),
        ("Users", 'externalId eq "{}"'),
        ("Users", 'id eq "{}"'),
        ("Users", 'emails.value eq "{}"'),
        ("Users", 'emails[type eq "work" and value eq "{}"]'),
        ("Groups", 'displayName eq "{}"'),
        ("Groups", 'members eq "{}"'),
        ("Groups", 'members[value eq "{}"]'),
    ],
)
def test_a_filter_with_a_zero_byte_or_half_a_character_is_refused(client: ScimClient, kind: str, compared: str) -> None:
    for told, status in (("\\u0000", 400), ("a\\u0000b", 400), ("\\ud800", 400), ("\0", 400), ("a\\u00e9", 200)):
        text = compared.format(told)
        found = client.ask("GET", f"/{kind}?filter={quote(text)}")
        searched = client.ask("POST", f"/{kind}/.search", {"schemas": [SEARCH], "filter": text})
        assert (found.status_code, searched.status_code) == (status, status), found.text
        assert found.json.get("scimType", "invalidFilter") == "invalidFilter"


@pytest.mark.parametrize("told", ["\0", "a\0b"])
def test_a_member_with_a_zero_byte_is_nobody(client: ScimClient, told: str) -> None:
    alice, bob = client.made(), client.made("bob", "00u2bob")
    group = client.made_group("admins", bob, told)
    added = client.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": told}]})
    assert (added.status_code, added.json["scimType"]) == (400, "invalidValue")
    assert client.members(group) == {bob}
    for path, value in ((f'members[value eq "{told}"]', None), ("members", [{"value": told}])):
        gone = client.patch(f"/Groups/{group}", {"op": "remove", "path": path, "value": value})
        assert gone.status_code == 204
    assert client.members(group) == {bob}
    whole = [{"value": told}, {"value": alice}]
    assert client.patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": whole}).status_code == 204
    assert client.members(group) == {alice}
