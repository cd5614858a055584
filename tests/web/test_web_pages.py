# ruff: noqa: F811 - fixtures are named where they are asked for
"""The browser's door: sessions that end, the pages a person meets, and bookmarks with a length and a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from databases import HeldClock
from web_factories import ACCOUNT, Person
from web_fixtures import audit_of, person  # noqa: F401 - a fixture

from federation_bridge.web import cookies
from federation_bridge.web.forms import checked_return_path

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
