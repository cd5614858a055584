# ruff: noqa: F811 - fixtures are named where they are asked for
"""Attacks N02 to N04 on device codes: guessed, polled too often, approved by the wrong person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from databases import HeldClock
from oauth_factories import Program, claim, decide
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import BASE, Person

OTHER = "cd" * 32


def other_browser(person: Person, clock: HeldClock) -> Person:
    """A second browser, signed in, of the same application."""
    browser = Person(person.app, person.app.test_client())
    browser.sign_in(clock, "admins", token=OTHER)
    return browser


# ------------------------------------------------------------------------------------------------- N02: the guesser


@pytest.mark.parametrize(
    "wrong",
    [
        "BCDF-GHJK",
        "",
        "AAAA-AAAA",
        "bcdfghj",
        "BCDFGHJKL",
        "\uff22CDFGHJK",
        "'; --",
        "BCDF\u0131GHJ",
    ],
)
def test_a_wrong_code_is_refused_in_one_sentence(person: Person, program: Program, wrong: str) -> None:
    program.begin()
    answer = claim(person, wrong)
    assert answer.status_code == 403
    assert "This code is not valid" in answer.text


def test_the_sixth_wrong_code_of_a_person_is_not_even_looked_at(
    person: Person, program: Program, clock: HeldClock
) -> None:
    begun = program.begin()
    assert [claim(person, "BCDF-GHJK").status_code for _ in range(5)] == [403] * 5
    assert claim(person, begun["user_code"]).status_code == 429
    elsewhere = other_browser(person, clock)
    assert claim(elsewhere, begun["user_code"], token=OTHER).status_code == 429
    clock.advance(timedelta(minutes=10))
    assert claim(person, program.begin()["user_code"]).status_code == 200


def test_right_codes_use_up_no_tries(person: Person, program: Program) -> None:
    for _ in range(8):
        assert claim(person, program.begin()["user_code"]).status_code == 200


@pytest.mark.parametrize("typed", ["{0}", "{1}", " {2} ", "{3}"], ids=["shown", "joined", "lower", "spaced"])
def test_a_code_is_read_however_people_write_it(person: Person, program: Program, typed: str) -> None:
    code = program.begin()["user_code"]
    forms = (code, code.replace("-", ""), code.lower(), code.replace("-", " "))
    assert claim(person, typed.format(*forms)).status_code == 200


# -------------------------------------------------------------------------------------------------- N03: the poller


def test_a_poller_that_does_not_wait_is_slowed_down(program: Program, clock: HeldClock) -> None:
    begun = program.begin()
    assert begun["interval"] == 5
    errors = []
    for wait in (0, 1, 5, 20):
        clock.advance(timedelta(seconds=wait))
        errors.append(program.poll(begun["device_code"]).get_json()["error"])
    assert errors == ["authorization_pending", "slow_down", "slow_down", "authorization_pending"]


def test_codes_are_not_given_without_end(program: Program, clock: HeldClock) -> None:
    statuses = [program.post("/oauth/device_authorization").status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    assert Program(program.person, clock, "198.51.100.9").begin()
    clock.advance(timedelta(minutes=10))
    assert program.begin()


@pytest.mark.parametrize("device_code", ["", "fbd_" + "0" * 64, "x" * 300, "\u2028"])
def test_a_device_code_that_is_nobodys_is_an_invalid_grant(program: Program, device_code: str) -> None:
    answer = program.poll(device_code)
    assert answer.status_code == 400
    assert answer.get_json()["error"] in ("invalid_grant", "invalid_request")


def test_a_code_ends_after_ten_minutes(person: Person, program: Program, clock: HeldClock) -> None:
    begun = program.begin()
    assert begun["expires_in"] == 600
    clock.advance(timedelta(minutes=10))
    assert claim(person, begun["user_code"]).status_code == 403
    assert program.poll(begun["device_code"]).get_json()["error"] == "expired_token"


# -------------------------------------------------------------------------------------- N04: the confused approver


def test_the_first_session_that_types_a_code_has_it(person: Person, program: Program, clock: HeldClock) -> None:
    begun = program.begin()
    assert claim(person, begun["user_code"]).status_code == 200
    elsewhere = other_browser(person, clock)
    assert claim(elsewhere, begun["user_code"], token=OTHER).status_code == 403
    for decision in ("allow", "deny"):
        assert decide(elsewhere, begun["user_code"], decision, token=OTHER).status_code == 403
    assert decide(person, begun["user_code"]).status_code == 200


@pytest.mark.parametrize("path", ["/device", "/device/decision", "/device/sign-in", "/command-lines/end"])
def test_another_site_cannot_press_the_buttons(person: Person, program: Program, path: str) -> None:
    begun = program.begin()
    claim(person, begun["user_code"])
    fields = {"user_code": begun["user_code"], "decision": "allow"}
    assert person.post(path, fields, token=None).status_code == 403
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert person.client.post(path, base_url=BASE, data=fields, headers=headers).status_code == 403
    assert program.poll(begun["device_code"]).get_json()["error"] == "authorization_pending"


def test_the_pages_are_in_no_frame(person: Person, program: Program) -> None:
    page = claim(person, program.begin()["user_code"])
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
