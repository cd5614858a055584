"""Streams of shared signals by page and by the API: their state, and to try, pause or remove one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from administration_api_factories import let_in as program_let_in
from administration_factories import browser
from databases import HeldClock
from jsonschema import Draft202012Validator
from transmitters import CAEP, ISSUER, Sender, transmitter_of
from web_factories import BASE, Person, door_of, write_files

from federation_bridge.administration import signals as streams
from federation_bridge.web.api.openapi import DOCUMENT

PAGE = "/administration/signals"
ACCESS = "access-to-the-transmitter"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"


@pytest.fixture
def sender(clock: HeldClock) -> Sender:
    made = Sender(clock)
    made.answers = {
        f"GET {ISSUER}/status": (200, {"status": "enabled"}),
        f"POST {ISSUER}/status": (200, {}),
        f"POST {ISSUER}/verification": (204, {}),
        f"DELETE {ISSUER}/configuration": (204, {}),
    }
    return made


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock, sender: Sender) -> Iterator[Person]:
    write_files(tmp_path)
    for person in browser(tmp_path, clock):
        signals: Any = door_of(person.app).signals
        signals._parts.transmitters["corp"] = transmitter_of(sender)
        object.__setattr__(signals._parts, "outgoing", sender)
        person.sign_in(clock, "identity-team")
        yield person


def set_up(person: Person, clock: HeldClock, stream: str = "s-1") -> str:
    door = door_of(person.app)
    return streams.new_token(door.store, clock, door.randomness, "corp", stream)


def pressed(person: Person, do: str, **fields: str) -> Any:
    return person.post(PAGE, {"do": do, "connection": "corp", "access": ACCESS, **fields})


def asked(sender: Sender) -> list[tuple[str, str, Any]]:
    return [one for one in sender.asked if "well-known" not in one[1]]


def test_the_page_tells_what_is_set_up_what_came_last_and_when_it_was_tried(
    ada: Person, clock: HeldClock, sender: Sender
) -> None:
    assert "No stream is set up" in ada.get(PAGE).text
    bearer = set_up(ada, clock)
    assert "2026-03-04 12:00 UTC" in ada.get(PAGE).text
    for number, uri in enumerate((VERIFICATION, f"{CAEP}session-revoked")):
        event = sender.event(uri, jti=f"event-{number}")
        headers = {"Content-Type": "application/secevent+jwt", "Authorization": f"Bearer {bearer}"}
        assert ada.client.post("/ssf/corp", base_url=BASE, data=event, headers=headers).status_code == 202
        clock.now = clock.now.replace(minute=number + 1)
    text = ada.get(PAGE).text
    assert "session-revoked, 2026-03-04 12:01 UTC" in text
    assert "Newest verification: 2026-03-04 12:00 UTC" in text


@pytest.mark.parametrize(
    ("stream", "named"), [("s-1", "s-1"), ("a&status=x", "a%26status%3Dx"), ("a b#c\u00e9", "a+b%23c%C3%A9")]
)
def test_a_stream_is_named_to_its_transmitter_as_that_called_it_and_as_nothing_else(
    ada: Person, clock: HeldClock, sender: Sender, stream: str, named: str
) -> None:
    set_up(ada, clock, stream)
    sender.answers |= {
        f"GET {ISSUER}/status?stream_id={named}": (200, {"status": "enabled"}),
        f"DELETE {ISSUER}/configuration?stream_id={named}": (204, {}),
    }
    pressed(ada, "status")
    pressed(ada, "remove")
    assert [(method, url) for method, url, _ in asked(sender)] == [
        ("GET", f"{ISSUER}/status?stream_id={named}"),
        ("DELETE", f"{ISSUER}/configuration?stream_id={named}"),
    ]


def test_an_administrator_asks_pauses_resumes_and_removes(ada: Person, clock: HeldClock, sender: Sender) -> None:
    set_up(ada, clock)
    assert "enabled" in pressed(ada, "status").text
    assert "A verification event was asked for" in pressed(ada, "verify").text
    for do, status in (("pause", "paused"), ("resume", "enabled")):
        assert pressed(ada, do).headers["Location"] == PAGE
        assert asked(sender)[-1] == ("POST", f"{ISSUER}/status", {"stream_id": "s-1", "status": status})
    assert pressed(ada, "remove").status_code == 303
    assert asked(sender)[-1][:2] == ("DELETE", f"{ISSUER}/configuration?stream_id=s-1")
    assert door_of(ada.app).store.signal_streams.of("corp") is None
    changed = door_of(ada.app).store.audit.entries(event="signal.stream_changed")
    assert [(one.details["did"], one.person) for one in changed[:3]] == [
        ("removed", "corp/ada"),
        ("asked to resume", "corp/ada"),
        ("asked to pause", "corp/ada"),
    ]


def test_the_access_token_is_kept_nowhere_and_shown_to_nobody(
    ada: Person, clock: HeldClock, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(ada, clock)
    answers = [pressed(ada, do) for do in ("status", "verify", "pause")]
    answers.append(pressed(ada, "status", connection="other"))
    assert [one for one in answers if ACCESS in one.text] == []
    store = door_of(ada.app).store
    assert ACCESS not in json.dumps([dict(one.details) for one in store.audit.entries()], default=str)
    assert ACCESS not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"do": "status", "access": ""}, "an access token"),
        ({"do": "status", "access": "a\u202eb"}, "access"),
        ({"do": "delete everything"}, "one of status"),
        ({"do": "status", "connection": "partner"}, "takes no shared signals"),
        ({"do": "status", "connection": "nobody"}, "takes no shared signals"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_nobody_is_asked(
    ada: Person, clock: HeldClock, sender: Sender, fields: dict[str, str], why: str
) -> None:
    set_up(ada, clock)
    answer = pressed(ada, **fields)
    assert answer.status_code == 400
    assert why in answer.text or "access" not in why
    assert asked(sender) == []


def test_a_transmitter_that_refuses_is_told_and_changes_nothing(ada: Person, clock: HeldClock, sender: Sender) -> None:
    set_up(ada, clock)
    sender.answers[f"POST {ISSUER}/status"] = (403, {})
    answer = pressed(ada, "pause")
    assert (answer.status_code, "answered 403" in answer.text) == (400, True)
    assert door_of(ada.app).store.signal_streams.of("corp") is not None


def test_who_only_looks_sees_no_form_and_can_press_nothing(ada: Person, clock: HeldClock, sender: Sender) -> None:
    set_up(ada, clock)
    ada.sign_in(clock, "auditors", token="b" * 64)
    page = ada.get(PAGE)
    assert (page.status_code, 'name="access"' in page.text) == (200, False)
    answer = ada.post(PAGE, {"do": "remove", "connection": "corp", "access": ""}, token="b" * 64)
    assert (answer.status_code, asked(sender)) == (404, [])


def test_programs_do_the_same(ada: Person, clock: HeldClock, sender: Sender) -> None:
    set_up(ada, clock)
    program = program_let_in(ada, clock, "identity-team")
    schemas = DOCUMENT["components"]["schemas"]
    listed = program.get("/signals")
    Draft202012Validator({**schemas["SignalStreams"], "components": {"schemas": schemas}}).validate(listed.json)
    assert [(one["connection"], one["is_set_up"]) for one in listed.json["streams"]] == [("corp", True)]
    answer = program.post("/signals", {"do": "status", "connection": "corp", "access": ACCESS})
    assert answer.json == {"told": "enabled"}
    assert program.post("/signals", {"do": "status", "connection": "corp"}).status_code == 400
