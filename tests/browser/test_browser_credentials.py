"""Credentials in a real browser: one tab for each form, folded secrets, a copy, and what Back and reload find."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Error, expect

from browser.axe import faults
from federation_bridge.sandbox.company_files import PRODUCTION

pytestmark = pytest.mark.browser

ROLE = f"{PRODUCTION}/Developer"
FORMS = ("env", "fish", "powershell", "cmd", "ini", "json", "dotenv")


def takes(window: Any) -> str:
    """Presses for credentials; gives their text for bash."""
    window.press_for(ROLE, "credentials")
    window.page.locator("[role=tablist]").wait_for()
    return str(window.page.locator("#text-env").text_content())


def test_forms_are_tabs_that_the_keyboard_moves_through_and_the_last_one_is_remembered(ada: Any) -> None:
    takes(ada)
    tabs, keys = ada.page.get_by_role("tab"), ada.page.keyboard
    expect(tabs).to_have_text(["bash, zsh", "fish", "PowerShell", "cmd", "~/.aws/credentials", "JSON", ".env"])
    expect(ada.page.get_by_role("tabpanel")).to_have_count(1)
    tabs.first.focus()
    keys.press("ArrowRight")
    expect(ada.page.locator("#form-fish")).to_be_visible()
    keys.press("End")
    expect(ada.page.locator("#tab-dotenv")).to_be_focused()
    keys.press("ArrowLeft")
    expect(ada.page.locator("#tab-json")).to_have_attribute("aria-selected", "true")
    assert faults(ada.page) == []
    ada.open()
    takes(ada)
    expect(ada.page.locator("#form-json")).to_be_visible()
    expect(ada.page.locator("#form-env")).to_be_hidden()


def test_secrets_are_folded_until_asked_for_and_each_copy_says_what_it_copied(new_window: Callable[..., Any]) -> None:
    window = new_window(permissions=["clipboard-read", "clipboard-write"])
    window.page.clock.install()
    window.arrive("ada")
    takes(window)
    for name in FORMS:
        window.page.locator(f"#tab-{name}").click()
        text = window.page.locator(f"#text-{name}")
        expect(text).to_be_hidden()
        button = window.page.locator(f"button[data-copies=text-{name}]")
        button.click()
        expect(button).to_have_text(re.compile("^Copied for "))
        copied = window.page.evaluate("navigator.clipboard.readText()")
        assert copied == text.text_content()
        assert len(copied) > 100
        window.page.locator(f"#form-{name} summary").click()
        expect(text).to_be_visible()
        expect(window.page.locator(f"#form-{name} .preview")).to_be_hidden()
    assert faults(window.page) == []
    window.page.clock.run_for(5_000)
    expect(button).to_have_text(re.compile("^Copy"))


def test_the_time_that_is_left_counts_down_and_what_has_ended_is_wiped(window: Any) -> None:
    window.page.clock.install()
    window.arrive("ada")
    takes(window)
    left = window.page.locator("[data-left]")
    expect(left).to_have_text(re.compile("^(1 hr 0 min|59 min)$"))
    window.page.clock.run_for(1_000 * 60 * 57)
    expect(left).to_have_text(re.compile("^[23] min [0-9]+ sec$"))
    window.page.clock.run_for(1_000 * 60 * 4)
    expect(window.page.locator("[data-still]")).to_have_text("These credentials have ended.")
    assert "AWS_SECRET_ACCESS_KEY='" in str(window.page.locator("#form-env .preview").text_content())
    expect(window.page.locator("#text-env")).to_have_text("")


def test_back_and_reload_show_no_credentials_and_ask_for_the_press(ada: Any) -> None:
    first = takes(ada)
    ada.page.reload()
    ada.shows("Show credentials?")
    expect(ada.page.locator("main")).to_contain_text("Nothing was issued for it.")
    ada.press("Show credentials")
    ada.page.locator("[role=tablist]").wait_for()
    assert ada.page.locator("#text-env").text_content() != first
    ada.open("/why")
    # Chromium keeps no answer that says no-store: it asks, and a reload sends the spent press.
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        ada.page.go_back()
    ada.is_at("chrome-error://")
    assert "AWS_SECRET" not in ada.page.content()
    ada.page.reload()
    ada.shows("Show credentials?")
    assert "AWS_SECRET" not in ada.page.content()


def test_a_page_that_the_browser_kept_for_back_holds_no_secret(ada: Any) -> None:
    """A back/forward cache keeps the page itself, not its answer: what it would keep is looked at."""
    takes(ada)
    ada.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    for name in FORMS:
        assert ada.page.locator(f"#text-{name}").text_content() == ""
    assert "SECRET_ACCESS_KEY='••" in str(ada.page.locator("#form-env .preview").text_content())
    ada.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    ada.is_at(f"{ada.company.bridge}/roles/{ROLE}")


def test_a_refused_clipboard_unfolds_the_text_and_selects_it(new_window: Callable[..., Any]) -> None:
    window = new_window()
    window.page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    window.arrive("ada")
    takes(window)
    button = window.page.locator("button[data-copies=text-env]")
    button.click()
    expect(button).to_have_text("Selected: please copy it")
    selected = window.page.evaluate("getSelection().toString()")
    assert selected.startswith("export AWS_ACCESS_KEY_ID=")


def test_without_scripts_all_forms_stand_there_folded(new_window: Callable[..., Any]) -> None:
    window = new_window(java_script_enabled=False)
    window.open()
    window.press("Example company")
    window.type_password("ada")
    window.press("Continue")
    window.press_for(ROLE, "credentials")
    expect(window.page.locator("section[data-tab]")).to_have_count(len(FORMS))
    text = window.page.locator("#text-fish")
    expect(text).to_be_hidden()
    window.page.locator("#form-fish summary").click()
    expect(text).to_contain_text("set -gx AWS_SECRET_ACCESS_KEY '")
    expect(window.page.locator("button[data-copies]").first).to_be_hidden()
