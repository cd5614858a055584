"""Each way to write the name of an attribute that decides is read, or refused: none is passed over and called done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from scim_factories import ALICE, GROUP, USER, ScimClient, client_of, scim_app
from web_factories import door_of


@pytest.fixture
def client(tmp_path: Path, clock: HeldClock) -> Iterator[ScimClient]:
    app = scim_app(tmp_path, clock)
    yield client_of(app)
    door_of(app).store.close()


DISABLED: tuple[dict[str, Any], ...] = (
    {"active": False},
    {"ACTIVE": "False"},
    {"active ": False},
    {f"{USER}:active": False},
    {f"{USER.upper()}:Active": "False"},
    {USER: {"active": False}},
    {USER: {"Active": "False"}},
)


@pytest.mark.parametrize("told", DISABLED, ids=json.dumps)
@pytest.mark.parametrize("way", ["PUT", "PATCH", "PATCH of the schema", "POST"])
def test_who_is_disabled_is_disabled_however_that_is_written(
    client: ScimClient, way: str, told: dict[str, Any]
) -> None:
    whole = {"schemas": [USER], "userName": "alice@example.com", "externalId": ALICE}
    if way == "POST":
        answer = client.ask("POST", "/Users", {**whole, **told})
    else:
        alice = f"/Users/{client.made()}"
        path = {"path": USER} if way == "PATCH of the schema" else {}
        operation = {"op": "replace", "value": told, **path}
        answer = client.ask("PUT", alice, {**whole, **told}) if way == "PUT" else client.patch(alice, operation)
    assert answer.status_code in {200, 201}, answer.text
    assert answer.json["active"] is False
    blocks = door_of(client.app).store.blocks.standing()
    assert [(one.scope, one.source) for one in blocks] == [(f"corp/{ALICE}", "scim")]


@pytest.mark.parametrize("path", ["active", " active", "Active ", f"{USER}:active", f" {USER.upper()}:ACTIVE "])
def test_a_path_to_what_disables_is_found_however_it_is_written(client: ScimClient, path: str) -> None:
    alice = f"/Users/{client.made()}"
    assert client.patch(alice, {"op": "replace", "path": path, "value": "False"}).json["active"] is False


@pytest.mark.parametrize("path", ["active.value", f"{USER}:active.value", "externalId.value", "userName.value"])
def test_a_part_of_what_has_no_parts_is_refused(client: ScimClient, path: str) -> None:
    alice = f"/Users/{client.made()}"
    answer = client.patch(alice, {"op": "replace", "path": path, "value": "False"})
    assert (answer.status_code, answer.json["scimType"]) == (400, "invalidPath")
    assert client.patch(alice, {"op": "replace", "path": "name.givenName", "value": "Alice"}).status_code == 200


TWICE: tuple[dict[str, Any], ...] = (
    {"active": False, "Active": True},
    {"active": False, f"{USER}:active": True},
    {"active": False, USER: {"active": True}},
    {"active ": False, "active": True},
    {"active": False, USER: True},
)


@pytest.mark.parametrize("told", TWICE, ids=json.dumps)
@pytest.mark.parametrize("way", ["PUT", "PATCH"])
def test_two_words_about_one_attribute_are_refused(client: ScimClient, way: str, told: dict[str, Any]) -> None:
    alice = f"/Users/{client.made()}"
    whole = {"schemas": [USER], "userName": "alice@example.com", "externalId": ALICE}
    operation = {"op": "replace", "value": told}
    answer = client.ask("PUT", alice, {**whole, **told}) if way == "PUT" else client.patch(alice, operation)
    assert (answer.status_code, answer.json["scimType"]) == (400, "invalidSyntax")
    assert client.ask("GET", alice).json["active"] is True


EMPTIED: tuple[dict[str, Any], ...] = (
    {"op": "remove", "path": "members"},
    {"op": "remove", "path": " Members "},
    {"op": "remove", "path": f"{GROUP}:members "},
    {"op": "remove", "path": 'members [value eq "ALICE"]'},
    {"op": "remove", "path": f' {GROUP.upper()}:members[value eq "ALICE"] '},
    {"op": "replace", "path": GROUP, "value": {"members": []}},
    {"op": "replace", "value": {"members ": []}},
    {"op": "replace", "value": {f"{GROUP}:members": []}},
    {"op": "replace", "value": {GROUP: {"Members": []}}},
    {"op": "remove", "path": "members", "value": [{"value": "ALICE"}]},
)


@pytest.mark.parametrize("operation", EMPTIED, ids=json.dumps)
def test_who_is_taken_out_of_a_group_is_out_however_that_is_written(
    client: ScimClient, operation: dict[str, Any]
) -> None:
    alice = client.made()
    group = client.made_group("admins", alice)
    told = json.loads(json.dumps(operation).replace("ALICE", alice))
    answer = client.patch(f"/Groups/{group}", told)
    assert answer.status_code == 204, answer.text
    assert client.members(group) == set()


def test_who_is_in_a_group_is_read_behind_the_name_of_the_schema_too(client: ScimClient) -> None:
    alice = client.made()
    inside = [{"value": alice}]
    forms: tuple[dict[str, Any], ...] = ({f"{GROUP}:members": inside}, {GROUP: {"members": inside}})
    for number, told in enumerate(forms):
        made = client.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": f"group {number}", **told})
        assert made.status_code == 201, made.text
        assert client.members(made.json["id"]) == {alice}
