"""The browser's door: what its forms demand, what its answers carry, and how it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from flask import Response
from web_factories import ACCOUNT, BASE, TOKEN, Person, door_of, person_at

from federation_bridge.web import cookies
from federation_bridge.web.api.openapi import DOCUMENT
from federation_bridge.web.forms import checked_return_path, form_token
from federation_bridge.web.static_files import address_of


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


def audit_of(person: Person) -> list[str]:
    entries = door_of(person.app).store.audit.entries()
    return [entry.event for entry in entries if entry.event != "key.made"]


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


# ---------------------------------------------------------------------------------------------------------- sessions


def test_an_idle_session_ends_and_a_used_one_goes_on(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock)
    clock.advance(timedelta(minutes=50))
    assert person.get("/api/v1/me").status_code == 200
    clock.advance(timedelta(minutes=50))
    assert person.get("/api/v1/me").status_code == 200
    clock.advance(timedelta(minutes=61))
    assert person.get("/api/v1/me").status_code == 401


def test_a_session_ends_after_its_absolute_limit_however_busy(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock)
    for _ in range(23):
        clock.advance(timedelta(minutes=31))
        assert person.get("/api/v1/me").status_code == 200
    clock.advance(timedelta(minutes=31))
    assert person.get("/api/v1/me").status_code == 401


def test_g05_an_unconfirmed_session_opens_nothing_until_its_person_clicks(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins", confirmed=False)
    assert "Is this you?" in person.get("/").text
    refused = person.post(f"/roles/{ACCOUNT}/Administrator/console")
    assert refused.status_code == 401
    assert person.post("/confirm", {"return_to": "/"}).status_code == 303
    assert "My roles" in person.get("/").text


# ------------------------------------------------------------------------------------------------------------ pages


def test_my_roles_are_those_that_the_rules_give_now(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    page = person.get("/").text
    assert "Administrator" in page
    assert "/Reader/" not in page


def test_who_has_no_role_is_told_and_led_to_the_reasons(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock)
    assert "You have no AWS role at the moment." in person.get("/").text
    why = person.get("/why").text
    assert "administrators" in why
    assert "narrow-readers" in why


def test_the_console_opens_by_a_form_of_our_assertion_where_aws_enforces_all(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    answer = person.post(f"/roles/{ACCOUNT}/Administrator/console", {"to": "https://console.aws.amazon.com/s3/home"})
    assert answer.status_code == 200
    assert 'action="https://signin.aws.amazon.com/saml"' in answer.text
    assert 'name="SAMLResponse"' in answer.text
    assert "https://signin.aws.amazon.com" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert audit_of(person)[:2] == ["console.opened", "grant.made"]


@pytest.mark.parametrize(
    "page", ["https://evil.example.com/", "//evil.example.com", "https://console.aws.amazon.com.e/"]
)
def test_l05_the_console_never_leads_elsewhere(person: Person, clock: HeldClock, page: str) -> None:
    person.sign_in(clock, "admins")
    answer = person.post(f"/roles/{ACCOUNT}/Administrator/console", {"to": page})
    assert answer.status_code == 400
    assert "grant.made" not in audit_of(person)


def test_a_bookmark_asks_who_is_signed_out_and_keeps_the_way_back(person: Person) -> None:
    page = person.get(f"/go/{ACCOUNT}/Administrator?to=https%3A%2F%2Fconsole.aws.amazon.com%2Fs3").text
    assert f'value="/go/{ACCOUNT}/Administrator?to=https%3A%2F%2Fconsole.aws.amazon.com%2Fs3"' in page


def test_a_bookmark_to_a_role_that_nobody_granted_says_so_and_leads_to_the_reasons(
    person: Person, clock: HeldClock
) -> None:
    person.sign_in(clock, "admins")
    answer = person.get(f"/go/{ACCOUNT}/Reader")
    assert answer.status_code == 403
    assert 'href="/why"' in answer.text


def test_an_expired_console_tab_comes_back_to_its_page(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    tab = "https://us-east-1.console.aws.amazon.com/s3/buckets"
    assert f'value="{tab}"' in person.get(f"/go/{ACCOUNT}/Administrator", Referer=tab).text
    assert "evil" not in person.get(f"/go/{ACCOUNT}/Administrator", Referer="https://evil.example.com/").text


def test_an_e_mail_address_leads_to_its_connection_and_an_unknown_one_says_so(person: Person) -> None:
    person.get("/")
    cookie = person.client.get_cookie(cookies.SIGN_IN, domain="aws.example.com")
    assert cookie is not None
    unknown = person.post("/sign-in", {"email": "ada@nowhere.example"}, token=cookie.value)
    assert "No company sign-in is set up" in unknown.text


def test_the_choice_that_was_used_last_stands_first(person: Person) -> None:
    person.client.set_cookie(cookies.CONNECTION, "partner", domain="aws.example.com", secure=True)
    page = person.get("/").text
    assert page.index("Partner account") < page.index("Corporate account")
    assert "used last" in page


@pytest.mark.parametrize("language", ["zh-CN", "zh", "zh-Hans-CN,en;q=0.5"])
def test_pages_speak_chinese_to_a_browser_that_prefers_it(person: Person, language: str) -> None:
    page = person.get("/", **{"Accept-Language": language}).text
    assert "使用公司账号登录" in page
    assert 'lang="zh-Hans-CN"' in page
    assert "Sign in with your company account" in person.get("/", **{"Accept-Language": "de"}).text


# -------------------------------------------------------------------------------------------------------------- API


def test_the_api_document_names_every_route_that_there_is_and_no_other(person: Person) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")), method.lower())
        for rule in person.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert routes == documented
    assert person.get("/api/v1/openapi.json").get_json()["servers"] == [{"url": f"{BASE}/api/v1"}]


def test_the_api_tells_roles_and_reasons(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "readers")
    roles = person.get("/api/v1/roles").get_json()["roles"]
    assert [(role["role"], role["has_session_policy"]) for role in roles] == [("Reader", True)]
    rules = {rule["rule"]: rule for rule in person.get("/api/v1/explanation").get_json()["rules"]}
    assert rules["narrow-readers"]["granted"] == [f"{ACCOUNT}/Reader"]
    assert rules["administrators"]["granted"] == []
    assert rules["administrators"]["reasons"]


def test_the_api_tells_what_a_rule_is_for_to_those_alone_whom_it_gives_a_role(
    person: Person, clock: HeldClock, tmp_path: Path
) -> None:
    person.sign_in(clock, "readers")
    file = tmp_path / "rules.yaml"
    remarks = "    connection: corp\n    description: For support.\n    owner: Support\n"
    file.write_text(file.read_text().replace("    connection: corp\n", remarks))
    rules = {rule["rule"]: rule for rule in person.get("/api/v1/explanation").get_json()["rules"]}
    told = {name: (rule["description"], rule["owner"]) for name, rule in rules.items()}
    assert told == {"narrow-readers": ("For support.", "Support"), "administrators": ("", "")}


BODIES = [b"[]", b"{", b'{"duration": 3600}', b'{"nix": 1}', b'{"reason": "a\\u0000b"}', b'"x"', b"\xff"]


@pytest.mark.parametrize("body", BODIES)
def test_a_bad_body_is_refused_and_grants_nothing(person: Person, clock: HeldClock, body: bytes) -> None:
    person.sign_in(clock, "admins")
    headers = {"X-CSRF-Token": form_token(TOKEN), "Content-Type": "application/json"}
    path = f"/api/v1/roles/{ACCOUNT}/Administrator/credentials"
    answer = person.client.post(path, base_url=BASE, data=body, headers=headers)
    assert answer.status_code == 400
    assert "grant.made" not in audit_of(person)


def test_the_api_shows_a_console_link_only_to_who_asks_for_it_in_so_many_words(
    person: Person, clock: HeldClock
) -> None:
    person.sign_in(clock, "admins")
    path, headers = f"/api/v1/roles/{ACCOUNT}/Administrator/console", {"X-CSRF-Token": form_token(TOKEN)}
    assert person.client.post(path, base_url=BASE, json={}, headers=headers).status_code == 400
    shown = person.client.post(path, base_url=BASE, json={"show_link": True}, headers=headers).get_json()
    assert shown["url"] == "https://signin.aws.amazon.com/saml"
    assert set(shown["form"]) == {"SAMLResponse", "RelayState"}


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


# ------------------------------------------------------------------------------------------------- length and reason


def test_a_bookmark_carries_length_and_reason_and_shows_both_before_the_press(person: Person, clock: HeldClock) -> None:
    person.sign_in(clock, "admins")
    page = person.get(f"/go/{ACCOUNT}/Administrator?duration=12h&reason=%3Cb%3Eticket%207").text
    assert '<bdi id="reason">&lt;b&gt;ticket 7</bdi>' in page
    assert "You asked for 12h." in page
    assert 'name="duration" value="12h"' in page
    assert 'name="reason" value="&lt;b&gt;ticket 7"' in page
    plain = person.get(f"/go/{ACCOUNT}/Administrator").text
    assert 'name="duration"' not in plain
    assert 'id="reason"' not in plain
    assert audit_of(person).count("grant.made") == 0


@pytest.mark.parametrize(
    "query",
    ["duration=9+hours", "duration=13h", "duration=5m", "duration=" + "1" * 40, "reason=" + "a" * 300, "reason=a%0Ab"],
)
def test_a_bookmark_with_a_length_or_reason_that_cannot_be_is_refused(
    person: Person, clock: HeldClock, query: str
) -> None:
    person.sign_in(clock, "admins")
    assert person.get(f"/go/{ACCOUNT}/Administrator?{query}").status_code == 400
    assert person.get(f"/go/{ACCOUNT}/Administrator?duration=1h&reason=a").status_code == 200


def test_a_sign_in_leads_back_to_the_length_and_the_reason() -> None:
    wish = f"/go/{ACCOUNT}/Reader?duration=9h&reason=ticket%207"
    assert checked_return_path(wish) == wish
    assert checked_return_path(f"/go/{ACCOUNT}/Reader?next=https://evil.example") == "/"


def test_programs_ask_beforehand_how_long_a_session_would_be_and_nothing_is_granted(
    person: Person, clock: HeldClock
) -> None:
    person.sign_in(clock, "admins")
    path = f"/api/v1/roles/{ACCOUNT}/Administrator/length"
    assert person.get(f"{path}?duration=15m").get_json() == {"duration": "15m", "cap": "asked"}
    cut = person.get(f"{path}?duration=12h").get_json()
    assert cut["cap"] in {"rule", "role", "session"}
    assert person.get(path).get_json()["cap"] == "usual"
    assert person.get(f"{path}?duration=13h").status_code == 400
    assert person.get(f"/api/v1/roles/{ACCOUNT}/Nobodys/length").status_code == 403
    assert "grant.made" not in audit_of(person)
