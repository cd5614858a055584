# ruff: noqa: F811 - fixtures are named where they are asked for
"""Ends in AWS by page and by the API: what became of each is shown, administrators end, nobody else does."""

from __future__ import annotations

import re
from typing import Any

import live_grant_factories
import pytest
from administration_api_factories import let_in
from administration_fixtures import ada  # noqa: F401 - a fixture
from databases import HeldClock
from jsonschema import Draft202012Validator
from sqlalchemy import update
from store_factories import revocation
from web_factories import Person, door_of

from federation_bridge.administration import aws_sessions
from federation_bridge.model import Revocation, RevocationState
from federation_bridge.store.tables import REVOCATIONS
from federation_bridge.web.api.openapi import DOCUMENT

PAGE = "/administration/aws/endings"
ACCOUNT = "123456789012"
NAMES = {"grant": "_grant", "person": "corp/bob", "role": f"{ACCOUNT}/Admin", "account": ACCOUNT}


def bob_is_alive(person: Person, clock: HeldClock) -> None:
    live_grant_factories.sold(door_of(person.app).store, clock(), person="corp/bob")


def asked(person: Person) -> tuple[Revocation, ...]:
    return door_of(person.app).store.revocations.newest(10)


def sent(by: Person, kind: str, name: str, reason: str = "a stolen laptop") -> Any:
    return by.post(PAGE, {"kind": kind, "name": name, "reason": reason})


