"""Signing in and out in a real browser, with its own ideas of cookies, sites and policies."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Error, expect

from federation_bridge.errors import SignInDeclined
from federation_bridge.sandbox.company_files import ANALYTICS, PRODUCTION

pytestmark = pytest.mark.browser

SESSION, PENDING = "__Host-bridge-session", "__Host-bridge-sign-in"


@pytest.fixture
def ada(window: Any) -> Any:
    """A window in which Ada has signed in herself, so that all its cookies are what a real browser keeps."""
    window.sign_in("ada")
    return window


def cookies_of(window: Any) -> dict[str, Any]:
    return {cookie["name"]: cookie for cookie in window.context.cookies(window.company.bridge)}


@pytest.mark.parametrize("title", ["Example company", "Example company (OpenID Connect)"])
def test_a_person_signs_in_and_sees_their_roles(window: Any, title: str) -> None:
    window.sign_in("ada", title)
    assert window.roles[:2] == [f"{PRODUCTION}/Administrator", f"{PRODUCTION}/Developer"]


def test_the_pending_sign_in_survives_the_providers_cross_site_post(window: Any) -> None:
    posts: list[Any] = []
    window.page.on("request", lambda request: posts.append(request) if request.url.endswith("/saml") else None)
    window.sign_in("ada")
    sent = posts[0].all_headers()
    assert (posts[0].method, sent["sec-fetch-site"]) == ("POST", "cross-site")
    assert PENDING in sent["cookie"]


def test_our_cookies_are_bound_to_the_host_and_hidden_from_scripts(ada: Any) -> None:
    cookies = cookies_of(ada)
    assert {name: cookie["sameSite"] for name, cookie in cookies.items()} == {
        SESSION: "Lax",
        PENDING: "None",
        "__Host-bridge-connection": "Lax",
    }
    assert all(cookie["secure"] and cookie["httpOnly"] for cookie in cookies.values())
    assert ada.page.evaluate("document.cookie") == ""


def test_who_arrives_signed_in_has_the_cookies_of_who_signed_in_here(new_window: Callable[..., Any]) -> None:
    """So the other tests may leave the pages of signing in to these."""

    def kept(window: Any) -> list[tuple[Any, ...]]:
        said = ("name", "domain", "path", "secure", "httpOnly", "sameSite")
        return sorted((*(one[each] for each in said), one["expires"] < 0) for one in window.context.cookies())

    here, arriving = new_window(), new_window()
    here.sign_in("ada")
    arriving.arrive("ada")
    assert {one[1] for one in kept(here)} == {"127.0.0.1", "localhost"}
    assert kept(arriving) == kept(here)
    assert arriving.roles == here.roles


def test_the_choice_page_offers_the_connection_used_last_first(window: Any) -> None:
    window.sign_in("ada", "Example company (OpenID Connect)")
    window.press("Sign out")
    window.shows("You are signed out here")
    window.open()
    names = [button.inner_text() for button in window.page.locator("button.choice").all()]
    assert names == ["Example company (OpenID Connect) · used last", "Example company"]


def test_an_email_address_leads_to_its_company(window: Any) -> None:
    window.open()
    window.page.get_by_label("e-mail address").fill("ada@example.com")
    window.press("Continue")
    window.type_password("ada")
    window.shows("My roles")


def test_an_unknown_email_domain_is_said_in_place(window: Any) -> None:
    window.open()
    window.page.get_by_label("e-mail address").fill("ada@example.org")
    window.press("Continue")
    expect(window.page.get_by_role("alert")).to_contain_text("No company sign-in is set up")


def test_two_tabs_may_both_finish_their_sign_in(window: Any) -> None:
    first, second = window.page, window.context.new_page()
    for page in (first, second):
        page.goto(window.company.bridge)
    for page in (first, second):
        page.get_by_role("button", name="Example company", exact=True).click()
        page.get_by_label("Password").wait_for()
    for page in (second, first):
        window.page = page
        window.type_password("ada")
        window.shows("My roles")


def test_somebody_without_a_role_is_told_why(window: Any) -> None:
    window.sign_in("dan")
    assert window.roles == []
    window.page.get_by_role("link", name="See why").click()
    window.shows("Why these roles?")
    assert "you are not in group 'platform-admins'" in window.page.locator("main").inner_text()


def test_a_declined_sign_in_is_refused_with_a_reference(window: Any) -> None:
    window.open()
    window.press("Example company (OpenID Connect)")
    window.press("Not now")
    window.shows(SignInDeclined.public)
    assert len(window.page.locator(".reference").inner_text()) == 9


COMPANY, BY_CODE = "Example company", "Example company (OpenID Connect)"


def _at_provider(window: Any, title: str) -> str:
    """The provider's page that asks for the password, in the middle of a sign-in."""
    window.open()
    window.page.locator("button.choice").filter(has_text=re.compile(f"^{re.escape(title)}(?! \\()")).click()
    window.page.get_by_label("Password").wait_for()
    return str(window.page.url)


