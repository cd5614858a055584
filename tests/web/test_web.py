# ruff: noqa: F402, F811 - fixtures are named where they are asked for
"""The browser's door: what its answers carry, and what it tells of its health and of addresses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from databases import HeldClock
from flask import Response
from web_factories import ACCOUNT, BASE, Person, door_of, person_at
from web_fixtures import person  # noqa: F401 - a fixture

from federation_bridge.web import cookies
from federation_bridge.web.static_files import address_of

# ---------------------------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    "path", ["/", "/why", "/nowhere", "/go/1/x", "/api/v1/me", "/healthz", address_of("style.css")]
)
def test_every_answer_carries_the_security_headers_refusals_included(person: Person, path: str) -> None:
    headers = person.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    names = [name for name in headers.keys() if name != "Set-Cookie"]  # noqa: SIM118 - these are no dict's
    assert len(names) == len(set(names)), "a header that stands there twice means nothing"


@pytest.mark.parametrize("path", ["/", "/why", "/nowhere", "/api/v1/me"])
def test_no_page_is_kept_by_a_cache(person: Person, path: str) -> None:
    headers = person.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert "Cookie" in headers["Vary"]


def test_no_page_holds_anything_inline(person: Person, clock: HeldClock) -> None:
    signed_out = person.get("/").text
    person.sign_in(clock, "admins")
    pages = [signed_out, *(person.get(path).text for path in ("/", "/why", f"/go/{ACCOUNT}/Administrator"))]
    for page in pages:
        assert not re.search(r"<script(?![^>]*src=)|\son[a-z]+=|style=|javascript:", page)


def test_cookies_are_host_bound_secure_and_unreadable_for_scripts(person: Person) -> None:
    choice = person.get("/")
    begun = [header for header in choice.headers.getlist("Set-Cookie") if cookies.SIGN_IN in header]
    assert len(begun) == 1
    assert all(part in begun[0] for part in ("Secure", "HttpOnly", "SameSite=None", "Path=/", "Max-Age=600"))
    assert "Domain" not in begun[0]


@pytest.mark.parametrize(("held", "sent"), [("corp", 0), ("partner", 1), ("", 1)])
def test_the_choice_of_identity_provider_is_sent_only_to_a_browser_that_does_not_hold_it(
    person: Person, held: str, sent: int
) -> None:
    with person.app.test_request_context("/", headers={"Cookie": f"{cookies.CONNECTION}={held}"}):
        response = Response()
        cookies.set_connection(response, "corp")
    assert len(response.headers.getlist("Set-Cookie")) == sent


def test_a_name_from_the_identity_provider_is_shown_as_text(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    page = person.get("/go/111122223333/%3Cscript%3Ealert(1)").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


# ----------------------------------------------------------------------------------------------------------- health


def test_ready_says_no_more_than_ready(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = person.client.get("/readyz", base_url=BASE, environ_overrides={"REMOTE_ADDR": "198.51.100.7"})
    assert elsewhere.get_json() == {"status": "ready"}
    door_of(person.app).store.close()
    assert person.get("/healthz").get_json() == {"status": "ok"}


def test_metrics_are_no_page_for_strangers(tmp_path: Path, clock: HeldClock) -> None:
    for networks, status in ((["127.0.0.0/8"], 200), (["192.0.2.0/24"], 404)):
        for person in person_at(tmp_path, clock, serving={"metrics_networks": networks}):
            assert person.get("/metrics").status_code == status


FORWARDED = [
    ([], "203.0.113.9", "127.0.0.1"),
    (["127.0.0.0/8"], "203.0.113.9", "203.0.113.9"),
    (["127.0.0.0/8"], "198.51.100.1, 203.0.113.9", "203.0.113.9"),
    (["127.0.0.0/8", "203.0.113.0/24"], "198.51.100.1, 203.0.113.9", "198.51.100.1"),
    (["127.0.0.0/8"], "nonsense", "127.0.0.1"),
    (["127.0.0.0/8"], "198.51.100.1, unknown", "127.0.0.1"),
    (["127.0.0.0/8", "203.0.113.0/24"], "198.51.100.1, _hidden, 203.0.113.9:443", "203.0.113.9"),
    (["127.0.0.0/8"], "198.51.100.1, 203.0.113.5:51008", "203.0.113.5"),
    (["127.0.0.0/8", "203.0.113.0/24"], "[2001:db8::9]:4711, 203.0.113.5:51008", "2001:db8::9"),
    (["127.0.0.0/8"], "::ffff:203.0.113.9", "203.0.113.9"),
    (["127.0.0.0/8", "203.0.113.0/24"], "198.51.100.1, ::ffff:203.0.113.9", "198.51.100.1"),
    (["127.0.0.0/8"], "2001:db8::9", "2001:db8::9"),
]


@pytest.mark.parametrize(("trusted", "forwarded", "address"), FORWARDED)
def test_a_forwarded_address_is_believed_only_as_far_as_trusted_peers_wrote_it(
    tmp_path: Path, clock: HeldClock, trusted: list[str], forwarded: str, address: str
) -> None:
    for person in person_at(tmp_path, clock, serving={"trusted_proxies": trusted}):
        person.post("/sign-out", token=None, **{"X-Forwarded-For": forwarded})
        person.sign_in(clock)
        person.post("/sign-out", token=None, **{"X-Forwarded-For": forwarded})
        entry = door_of(person.app).store.audit.entries()[0]
        assert entry.address == address


def test_audit_lines_of_a_refusal_are_printable(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    person.post(
        "/sign-out", token=None, Origin="https://evil.example.com/\N{RIGHT-TO-LEFT OVERRIDE}".encode().decode("latin-1")
    )
    entry = door_of(person.app).store.audit.entries()[0]
    assert str(entry.details).isprintable()
