"""Who is signed out in the middle of a click goes on with it; nobody else does, and Back shows nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from browser import axe
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.web import cookies

pytestmark = pytest.mark.browser

DEVELOPER = f"{PRODUCTION}/Developer"


def lose_the_session(window: Any) -> None:
    window.context.clear_cookies(name=cookies.SESSION)


def is_clean(window: Any) -> None:
    assert axe.faults(window.page) == []


@pytest.mark.parametrize(("language", "scheme"), [("en-US", "light"), ("zh-CN", "dark")])
def test_a_click_of_somebody_who_was_signed_out_goes_on(
    new_window: Callable[..., Any], language: str, scheme: str
) -> None:
    window = new_window(locale="en-US", color_scheme=scheme)
    window.arrive("ada")
    if language == "zh-CN":
        window.press("简体中文")
        expect(window.page.locator("html")).to_have_attribute("lang", "zh-Hans-CN")
    lose_the_session(window)
    window.press_for(DEVELOPER, "credentials")
    expect(window.page.locator("h1")).to_have_text("You were signed out" if language == "en-US" else "您已被登出")
    is_clean(window)
    window.page.locator("button[name=connection]").first.click()
    window.is_at(f"{window.company.bridge}/go-on?press=")
    is_clean(window)
    expect(window.page.locator("main")).to_contain_text("Developer")
    window.page.locator(f"form[action='/roles/{DEVELOPER}/credentials'] button").click()
    expect(window.page.locator("main")).to_contain_text("AWS_SECRET_ACCESS_KEY")


def test_back_after_a_sign_out_shows_nothing_and_signs_nobody_in(ada: Any) -> None:
    ada.open("/activity")
    ada.shows("My activity")
    is_clean(ada)
    ada.press("Sign out")
    ada.shows("You are signed out here")
    is_clean(ada)
    ada.page.go_back()
    ada.shows("You were signed out")
    expect(ada.page.locator("body")).not_to_contain_text("Ada")
    ada.open("/device")
    ada.shows("Sign in with your company account")


def test_a_tab_goes_on_when_another_one_has_signed_out_and_in_again(ada: Any) -> None:
    first, second = ada.page, ada.context.new_page()
    second.goto(ada.company.bridge + "/")
    second.locator("form[action='/sign-out'] button").first.click()
    expect(second.locator("h1")).to_have_text("You are signed out here")
    ada.page = first
    ada.press_for(DEVELOPER, "credentials")
    ada.shows("You were signed out")
    # Meanwhile the person signs in in the other tab, and presses once more in the old one.
    second.goto(ada.company.bridge + "/")
    second.locator("button[name=connection]").first.click()
    expect(second.locator("h1")).to_have_text("My roles")
    ada.page.locator("button[name=connection]").first.click()
    ada.shows("Go on with what you pressed?")


def test_nothing_of_ones_click_goes_on_for_another_person(ada: Any) -> None:
    lose_the_session(ada)
    ada.press_for(DEVELOPER, "credentials")
    ada.shows("You were signed out")
    ada.context.clear_cookies(domain="localhost")
    ada.page.locator("button[name=connection]").first.click()
    ada.type_password("dan")
    ada.shows("That page belonged to another person than the one who is signed in now. Nothing was done.")
    is_clean(ada)
    expect(ada.page.locator("main")).not_to_contain_text("Developer")


def test_the_page_on_which_a_terminals_sign_in_ends(ada: Any) -> None:
    for path in ("/terminal", "/terminal?refused=1"):
        ada.open(path)
        is_clean(ada)
    ada.open("/terminal")
    expect(ada.page.locator("main")).to_contain_text("Ada Moss")