@pytest.mark.parametrize("title", [COMPANY, BY_CODE])
def test_back_after_signing_in_leads_on_and_ends_nothing(window: Any, title: str) -> None:
    _at_provider(window, title)
    window.type_password("ada")
    window.shows("My roles")
    token = cookies_of(window)[SESSION]["value"]
    with window.page.expect_response(lambda answer: "/sign-in/company" in answer.url) as answered:
        window.page.go_back()
    assert answered.value.status == 303
    window.shows("My roles")
    assert cookies_of(window)[SESSION]["value"] == token


@pytest.mark.parametrize("title", [COMPANY, BY_CODE])
def test_the_answer_that_back_brings_again_is_refused_where_nobody_is_signed_in(window: Any, title: str) -> None:
    page = _at_provider(window, title)
    window.type_password("ada")
    window.shows("My roles")
    window.press("Sign out")
    window.shows("You are signed out here")
    window.page.goto(page)
    # The SAML connection of the example company takes unsolicited answers, so this one is refused for what it says.
    told = "We could not sign you in." if title == COMPANY else "This sign-in is no longer valid. Please start again."
    window.shows(told)
    assert len(window.page.locator(".reference").inner_text()) == 9
    assert SESSION not in cookies_of(window)


@pytest.mark.parametrize("title", [COMPANY, BY_CODE])
def test_two_quick_presses_sign_in_once_and_well(window: Any, title: str) -> None:
    window.open()
    window.page.get_by_role("button", name=title, exact=True).dblclick()
    window.page.get_by_label("Login name").fill("ada")
    window.page.get_by_label("Password").fill(window.company.directory["ada"].password)
    window.page.get_by_role("button", name="Sign in", exact=True).dblclick()
    window.shows("My roles")


@pytest.mark.parametrize("title", [COMPANY, BY_CODE])
def test_an_old_tab_that_comes_back_late_leads_on(window: Any, title: str) -> None:
    old = _at_provider(window, title)
    tab, window.page = window.page, window.context.new_page()
    window.sign_in("ada", COMPANY if title == BY_CODE else BY_CODE)
    for cookie in window.context.cookies(window.company.bridge):
        if cookie["name"].startswith(f"{PENDING}-"):
            window.context.clear_cookies(name=cookie["name"])
    window.page = tab
    tab.goto(old)
    window.shows("My roles")


def test_signing_out_ends_the_session_and_leaves_nothing_behind_the_back_button(ada: Any) -> None:
    ada.press_for(f"{PRODUCTION}/Developer", "credentials")
    ada.page.locator("#form-env").wait_for()
    ada.press("Sign out")
    ada.shows("You are signed out here")
    assert SESSION not in cookies_of(ada)
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        ada.page.go_back()
    expect(ada.page.locator("body")).not_to_contain_text("AWS_SECRET_ACCESS_KEY")
    ada.open()
    ada.shows("Sign in with your company account")


def test_coming_unasked_as_somebody_else_needs_a_click(ada: Any) -> None:
    """Another site can sign a browser in at the provider: nobody is to work as somebody else unawares."""
    ada.page.goto(ada.company.addresses.provider)
    ada.press("Sign out")
    ada.page.locator("li a").first.click()
    ada.type_password("bruno")
    ada.shows("Is this you?")
    assert "Bruno Hale" in ada.page.locator("main").inner_text()
    ada.open()
    ada.shows("Is this you?")
    ada.press("Yes, continue")
    ada.shows("My roles")
    assert ada.roles == [f"{PRODUCTION}/ReadOnly", f"{ANALYTICS}/ReadOnly"]


@pytest.mark.parametrize("title", ["Example company", "Example company (OpenID Connect)"])
def test_signing_in_as_somebody_else_in_a_tab_left_open_needs_a_click(window: Any, title: str) -> None:
    """By SAML the answer is posted across sites, and the session's cookie stays behind."""
    window.open()
    left_open, window.page = window.page, window.context.new_page()
    window.sign_in("ada", title)
    # Not by the provider's sign-out, which tells the bridge: then Ada is signed in nowhere, and nothing is asked.
    window.context.clear_cookies(domain="localhost")
    window.page = left_open
    window.press(title)
    window.type_password("bruno")
    window.shows("Is this you?")
    window.press("No, sign out")
    window.shows("You are signed out here")


def test_a_choice_page_left_open_for_long_still_signs_in(window: Any) -> None:
    window.open(f"/go/{PRODUCTION}/Developer?to=/s3/home")
    window.context.clear_cookies(name=PENDING)
    window.press("Example company")
    window.type_password("ada")
    window.shows("Open the AWS console?")


def test_signing_in_needs_no_script(new_window: Callable[..., Any]) -> None:
    window = new_window(java_script_enabled=False)
    window.open()
    window.press("Example company")
    window.type_password("ada")
    window.press("Continue")
    window.shows("My roles")
