# ruff: noqa: F811 - fixtures are named where they are asked for
"""An emergency is told on every page, and to administrators until another one has seen to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from administration_fixtures import ada, marked  # noqa: F401 - fixtures
from administration_pages_factories import GET
from databases import HeldClock
from web_factories import TOKEN, Person, door_of

from federation_bridge.audit import AuditQuery, Entry, RulebookEmergency
from federation_bridge.model import RequestOrigin


@pytest.mark.parametrize("path", GET)
def test_every_page_tells_of_an_emergency_for_a_set_time(ada, clock, path) -> None:
    ada.sign_in(clock, "identity-team")
    words = "Changed in an emergency, without a second person"
    assert words not in ada.get(path).text
    event = RulebookEmergency("corp/bob (Bob)", "<b>the role was gone", 3, "f" * 64, "marked")
    door_of(ada.app).store.audit.record(Entry(clock(), RequestOrigin("operator"), event))
    told = ada.get(path).text
    assert (words in told, "corp/bob (Bob)" in told, "&lt;b&gt;the role was gone" in told) == (True, True, True)
    clock.advance(timedelta(days=8))
    ada.sign_in(clock, "identity-team", token="v" * 64)
    assert words not in ada.get(path).text


def emergency(person: Person, clock: HeldClock, by: str = "") -> None:
    event = RulebookEmergency("corp/bob (Bob)", "the role was gone", 3, "f" * 64, "marked")
    door_of(person.app).store.audit.record(Entry(clock(), RequestOrigin("operator"), event, by, "corp" if by else ""))


def seen_to(person: Person, **fields: str) -> int:
    return int(
        person.post("/administration/emergencies/seen", {"number": "3", "note": "it was right"} | fields).status_code
    )


def open_emergencies(person: Person) -> str:
    return next(
        line for line in person.get("/metrics").text.splitlines() if line.startswith("bridge_rulebook_emergenc")
    )


def test_an_emergency_is_told_until_another_administrator_has_seen_to_it(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    assert open_emergencies(ada) == "bridge_rulebook_emergencies 0.0"
    assert seen_to(ada) == 404, "there is none"
    emergency(ada, clock, "corp/bob")
    clock.advance(timedelta(minutes=1))
    assert open_emergencies(ada) == "bridge_rulebook_emergencies 1.0"
    assert "I have dealt with it" in ada.get("/administration/rules").text
    assert [seen_to(ada, note=""), seen_to(ada, number="4"), seen_to(ada, number="x")] == [400, 404, 400]
    assert seen_to(ada) == 303
    assert "Changed in an emergency" not in ada.get("/administration").text
    assert open_emergencies(ada) == "bridge_rulebook_emergencies 0.0"
    (row,) = door_of(ada.app).store.audit.found(AuditQuery(event="rulebook.emergency_seen"))
    assert (row.person, row.details["number"], row.details["note"]) == ("corp/ada", 3, "it was right")
    assert seen_to(ada) == 404, "once"
    # A later one is told anew.
    event = RulebookEmergency("x", "again", 4, "e" * 64, "marked")
    door_of(ada.app).store.audit.record(Entry(clock(), RequestOrigin("operator"), event))
    assert "again" in ada.get("/administration").text


def test_who_made_it_and_who_may_only_read_do_not_end_its_notice(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    emergency(ada, clock, "corp/ada")
    page = ada.get("/administration").text
    assert "Changed in an emergency" in page and "I have dealt with it" not in page
    assert seen_to(ada) == 400
    ada.sign_in(clock, "auditors", token=TOKEN[::-1])
    assert (
        ada.post("/administration/emergencies/seen", {"number": "3", "note": "n"}, token=TOKEN[::-1]).status_code == 404
    )
    assert "I have dealt with it" not in ada.get("/administration").text