def as_documented(answer: Any, path: str, method: str) -> Any:
    told = DOCUMENT["paths"][f"/administration{path}"][method]["responses"]["200"]
    schema = told["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(answer.get_json())
    return answer.get_json()


@pytest.mark.parametrize("kind", list(NAMES))
def test_an_administrator_ends_by_the_page_and_sees_what_becomes_of_it(ada, clock, kind: str) -> None:
    ada.sign_in(clock, "identity-team")
    bob_is_alive(ada, clock)

    page = sent(ada, kind, NAMES[kind])

    assert (page.status_code, "AWS sessions that are ending: 1." in page.text) == (200, True)
    [found] = asked(ada)
    assert (found.kind, found.account, found.because) == (kind, ACCOUNT, "corp/ada: a stolen laptop")
    [entry] = door_of(ada.app).store.audit.entries(event="aws_sessions.end_asked")
    assert (entry.details["by"], entry.details["whose"]) == ("corp/ada", NAMES[kind])
    assert entry.address, "the audit says from where it was asked"
    assert "corp/ada: a stolen laptop" in ada.get(PAGE).text


@pytest.mark.parametrize(
    ("kind", "name", "reason", "told"),
    [
        ("person", "corp/bobb", "left", "corp/bob"),
        ("grant", "_grand", "left", "_grant"),
        ("grant", "_grant", " ", "a reason is needed"),
        ("grant", "_grant", "left (approved by corp/eve)", "cannot say"),
        ("everybody", "corp/bob", "left", "there is no end of that kind"),
        ("role", "Admin", "left", "ACCOUNT/ROLE"),
    ],
)
def test_what_cannot_end_is_told_keeps_what_was_typed_and_asks_nothing(ada, clock, kind, name, reason, told) -> None:
    ada.sign_in(clock, "identity-team")
    bob_is_alive(ada, clock)
    page = sent(ada, kind, name, reason)
    assert (page.status_code, told in page.text, f'name="name" value="{name}"' in page.text) == (400, True, True)
    line = let_in(ada, clock, "identity-team")
    answer = line.post("/aws/end", {"kind": kind, "name": name, "reason": reason})
    assert (answer.status_code in {400, 404}, told in answer.get_json()["error"]["detail"]) == (True, True)
    assert asked(ada) == ()


@pytest.mark.parametrize("group", ["auditors", "writers"])
def test_whoever_is_no_administrator_reads_and_ends_nothing(ada, clock, group: str) -> None:
    ada.sign_in(clock, group)
    bob_is_alive(ada, clock)
    assert "End AWS sessions" not in ada.get(PAGE).text
    assert PAGE + "?" not in ada.get("/administration/grants").text
    assert sent(ada, "grant", "_grant").status_code == 404
    line = let_in(ada, clock, group)
    assert line.get("/aws/endings").status_code == 200
    assert line.post("/aws/end", {"kind": "grant", "name": "_grant", "reason": "left"}).status_code == 404
    assert asked(ada) == ()


def test_each_line_of_what_is_alive_and_each_filter_leads_to_its_end(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    bob_is_alive(ada, clock)
    led = {
        "": "kind=grant&amp;name=_grant",
        "?person=corp/bob": "kind=person&amp;name=corp%2Fbob",
        f"?account={ACCOUNT}": f"kind=account&amp;name={ACCOUNT}",
        f"?account={ACCOUNT}&role=Admin": f"kind=role&amp;name={ACCOUNT}%2FAdmin",
    }
    for query, link in led.items():
        assert f'href="{PAGE}?{link}"' in ada.get(f"/administration/grants{query}").text, query
    form = ada.get(f"{PAGE}?kind=person&name=corp/bob").text
    assert '<option value="person" selected>' in form and 'name="name" value="corp/bob"' in form


def test_a_block_says_what_ended_and_leads_to_the_ends_in_aws(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    block = {"do": "block", "person": "corp/bob", "reason": "left", "unseen": "yes"}
    for more in ({}, {"in_aws": "yes"}):
        left = ada.post("/administration/blocks", block | more).headers["Location"]
        assert left.startswith("/administration/blocks?ended=")
        assert f'href="{PAGE}"' in ada.get(left).text


def test_each_state_is_shown_with_what_to_do_whole_and_as_text(ada, clock) -> None:
    """Attack beside it: what AWS or a name says speaks to the browser of an administrator."""
    ada.sign_in(clock, "identity-team")
    policy = '{"Version": "2012-10-17"}' * 60
    could_not = revocation(clock(), "a", state=RevocationState.COULD_NOT, told=f"paste <script>{policy}")
    ended = revocation(clock(), "b", state=RevocationState.ENDED, settled_at=clock())
    door_of(ada.app).store.revocations.add([could_not, ended, revocation(clock(), "c")])

    page = ada.get(PAGE).text

    assert all(words in page for words in ("could not: do this", "ended, checked", ">ending<", "Somebody has to act"))
    assert "<script>{" not in page
    assert policy.replace('"', "&#34;") in page


def test_a_program_ends_and_reads_as_the_document_says(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team")
    bob_is_alive(ada, clock)
    wish = {"kind": "grant", "name": "_grant", "reason": "left"}
    assert as_documented(line.post("/aws/end", wish), "/aws/end", "post")["in_aws"] == 1
    [told] = as_documented(line.get("/aws/endings"), "/aws/endings", "get")["items"]
    assert (told["kind"], told["state"], told["person"]) == ("grant", "ending", "corp/bob")


def _forge(store: Any, asked: str) -> None:
    with store._database.writing() as connection:
        connection.execute(update(REVOCATIONS).where(REVOCATIONS.c.id == asked).values(because="forged"))


def test_all_ends_are_found_page_by_page_and_a_forged_row_hides_none_behind_it(ada, clock, monkeypatch) -> None:
    line = let_in(ada, clock, "identity-team")
    store = door_of(ada.app).store
    store.revocations.add([revocation(clock(), f"{n}") for n in range(5)])
    _forge(store, "1")
    seen, asked = [], {"limit": "2"}
    while asked:
        told = as_documented(line.get("/aws/endings", **asked), "/aws/endings", "get")
        seen += [one["id"] for one in told["items"]]
        asked = {"limit": "2", "cursor": told["next"]} if told["next"] else {}
    assert seen == ["0", "2", "3", "4"]

    monkeypatch.setattr(aws_sessions, "MOST_SHOWN", 2)
    ada.sign_in(clock, "identity-team")
    first = ada.get(PAGE).text
    [following] = re.findall(r'href="(/administration/aws/endings[?]after=[^"]+)"', first)
    assert first.count(">ending<") == 1
    assert ada.get(following.replace("&amp;", "&")).text.count(">ending<") == 2
    assert ada.get(f"{PAGE}?after=none+x").status_code == 400
