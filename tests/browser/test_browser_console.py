"""Consoles, credentials and bookmarks in a real browser, which holds every redirect against our pages' policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from federation_bridge.sandbox.company_files import ANALYTICS, PRODUCTION

pytestmark = pytest.mark.browser

FORM_ROLE, LINK_ROLE = f"{PRODUCTION}/Developer", f"{ANALYTICS}/Administrator"


def shows_console_of(window: Any, role: str) -> None:
    window.is_at(f"{window.company.addresses.aws}/console")
    account, name = role.split("/")
    principal = window.page.locator("#principal")
    expect(principal).to_have_text(re.compile(f"arn:aws:sts::{account}:assumed-role/{name}/"))


def presses_of(window: Any) -> list[str]:
    """The addresses of consoles that the window posts to from now on."""
    asked: list[str] = []

    def note(request: Any) -> None:
        if request.method == "POST" and request.url.startswith(f"{window.company.bridge}/roles/"):
            asked.append(request.url)

    window.page.on("request", note)
    return asked


@pytest.mark.parametrize("role", [FORM_ROLE, LINK_ROLE], ids=["self-posting form", "login link"])
def test_a_console_opens_behind_its_button(ada: Any, role: str) -> None:
    ada.press_for(role, "console")
    shows_console_of(ada, role)


def test_aws_learns_no_address_of_ours_from_the_form(ada: Any) -> None:
    asked: list[Any] = []
    ada.page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - playwright wants a function
    ada.press_for(FORM_ROLE, "console")
    shows_console_of(ada, FORM_ROLE)
    to_aws = [one for one in asked if one.url.startswith(ada.company.addresses.aws)]
    assert len(to_aws) >= 2
    assert all("referer" not in one.all_headers() for one in to_aws)


def test_without_scripts_a_button_posts_the_form(new_window: Callable[..., Any]) -> None:
    window = new_window(java_script_enabled=False)
    window.open()
    window.press("Example company")
    window.type_password("ada")
    window.press("Continue")
    window.press_for(FORM_ROLE, "console")
    window.shows("One moment")
    window.press("Continue", "main")
    shows_console_of(window, FORM_ROLE)


def test_a_typed_bookmark_shows_its_console_page_and_waits_for_a_press(ada: Any) -> None:
    page = "https://eu-central-1.console.aws.amazon.com/s3/buckets?region=eu-central-1"
    asked = presses_of(ada)
    ada.open(f"/go/{FORM_ROLE}?to={quote(page, safe='')}")
    ada.shows("Open the AWS console?")
    expect(ada.page.locator("#leads-to")).to_have_text("eu-central-1.console.aws.amazon.com/s3/buckets")
    ada.page.wait_for_load_state("networkidle")
    ada.page.reload()
    ada.shows("Open the AWS console?")
    assert asked == []
    ada.press("Open console")
    shows_console_of(ada, FORM_ROLE)
    expect(ada.page.locator("#destination")).to_have_text(page)
    assert len(asked) == 1


@pytest.mark.parametrize("role", [FORM_ROLE, LINK_ROLE])
def test_a_bookmark_followed_from_another_site_waits_for_a_click(ada: Any, role: str) -> None:
    asked = presses_of(ada)
    ada.follow_link_elsewhere(f"{ada.company.bridge}/go/{role}")
    ada.shows("Open the AWS console?")
    ada.page.wait_for_load_state("networkidle")
    ada.is_at(f"{ada.company.bridge}/go/{role}")
    assert asked == []
    ada.press("Open console")
    shows_console_of(ada, role)


def test_a_reload_of_shown_credentials_shows_none_and_asks_for_the_press(ada: Any) -> None:
    ada.press_for(FORM_ROLE, "credentials")
    text = ada.page.locator("#text-env")
    text.wait_for()
    first = text.inner_text()
    ada.page.reload()
    ada.shows("Show credentials?")
    expect(ada.page.locator("main")).to_contain_text("Nothing was issued for it.")
    ada.press("Show credentials")
    text.wait_for()
    assert text.inner_text() != first


def test_a_bookmark_signs_in_on_the_way(window: Any) -> None:
    window.open(f"/go/{LINK_ROLE}")
    window.press("Example company")
    window.type_password("ada")
    window.shows("Open the AWS console?")
    window.press("Open console")
    shows_console_of(window, LINK_ROLE)


def test_a_bookmark_of_a_role_that_the_person_lacks_says_so(window: Any) -> None:
    window.sign_in("dan")
    window.open(f"/go/{FORM_ROLE}")
    window.shows("You do not have this role.")


def test_another_sites_form_gets_nothing_with_the_persons_session(ada: Any) -> None:
    ada.page.goto(ada.company.addresses.provider)
    ada.page.evaluate(
        """url => { const form = Object.assign(document.createElement("form"), {method: "post", action: url});
                    document.body.append(form); form.submit(); }""",
        f"{ada.company.bridge}/roles/{FORM_ROLE}/credentials",
    )
    ada.shows("Please use the buttons on our own pages.")


def test_the_copy_button_copies_exactly_the_text_above_it(new_window: Callable[..., Any]) -> None:
    window = new_window(permissions=["clipboard-read", "clipboard-write"])
    window.sign_in("ada")
    window.press_for(FORM_ROLE, "credentials")
    for name in ("env", "powershell", "ini", "json"):
        text = window.page.locator(f"#text-{name}")
        button = window.page.locator(f"button[data-copies=text-{name}]")
        button.click()
        expect(button).to_have_text("Copied")
        copied = window.page.evaluate("navigator.clipboard.readText()")
        assert copied == text.text_content()
        assert len(copied) > 100


def test_a_refused_clipboard_is_said_on_the_button(new_window: Callable[..., Any]) -> None:
    window = new_window()
    window.page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    window.sign_in("ada")
    window.press_for(FORM_ROLE, "credentials")
    button = window.page.locator("button[data-copies=text-env]")
    button.click()
    expect(button).to_have_text("Selected: please copy it")
    selected = window.page.evaluate("getSelection().toString()")
    assert selected.startswith("export AWS_ACCESS_KEY_ID=")
