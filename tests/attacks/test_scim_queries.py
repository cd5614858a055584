# ruff: noqa: F811 - fixtures are named where they are asked for
"""What a SCIM client may ask for: filters find whom they name, pages are whole and bounded."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from scim_factories import ALICE, ScimClient
from scim_fixtures import app, client  # noqa: F401 - fixtures

from federation_bridge.web.scim import groups

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


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
