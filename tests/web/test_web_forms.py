# ruff: noqa: F811 - fixtures are named where they are asked for
"""The browser's door: what its forms demand, and how it refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from databases import HeldClock
from web_factories import ACCOUNT, BASE, TOKEN, Person, door_of
from web_fixtures import audit_of, person  # noqa: F401 - a fixture

from federation_bridge.web import cookies
from federation_bridge.web.forms import checked_return_path, form_token

# ------------------------------------------------------------------------------------------------------------- forms


FORMS = [
    f"/roles/{ACCOUNT}/Administrator/credentials",
    f"/roles/{ACCOUNT}/Administrator/console",
    "/sign-out",
    "/confirm",
    "/sign-in",
]
CROSS_SITE: list[tuple[str, dict[str, Any]]] = [
    ("no token", {"token": None}),
    ("the token of another session", {"token": "cd" * 32}),
    ("sent by another site", {"Sec-Fetch-Site": "cross-site"}),
    ("sent by a neighbour of the same site", {"Sec-Fetch-Site": "same-site"}),
    ("from another origin", {"Origin": "https://evil.example.com"}),
    ("from nowhere", {"Origin": "null"}),
]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(("name", "how"), CROSS_SITE, ids=[name for name, _ in CROSS_SITE])
def test_k02_a_form_that_is_not_ours_changes_nothing(
    person: Person, clock: HeldClock, path: str, name: str, how: dict[str, Any]
) -> None:
    person.sign_in(clock, "admins")
    answer = person.post(path, **how)
    assert answer.status_code == 403
    is_stale_choice = (path, name) == ("/sign-in", "the token of another session")
    sentence = "This page was open for a long time." if is_stale_choice else "Please use the buttons on our own pages."
    assert sentence in answer.text
    assert person.get("/api/v1/me").status_code == 200
    assert audit_of(person)[0] == "request.refused"


def test_k02_our_own_form_is_taken(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    answer = person.post("/sign-out", Origin=BASE, **{"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 200
    assert person.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("path", [f"/roles/{ACCOUNT}/Administrator/credentials", "/sign-out", "/sign-in", "/confirm2"])
def test_nothing_changes_by_get(person: Person, clock: HeldClock, path: str) -> None:
    person.sign_in(clock, "admins")
    assert person.get(path).status_code in (404, 405)
    assert person.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("duration", ["soon", "1m", "13h", "1h\n", "9" * 17])
def test_a_duration_that_is_none_is_refused_and_grants_nothing(person: Person, clock: HeldClock, duration: str) -> None:
    person.sign_in(clock, "admins")
    answer = person.post(f"/roles/{ACCOUNT}/Administrator/credentials", {"duration": duration})
    assert answer.status_code == 400
    assert "grant.made" not in audit_of(person)


def test_a_field_sent_twice_is_refused(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    fields = {"duration": ["1h", "2h"], "csrf_token": form_token(TOKEN), "press": "ab" * 8}
    path = f"/roles/{ACCOUNT}/Administrator/credentials"
    assert person.client.post(path, base_url=BASE, data=fields).status_code == 400


RETURNS = [
    ("/", "/"),
    (f"/go/{ACCOUNT}/Reader", f"/go/{ACCOUNT}/Reader"),
    (f"/go/{ACCOUNT}/Reader?to=https%3A%2F%2Fconsole.aws.amazon.com%2F", None),
    ("//evil.example.com", "/"),
    ("/\\evil.example.com", "/"),
    ("https:evil.example.com", "/"),
    ("\t//evil.example.com", "/"),
    ("javascript:alert(1)", "/"),
    ("/go/111122223333/Reader\r\nSet-Cookie: x=y", "/"),
    ("/go/١١١١٢٢٢٢٣٣٣٣/Reader", "/"),
    ("/sign-out", "/"),
    ("/api/v1/me", "/"),
    (f"/go/{ACCOUNT}/Reader?to=" + "a" * 80_000, "/"),
]


@pytest.mark.parametrize(("path", "given"), RETURNS, ids=[path[:40] for path, _ in RETURNS])
def test_g07_people_come_back_only_to_pages_of_ours(path: str, given: str | None) -> None:
    assert checked_return_path(path) == (path if given is None else given)


# --------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/roles", "/api/v1/explanation", "/api/v1/nix"])
def test_a_program_is_refused_in_one_shape(person: Person, path: str) -> None:
    error = person.get(path).get_json()["error"]
    assert set(error) == {"code", "message", "reference"}
    assert re.fullmatch(r"[A-Z2-7]{4}-[A-Z2-7]{4}", error["reference"])


def test_the_private_reason_stands_in_the_audit_under_the_reference_that_the_page_shows(
    person: Person, clock: HeldClock
) -> None:
    person.sign_in(clock, "readers")
    page = person.post(f"/roles/{ACCOUNT}/Administrator/credentials").text
    reference = re.search(r'class="reference">([^<]+)<', page)
    assert reference is not None
    found = door_of(person.app).store.audit.entries(reference=reference[1])
    assert [entry.event for entry in found] == ["grant.refused"]
    assert "no rule grants" in str(found[0].details)
    assert "no rule grants" not in page


def test_a_role_that_exists_and_one_that_does_not_are_refused_alike(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "readers")
    pages = [
        re.sub(r"[A-Z2-7]{4}-[A-Z2-7]{4}", "", person.post(f"/roles/{target}/credentials").text)
        for target in (f"{ACCOUNT}/Administrator", f"{ACCOUNT}/Nonexistent", "999999999999/Administrator")
    ]
    assert len(set(pages)) == 1


def test_an_unexpected_failure_is_a_plain_page_with_a_reference_and_no_trace(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.sign_in(clock, "admins")

    def fails(*_: Any) -> None:
        raise RuntimeError("the innermost secret")

    monkeypatch.setattr(door_of(person.app).rulebook, "current", fails)
    answer = person.get("/")
    assert answer.status_code == 500
    assert "innermost" not in answer.text
    assert "Traceback" not in answer.text


def test_a_body_over_the_limit_is_refused_before_it_is_read(person: Person) -> None:
    answer = person.client.post("/sign-in/corp/saml", base_url=BASE, data={"SAMLResponse": "A" * 1_100_000})
    assert answer.status_code == 413


BAD_CALLBACKS = [
    ("/sign-in/corp/oidc", "GET", {}),
    ("/sign-in/corp/oidc", "GET", {"state": "unknown", "code": "x"}),
    ("/sign-in/corp/oidc", "GET", {"error": "access_denied"}),
    ("/sign-in/corp/oidc", "POST", {"state": ["a", "b"]}),
    ("/sign-in/corp/saml", "POST", {}),
    ("/sign-in/corp/saml", "POST", {"SAMLResponse": "!", "RelayState": "x"}),
]


@pytest.mark.parametrize(("path", "method", "fields"), BAD_CALLBACKS, ids=[str(case) for case in BAD_CALLBACKS])
def test_a_callback_that_belongs_to_no_sign_in_is_refused_and_audited(
    person: Person, path: str, method: str, fields: dict[str, Any]
) -> None:
    where: dict[str, Any] = {"query_string": fields} if method == "GET" else {"data": fields}
    answer = person.client.open(path, method=method, base_url=BASE, **where)
    assert answer.status_code == 403
    assert audit_of(person)[0] == "sign_in.refused"
    assert cookies.SESSION not in str(answer.headers)


def test_a_callback_of_an_unknown_connection_is_no_page(person: Person) -> None:
    assert person.get("/sign-in/nix/oidc?state=x").status_code == 404
    assert person.get("/sign-in/corp/metadata").status_code == 404
