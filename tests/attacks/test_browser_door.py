"""Attack catalogue G, K and O at the browser's door: input made to trip it, beside what an honest browser sends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from databases import HeldClock
from web_factories import ACCOUNT, BASE, TOKEN, Person, person_at

from federation_bridge.web import cookies
from federation_bridge.web.forms import checked_return_path, form_token

ROLE = f"/api/v1/roles/{ACCOUNT}/Administrator/console"


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


@pytest.mark.parametrize("path", ["//[", "https://[x", "//\u2100", "/go/111122223333/Reader?to=//["])
def test_g07_an_address_that_no_parser_can_read_gives_home(person: Person, clock: HeldClock, path: str) -> None:
    assert checked_return_path(f"/go/{ACCOUNT}/Reader") == f"/go/{ACCOUNT}/Reader"
    assert checked_return_path(path) == "/"
    person.sign_in(clock, "admins")
    assert 'name="return_to" value="/"' in person.get("/confirm?" + urlencode({"to": path})).text


@pytest.mark.parametrize("body", ["[" * 50_000, '{"reason":' * 5_000], ids=["lists", "objects"])
def test_o01_json_as_deep_as_a_well_is_a_bad_request(person: Person, clock: HeldClock, body: str) -> None:
    person.sign_in(clock, "admins")
    assert _asked(person, '{"to": "/s3/home", "show_link": true}') == 200
    assert _asked(person, body) == 400


def _asked(person: Person, body: str) -> int:
    headers = {"X-CSRF-Token": form_token(TOKEN), "Content-Type": "application/json"}
    status: int = person.client.post(ROLE, base_url=BASE, data=body, headers=headers).status_code
    return status


def test_k01_the_cookie_of_a_session_that_has_ended_keeps_nobody_from_signing_in_again(person: Person) -> None:
    person.client.set_cookie(cookies.SESSION, "ef" * 32, domain="aws.example.com", secure=True)
    page = person.get("/")
    assert "Sign in with your company account" in page.text
    held = person.client.get_cookie(cookies.SIGN_IN, domain="aws.example.com")
    assert held is not None
    taken = person.post("/sign-in", {"email": "ada@nowhere.example"}, token=held.value)
    assert "No company sign-in is set up" in taken.text
    forged = person.post("/sign-in", {"email": "ada@nowhere.example"}, token="cd" * 32)
    assert forged.status_code == 403


def _left_open(person: Person, **headers: str) -> Any:
    """The click on a choice page whose cookie has ended since."""
    person.get(f"/go/{ACCOUNT}/Reader")
    held = person.client.get_cookie(cookies.SIGN_IN, domain="aws.example.com")
    assert held is not None
    person.client.delete_cookie(cookies.SIGN_IN, domain="aws.example.com")
    fields = {"email": "ada@nowhere.example", "return_to": f"/go/{ACCOUNT}/Reader"}
    return person.post("/sign-in", fields, token=held.value, **headers)


def test_a_choice_page_left_open_is_taken_where_the_browser_says_that_it_is_ours(person: Person) -> None:
    taken = _left_open(person, **{"Sec-Fetch-Site": "same-origin"})
    assert "No company sign-in is set up" in taken.text
    forged = _left_open(person, **{"Sec-Fetch-Site": "cross-site"})
    assert (forged.status_code, "Please use the buttons on our own pages." in forged.text) == (403, True)


def test_a_choice_page_left_open_is_shown_anew_to_a_browser_that_says_nothing(person: Person) -> None:
    """Then the page could be another site's, which would sign somebody in as itself (G06): nothing is begun."""
    page = _left_open(person)
    assert page.status_code == 403
    assert "This page was open for a long time." in page.text
    assert f'name="return_to" value="/go/{ACCOUNT}/Reader"' in page.text
    held = person.client.get_cookie(cookies.SIGN_IN, domain="aws.example.com")
    assert held is not None
    taken = person.post("/sign-in", {"email": "ada@nowhere.example"}, token=held.value)
    assert "No company sign-in is set up" in taken.text


IN_FRONT = [
    "X-Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "Via",
    "X-Forwarded-Proto",
    "True-Client-IP",
    "CF-Connecting-IP",
]


@pytest.mark.parametrize("header", IN_FRONT)
@pytest.mark.parametrize("value", ["203.0.113.9", "127.0.0.1", "for=127.0.0.1", ""])
def test_a_proxy_that_no_setting_names_lends_its_address_to_nobody(person: Person, header: str, value: str) -> None:
    assert person.get("/metrics").status_code == 200
    assert person.get("/metrics", **{header: value}).status_code == 404


METRICS_BEHIND_A_PROXY = [
    ({"X-Forwarded-For": "192.0.2.7:4711"}, 200),
    ({"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Via": "1.1 front"}, 200),
    ({}, 404),
    ({"X-Forwarded-For": "203.0.113.9"}, 404),
    ({"X-Forwarded-For": "203.0.113.9, 192.0.2.7"}, 404),
    ({"X-Forwarded-For": "192.0.2.7, unknown"}, 404),
    ({"X-Forwarded-For": "unknown"}, 404),
    ({"X-Real-IP": "192.0.2.7"}, 404),
    ({"Forwarded": "for=192.0.2.7"}, 404),
]


@pytest.mark.parametrize(("headers", "status"), METRICS_BEHIND_A_PROXY)
def test_metrics_are_for_whom_the_trusted_proxies_account_for(
    tmp_path: Path, clock: HeldClock, headers: dict[str, str], status: int
) -> None:
    serving = {"trusted_proxies": ["127.0.0.0/8"], "metrics_networks": ["192.0.2.0/24"]}
    for person in person_at(tmp_path, clock, serving=serving):
        assert person.get("/metrics", **headers).status_code == status
    for person in person_at(tmp_path, clock, serving={"trusted_proxies": ["127.0.0.0/8"]}):
        nobody_hidden = not headers
        assert (person.get("/metrics", **headers).status_code == 200) == nobody_hidden
