# ruff: noqa: F811 - fixtures are named where they are asked for
"""Blocks by page and by the API: an administrator keeps somebody out, lets them in again, and begins an incident."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from administration_api_factories import let_in as program_let_in
from administration_factories import MORE, browser
from administration_fixtures import ada  # noqa: F401 - a fixture
from block_factories import put
from databases import HeldClock
from jsonschema import Draft202012Validator
from store_factories import session
from web_factories import Person, door_of, settings_of_tests, write_files

from federation_bridge.web.api.openapi import DOCUMENT

PAGE = "/administration/blocks"


def others_sign_in(person: Person, clock: HeldClock, *names: str) -> None:
    for name in names:
        theirs = session(clock(), name[0] * 64, name)
        door_of(person.app).store.sessions.admit(theirs, "https://idp.example.com", f"_{name}", clock())


def signed_in(person: Person) -> set[str]:
    return {one.identity.person for one in door_of(person.app).store.sessions.living()}


def sent(by: Person, do: str, **fields: str) -> Any:
    return by.post(PAGE, {"do": do, "reason": "a stolen laptop", **fields})


def test_an_administrator_blocks_a_person_and_lets_them_in_again(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    others_sign_in(ada, clock, "bob")
    assert "Nobody is blocked." in ada.get(PAGE).text
    assert sent(ada, "block", person="corp/bob").headers["Location"].startswith(f"{PAGE}?ended=")
    page = ada.get(PAGE).text
    assert ("corp/bob" in page, "a stolen laptop" in page, "corp/ada" in page) == (True, True, True)
    assert signed_in(ada) == {"corp/ada"}
    assert "This person is blocked." in ada.get("/administration/people/corp/bob").text
    newest = door_of(ada.app).store.audit.entries(event="block.put")[0]
    assert (newest.person, newest.details["by"]) == ("corp/bob", "corp/ada")
    assert sent(ada, "unblock", person="corp/bob").status_code == 303
    assert "Nobody is blocked." in ada.get(PAGE).text


def test_an_end_alone_keeps_nobody_out(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    others_sign_in(ada, clock, "bob")
    assert sent(ada, "end", person="corp/bob").status_code == 303
    assert signed_in(ada) == {"corp/ada"}
    assert door_of(ada.app).store.blocks.standing() == ()


@pytest.mark.parametrize(("do", "number"), [("block", 1), ("end", 1), ("begin", 2)])
def test_the_page_says_what_ended(ada, clock, do: str, number: int) -> None:
    ada.sign_in(clock, "identity-team")
    others_sign_in(ada, clock, "bob", "carol")
    done = sent(ada, do, in_aws="yes", **({} if do == "begin" else {"person": "corp/bob"}))
    page = ada.get(done.headers["Location"]).text
    assert f"Browser sessions: {number}. Command lines: 0. Command lines not let in yet: 0." in page
    assert "AWS sessions that are ending: 0." in page


def test_the_page_says_nothing_of_an_end_that_the_audit_does_not_know(ada, clock) -> None:
    """Attack: a link puts before an administrator that somebody was ended, who was not."""
    ada.sign_in(clock, "identity-team")
    others_sign_in(ada, clock, "bob")
    sent(ada, "block", person="corp/bob")
    sent(ada, "unblock", person="corp/bob")
    lifted = door_of(ada.app).store.audit.entries(event="block.lifted")[0].reference
    for reference in ("AAAA-ZZZZ", lifted, "<script>"):
        assert "Browser sessions:" not in ada.get(f"{PAGE}?ended={reference}").text


def test_an_incident_spares_whoever_begins_it_and_those_whom_they_name(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    others_sign_in(ada, clock, "bob", "carol")
    assert sent(ada, "begin", excepted="corp/bob\n").status_code == 303
    assert signed_in(ada) == {"corp/ada", "corp/bob"}
    assert ada.get(PAGE).status_code == 200
    assert sent(ada, "over").status_code == 303
    assert "Nobody is blocked." in ada.get(PAGE).text


@pytest.mark.parametrize("source", ["scim", "signal"])
def test_a_block_is_lifted_on_the_page_where_the_connection_takes_its_source_no_more(ada, clock, source) -> None:
    ada.sign_in(clock, "identity-team")
    here = door_of(ada.app)
    put(here.store, clock, "corp/bob", source)
    assert 'value="unblock"' in ada.get(PAGE).text
    assert sent(ada, "unblock", person="corp/bob").status_code == 303
    assert here.store.blocks.standing() == ()


@pytest.mark.parametrize(
    ("source", "section", "settings"),
    [("scim", "scim", {}), ("signal", "signals", {"issuer": "https://signals.example.test", "subject": "subject"})],
)
def test_a_block_is_not_lifted_on_the_page_while_the_connection_takes_its_source(
    tmp_path, clock, source, section, settings
) -> None:
    connections = copy.deepcopy(settings_of_tests()["connections"])
    connections["corp"][section] = settings
    write_files(tmp_path)
    for person in browser(tmp_path, clock, MORE, connections=connections):
        person.sign_in(clock, "identity-team")
        put(door_of(person.app).store, clock, "corp/bob", source)
        assert 'value="unblock"' not in person.get(PAGE).text
        answer = sent(person, "unblock", person="corp/bob")
        assert (answer.status_code, f"is blocked by {source}, which alone lifts that" in answer.text) == (400, True)
        assert len(door_of(person.app).store.blocks.standing()) == 1


@pytest.mark.parametrize(
    ("do", "fields", "told"),
    [
        ("block", {"person": "corp/bobb"}, "did you mean"),
        ("block", {"person": "corp/bob", "reason": ""}, "a reason is needed"),
        ("block", {"person": "corp/ada"}, "nobody blocks themselves"),
        ("unblock", {"person": "corp/bob"}, "is blocked"),
        ("begin", {"connection": "corpp"}, "did you mean"),
        ("over", {}, "no incident stands"),
        ("open", {"person": "corp/bob"}, "there is no such button"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(ada, clock, do, fields, told) -> None:
    ada.sign_in(clock, "identity-team")
    others_sign_in(ada, clock, "bob")
    before = door_of(ada.app).store.blocks.standing(), signed_in(ada)
    answer = sent(ada, do, **fields)
    assert (answer.status_code, told in answer.text) == (400, True)
    assert (door_of(ada.app).store.blocks.standing(), signed_in(ada)) == before


@pytest.mark.parametrize("group", ["auditors", "writers", "admins"])
def test_whoever_is_no_administrator_blocks_nobody(ada, clock, group) -> None:
    ada.sign_in(clock, group)
    others_sign_in(ada, clock, "bob")
    assert sent(ada, "block", person="corp/bob").status_code == 404
    assert signed_in(ada) == {"corp/ada", "corp/bob"}


def test_what_somebody_calls_themselves_is_text_on_the_page(ada, clock) -> None:
    """Attack: the name of somebody who is blocked speaks to the browser of an administrator."""
    ada.sign_in(clock, "identity-team")
    put(door_of(ada.app).store, clock, "corp/<script>alert(1)</script>")
    page = ada.get(PAGE).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_program_does_what_the_page_does_and_its_answers_are_as_the_document_says(ada, clock) -> None:
    line = program_let_in(ada, clock, "identity-team")
    others_sign_in(ada, clock, "bob", "carol")

    def posted(path: str, body: dict[str, Any]) -> Any:
        answer = line.post(path, body)
        told = DOCUMENT["paths"][f"/administration{path}"]["post"]["responses"]["200"]
        schema = told["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(answer.get_json())
        return answer.get_json()

    assert posted("/blocks", {"person": "corp/bob", "reason": "left"})["sessions"] == 1
    assert [one["scope"] for one in line.get("/blocks").get_json()["blocks"]] == ["corp/bob"]
    assert posted("/blocks/lift", {"person": "corp/bob"}) == {"blocks": []}
    assert posted("/people/end", {"person": "corp/carol", "reason": "a stolen laptop"})["sessions"] == 1
    assert posted("/incident", {"excepted": [], "reason": "a break-in"})["in_aws"] == 0
    assert line.get("/blocks").status_code == 200  # whoever began it is spared
    assert posted("/incident/end", {})["blocks"][0]["excepted"] == ["corp/ada"]


@pytest.mark.parametrize(("do", "field"), [("block", "person"), ("begin", "excepted")])
def test_what_was_typed_still_stands_after_a_mistake(ada, clock, do: str, field: str) -> None:
    ada.sign_in(clock, "identity-team")
    page = sent(ada, do, **{field: "corp/nobody-here", "in_aws": "yes"})
    assert page.status_code == 400
    assert page.text.count("a stolen laptop") == 1
    assert page.text.count('name="in_aws" value="yes" checked') == 1
    assert page.text.count('name="unseen" value="yes">') == 2
    assert sent(ada, do, **{field: "corp/nobody-here", "unseen": "yes"}).status_code == 303


def test_an_incident_keeps_the_people_of_one_connection_out(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    others_sign_in(ada, clock, "bob")
    page = ada.get(PAGE).text
    assert '<option value="partner">' in page
    assert sent(ada, "begin", connection="partner").status_code == 303
    assert signed_in(ada) == {"corp/ada", "corp/bob"}, "nobody of another connection is meant"
    (standing,) = door_of(ada.app).store.blocks.standing()
    assert (standing.scope, standing.source) == ("partner", "incident")


def test_a_mistake_in_an_incident_keeps_the_connection_that_was_picked(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    answer = sent(ada, "begin", connection="partner", reason="")
    assert answer.status_code == 400
    assert '<option value="partner" selected>' in answer.text
    assert door_of(ada.app).store.blocks.standing() == ()
