# ruff: noqa: F811 - fixtures are named where they are asked for
"""The administration's API: every list is paged in one form, by a cursor that nobody can write or take elsewhere."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from administration_api_factories import let_in
from administration_lists_factories import READING, ada, all_pages, changed, fits  # noqa: F401 - a fixture
from live_grant_factories import sold
from store_factories import entry, revocation
from web_factories import door_of

from federation_bridge.web.api.administration.document import OPERATIONS


@pytest.mark.parametrize("path", [path for path in READING if OPERATIONS["GET", path].is_list])
def test_every_list_pages_in_the_same_form(ada, clock, path) -> None:
    for number in range(3):
        line = let_in(ada, clock, "auditors", subject=f"person{number}")
        changed(ada, clock, f"group{number}")
        ada.get("/sign-in/corp/oidc?code=x&state=y")
        store = door_of(ada.app).store
        sold(store, clock(), f"ASIAEXAMPLEEXAMPLE1{number}", grant_id=f"_{number}")
        store.revocations.add([revocation(clock(), f"end{number}")], entry(clock()))
    whole = all_pages(line, path)
    assert all_pages(line, path, limit=1) == whole
    assert path in ("/proposals", "/accounts", "/scim/users", "/scim/groups") or len(whole) > 1, path
    for bad in ({"limit": 0}, {"limit": 501}, {"limit": "x"}, {"limit": -1}, {"cursor": "x"}, {"cursor": "bnVsbA=="}):
        assert line.get(path, **bad).status_code == 400, bad
    assert line.get(path, limit=500).status_code == 200


@pytest.mark.parametrize(
    "cursor",
    ["é", "A" * 3000, "W10=", "WyJ4Iiwi4oCcIl0=", "//8=", "e30=", "WyJhIiwgbnVsbF0=", "MQ==", "W1tbW1tbW1tbW10="],
)
@pytest.mark.parametrize("path", ["/versions", "/audit", "/people", "/findings"])
def test_a_cursor_that_is_none_of_ours_is_refused(ada, clock, path, cursor) -> None:
    line = let_in(ada, clock, "auditors")
    assert fits(line.get(path, cursor=cursor), path)["error"]["code"] == "bad_request"


def test_a_cursor_is_of_its_filters_and_of_its_list(ada, clock) -> None:
    line = let_in(ada, clock, "auditors")
    for number in range(4):
        line.get(f"/nothing-{number}")
    following = line.get("/audit", limit=1).get_json()["next"]
    assert line.get("/audit", limit=3, cursor=following).status_code == 200
    assert line.get("/audit", limit=1, cursor=following, event="request.refused").status_code == 400
    assert line.get("/sign-ins", cursor=following).status_code == 400


def test_no_entry_falls_between_two_pages(ada, clock) -> None:
    line = let_in(ada, clock, "auditors")
    for number in range(60):
        clock.now += timedelta(seconds=number % 20 == 0)
        ada.get(f"/nothing-{number}")
    found = all_pages(line, "/audit", event="request.refused", limit=7)
    assert sorted(one["details"]["path"] for one in found) == sorted(f"/nothing-{number}" for number in range(60))


@pytest.mark.parametrize("own_database", [2**63, 10**400, -1], ids=["63 bits", "400 digits", "negative"])
def test_a_cursor_that_a_caller_wrote_asks_for_nothing_that_cannot_be_counted(ada, clock, own_database) -> None:
    """What binds a cursor to its question is no secret, so anybody who may ask can make one."""
    line = let_in(ada, clock, "auditors")
    for number in range(3):
        line.get(f"/nothing-{number}")
    following = line.get("/audit", limit=1).get_json()["next"]
    written = json.loads(base64.urlsafe_b64decode(following))
    forged = base64.urlsafe_b64encode(json.dumps([*written[:-1], own_database]).encode()).decode()

    assert line.get("/audit", limit=1, cursor=following).status_code == 200
    assert line.get("/audit", limit=1, cursor=forged).status_code == 200
