# ruff: noqa: F811 - fixtures are named where they are asked for
"""Programs bring the register from a list: previewed, put in force, and refused with what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from administration_api_factories import let_in, stands
from administration_wishes_factories import ada, posted  # noqa: F401 - a fixture
from web_factories import ACCOUNT

OTHER = "222233334444"


def listed(name: str, written: str, **more: Any) -> dict[str, Any]:
    return {"lists": [{"name": name, "text": written}]} | more


def test_a_list_of_accounts_becomes_a_register_that_is_previewed_and_put_in_force(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team")
    organizations = json.dumps({"Accounts": [{"Id": ACCOUNT, "Name": "Live"}, {"Id": OTHER, "Name": "Sandbox"}]})
    found = posted(line, "/accounts/import", listed("accounts.json", organizations, roles=["Reader"]))
    assert found["new"] == [{"account": OTHER, "name": "Sandbox"}]
    assert found["renamed"] == [{"account": ACCOUNT, "before": "Production", "after": "Live"}]
    assert (found["is_whole"], found["changed_people"]) == (True, 0)
    assert stands(ada)[0] == 1
    change = {"accounts": found["accounts"], "base_digest": found["base_digest"], "reason": "the list"}
    assert posted(line, "/rulebook/preview", change)["difference"] == found["difference"]
    assert posted(line, "/rulebook", change)["version"] == 2
    first = line.get("/accounts", limit=1).get_json()
    assert [one["name"] for one in first["items"]] == ["Live"]
    second = line.get("/accounts", limit=1, cursor=first["next"]).get_json()
    assert ([one["account"] for one in second["items"]], second["next"]) == ([OTHER], None)
    assert line.get(f"/accounts/{OTHER}").get_json()["mapped_roles"] == 0
    assert line.get("/accounts/999999999999").status_code == 404

    table = listed("gone.csv", f"id,name\n{ACCOUNT},Other\n", remove=True, keep_names=True)
    found = posted(line, "/accounts/import", table)
    assert (found["removed"], found["renamed"]) == ([OTHER], [])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "lists is needed"),
        ({"lists": []}, "lists is needed"),
        (listed("a.csv", "id,name\n111122223333,=cmd()\n"), "formula"),
        (listed("a.csv", "id,nmae\n111122223333,x\n"), "name"),
        (listed("a.json", '{"Accounts": [{"Id": "1"}]}'), "line 1"),
        (listed("a.csv", f"id,name\n{OTHER},New\n"), "roles"),
        (listed("a.csv", f"id,name\n{OTHER},New\n", roles=["Reader"], provider="role/x"), ""),
        (listed("a.csv", f"id,name\n{OTHER},Product\u0456on\n", roles=["Reader"]), ""),
        (listed("a.csv", "id\n", form="xml"), "form"),
        (listed("a.csv", "id\n", remove="yes"), "neither true nor false"),
        (listed("a.csv", "id\n", roles="Reader"), "not a list"),
    ],
)
def test_a_list_that_cannot_be_read_is_told_and_changes_nothing(ada, clock, body, told) -> None:
    line = let_in(ada, clock, "identity-team")
    error = posted(line, "/accounts/import", body)["error"]
    assert error["code"] in ("bad_request", "rulebook_invalid")
    assert told in f"{error['detail']} {error.get('problems', '')}"
    assert stands(ada)[0] == 1


def test_the_register_is_no_authors(ada, clock) -> None:
    body = listed("a.csv", f"id,name\n{ACCOUNT},Live\n")
    assert let_in(ada, clock, "writers").post("/accounts/import", body).status_code == 404
    assert let_in(ada, clock, "identity-team", subject="bob").post("/accounts/import", body).status_code == 200
