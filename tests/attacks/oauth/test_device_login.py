# ruff: noqa: F811 - fixtures are named where they are asked for
"""Attacks on the device flow (attack catalogue N01 to N06), each beside the honest login that must go through."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from databases import HeldClock
from markupsafe import escape
from oauth_factories import Program, approve, claim, decide
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import BASE, Person, door_of

OTHER = "cd" * 32


def events(person: Person) -> list[str]:
    return [entry.event for entry in door_of(person.app).store.audit.entries()]


# -------------------------------------------------------------------------------------------------- N01: the phisher


def test_an_honest_device_login_goes_through(program: Program) -> None:
    tokens = program.login()
    assert tokens["token_type"] == "DPoP"
    assert tokens["expires_in"] == 900
    assert program.call("GET", "/api/v1/me", tokens["access_token"]).get_json()["person"] == "corp/ada"


def test_the_approval_page_shows_what_asks_from_where_when_and_how_long_it_holds(
    person: Person, program: Program, clock: HeldClock
) -> None:
    begun = program.begin()
    clock.advance(timedelta(minutes=3))
    page = claim(person, begun["user_code"]).text
    for shown in (
        "fedbridge",
        "laptop",
        "192.0.2.7",
        "unknown place",
        "fedbridge/1.0",
        "2026-03-04 12:00 UTC",
    ):
        assert shown in page, shown
    assert re.search(r"\b3( min ago)?</dd>", page), "how long ago"
    assert "2026-03-05 00:00 UTC" in page
    assert "nobody has checked it" in page


def test_a_code_in_a_link_is_not_heeded(person: Person, program: Program) -> None:
    begun = program.begin()
    assert "verification_uri_complete" not in begun
    page = person.get(f"/device?user_code={begun['user_code']}")
    assert page.status_code == 200
    assert begun["user_code"] not in page.text
    assert "device.claimed" not in events(person)
    assert program.poll(begun["device_code"]).get_json()["error"] == "authorization_pending"


def test_the_page_warns_where_the_addresses_differ_and_not_where_they_are_one(person: Person, clock: HeldClock) -> None:
    warning = "another address than you are"
    assert warning in claim(person, Program(person, clock).begin()["user_code"]).text
    assert warning not in claim(person, Program(person, clock, "127.0.0.1").begin()["user_code"]).text


def test_the_operator_can_refuse_another_address(make_person: Callable[..., Person], clock: HeldClock) -> None:
    person = make_person(refuse_other_address=True)
    away, here = Program(person, clock), Program(person, clock, "127.0.0.1")
    begun = away.begin()
    assert 'value="allow"' not in claim(person, begun["user_code"]).text
    assert decide(person, begun["user_code"]).status_code == 403
    assert away.poll(begun["device_code"]).get_json()["error"] == "access_denied"
    assert here.login()["token_type"] == "DPoP"


def test_an_old_sign_in_approves_nothing_until_it_is_renewed(
    person: Person, program: Program, clock: HeldClock
) -> None:
    begun = program.begin()
    assert claim(person, begun["user_code"]).status_code == 200
    clock.advance(timedelta(minutes=16))
    again = program.begin()
    assert "/device/sign-in" in person.get("/device").text
    assert claim(person, again["user_code"]).status_code == 403
    assert decide(person, again["user_code"]).status_code == 403
    assert "device.claimed" in events(person)
    assert "command_line.approved" not in events(person)
    person.sign_in(clock, "admins", token=OTHER)
    assert approve(person, again["user_code"], token=OTHER).status_code == 200


OFF: dict[str, dict[str, Any]] = {
    "for everybody": {"device_flow": False},
    "for the connection": {"device_flow_connections": ["partner"]},
    "for a group": {"device_flow_refused_groups": {"corp": ["admins"]}},
}


@pytest.mark.parametrize("settings", OFF.values(), ids=OFF)
def test_the_operator_can_switch_the_flow_off(
    make_person: Callable[..., Person], clock: HeldClock, settings: dict[str, Any]
) -> None:
    person = make_person("admins", "readers", **settings)
    program = Program(person, clock)
    if settings.get("device_flow") is False:
        answer = program.post("/oauth/device_authorization")
        assert (answer.status_code, answer.get_json()["error"]) == (400, "unauthorized_client")
        assert "device_authorization_endpoint" not in person.get("/.well-known/oauth-authorization-server").get_json()
        return
    begun = program.begin()
    assert claim(person, begun["user_code"]).status_code == 400
    assert decide(person, begun["user_code"]).status_code == 400
    assert program.poll(begun["device_code"]).get_json()["error"] == "authorization_pending"
    assert "device.refused" in events(person)


def test_a_switch_for_others_leaves_my_flow_on(make_person: Callable[..., Person], clock: HeldClock) -> None:
    mine = {
        "device_flow_connections": ["corp"],
        "device_flow_refused_groups": {"corp": ["roots"], "partner": ["admins"]},
    }
    assert Program(make_person(**mine), clock).login()


def test_who_has_no_role_lets_nothing_in(make_person: Callable[..., Person], clock: HeldClock) -> None:
    person = make_person("nobodies")
    begun = Program(person, clock).begin()
    assert approve(person, begun["user_code"]).status_code == 403


def test_an_unconfirmed_sign_in_lets_nothing_in(person: Person, program: Program, clock: HeldClock) -> None:
    begun = program.begin()
    person.sign_in(clock, "admins", token=OTHER, confirmed=False)
    assert claim(person, begun["user_code"], token=OTHER).status_code == 401
    assert decide(person, begun["user_code"], token=OTHER).status_code == 401


# ----------------------------------------------------------------------------------------------- N05, N06: use twice


def test_a_device_code_gives_tokens_once(person: Person, program: Program) -> None:
    begun = program.begin()
    approve(person, begun["user_code"])
    assert program.poll(begun["device_code"]).status_code == 200
    assert program.poll(begun["device_code"]).get_json()["error"] == "invalid_grant"


@pytest.mark.parametrize("then", ["allow", "deny"])
def test_a_denial_is_final(person: Person, program: Program, then: str) -> None:
    begun = program.begin()
    claim(person, begun["user_code"])
    assert decide(person, begun["user_code"], "deny").status_code == 200
    assert decide(person, begun["user_code"], then).status_code == 403
    assert claim(person, begun["user_code"]).status_code == 403
    assert program.poll(begun["device_code"]).get_json()["error"] == "access_denied"
    assert program.poll(begun["device_code"]).get_json()["error"] == "access_denied"


def test_a_client_of_another_name_gets_nothing(person: Person, program: Program, clock: HeldClock) -> None:
    begun = program.begin()
    approve(person, begun["user_code"])
    stranger = Program(person, clock, client_id="aws-sso", key=program.key)
    assert stranger.poll(begun["device_code"]).get_json()["error"] == "invalid_grant"
    unknown = Program(person, clock, client_id="nobody").poll(begun["device_code"])
    assert (unknown.status_code, unknown.get_json()["error"]) == (401, "invalid_client")
    assert program.poll(begun["device_code"]).status_code == 200


@pytest.mark.parametrize("label", ["adas-laptop", "fedbridge @ build_7.example.com"])
def test_a_machines_name_is_shown_as_what_the_program_calls_itself(
    person: Person, program: Program, label: str
) -> None:
    answer = program.post("/oauth/device_authorization", client_label=label)
    assert f"“{label}”" in claim(person, answer.get_json()["user_code"]).text


SENTENCES = [
    "<script>x</script>",
    "Your administrator: press Yes",
    "a @ b @ c",
    "\u8bf7\u6309\u5141\u8bb8",
    "lap\u202etop",
    "lap\u2028top",
    "lap\u200btop",
    "lap\u009btop",
    "lap\u00adtop",
    "lap\u3164top",
    "\u217aaptop",
    "x" * 49,
]


@pytest.mark.parametrize("label", SENTENCES)
def test_what_is_no_machines_name_is_not_shown(person: Person, program: Program, label: str) -> None:
    answer = program.post("/oauth/device_authorization", client_label=label)
    page = claim(person, answer.get_json()["user_code"]).text
    assert "“fedbridge/1.0”" in page
    assert label not in page
    assert str(escape(label)) not in page
    assert program.post("/oauth/device_authorization", client_label="a\nb").status_code == 400


def test_a_user_agent_that_is_a_sentence_is_not_shown(person: Person, program: Program) -> None:
    said = "aws-cli/2.1 os/linux Your administrator asks you to press Yes \u00ad"
    begun = program.client.post(
        "/oauth/device_authorization",
        base_url=BASE,
        data={"client_id": "fedbridge"},
        headers={"User-Agent": said, "DPoP": program.proof("POST", "/oauth/device_authorization")},
    )
    page = claim(person, begun.get_json()["user_code"]).text
    assert "aws-cli/2.1 (linux)" in page
    assert "administrator asks" not in page
