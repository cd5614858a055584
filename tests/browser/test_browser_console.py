"""Consoles, credentials and bookmarks in a real browser, which holds every redirect against our pages' policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from browser import axe
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


def test_whoever_comes_back_to_the_portal_reads_what_was_granted_in_their_own_time(
    new_window: Callable[..., Any],
) -> None:
    window = new_window(timezone_id="Asia/Shanghai")
    window.arrive("ada")
    portal = window.page
    window.press_for(FORM_ROLE, "console")
    shows_console_of(window, FORM_ROLE)
    portal.evaluate("dispatchEvent(new Event('focus'))")
    granted = rf"Granted: Developer · production {PRODUCTION}, until 20[0-9-]+ [0-9:]+ \(.*[0-9]+:[0-9]+ UTC\)"
    expect(portal.locator("#granted-now")).to_have_text(re.compile(rf"{granted} For 1h: the usual length\.$"))
    times = portal.evaluate(
        "(() => { const t = document.querySelector('#granted-now time'); return [t.dateTime, t.textContent]; })()"
    )
    hour, there = int(times[0][11:13]), int(times[1][11:13])
    assert (there - hour) % 24 == 8
    portal.goto(f"{window.company.bridge}/activity")
    expect(portal.locator("td.when time").first).to_have_text(re.compile(r"^20[0-9-]+ [0-9:]+ \(.*UTC\)$"))
    assert axe.faults(portal) == []


def test_aws_learns_no_address_of_ours_from_the_form(ada: Any) -> None:
    asked: list[Any] = []
    ada.context.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - playwright wants a function
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


def test_a_bookmark_signs_in_on_the_way(window: Any) -> None:
    window.open(f"/go/{LINK_ROLE}")
    window.press("Example company")
    window.type_password("ada")
    window.shows("Open the AWS console?")
    window.press("Open console")
    shows_console_of(window, LINK_ROLE)


def test_a_bookmark_of_a_role_that_the_person_lacks_says_so(window: Any) -> None:
    window.arrive("dan")
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


def test_a_console_opens_in_a_tab_that_knows_nothing_of_the_page_and_the_page_stays_good_for_more(ada: Any) -> None:
    home = ada.page
    for _ in range(2):
        ada.page = home
        ada.press_for(FORM_ROLE, "console")
        shows_console_of(ada, FORM_ROLE)
        assert ada.page.evaluate("opener") is None
    expect(home.locator("h1")).to_have_text("My roles")


def test_the_page_of_a_role_opens_where_and_as_long_as_chosen_and_its_bookmark_says_the_same(ada: Any) -> None:
    ada.open(f"/roles/{FORM_ROLE}")
    page = ada.page
    page.get_by_label("How long").select_option("2h")
    page.get_by_label("Reason").fill("ticket 7")
    page.get_by_label("Region").select_option("eu-west-1")
    expect(page.locator("#bookmark")).to_have_text(
        f"{ada.company.bridge}/go/{FORM_ROLE}?region=eu-west-1&duration=2h&reason=ticket%207"
    )
    assert axe.faults(page) == []
    with ada.context.expect_page() as opened:
        ada.press("Open console", "main")
    ada.page = opened.value
    shows_console_of(ada, FORM_ROLE)
    expect(ada.page.locator("#destination")).to_have_text(
        "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1"
    )
    ada.page.goto(str(page.locator("#bookmark").text_content()))
    ada.shows("Open the AWS console?")
    expect(ada.page.locator("#reason")).to_have_text("ticket 7")
    expect(ada.page.locator("#length")).to_have_text("For 2h: as you asked.")
    assert axe.faults(ada.page) == []


def test_who_signs_out_first_does_so_from_every_button_of_this_browser_and_without_scripts(
    new_window: Callable[..., Any],
) -> None:
    window = new_window(java_script_enabled=False)
    asked: list[str] = []
    window.context.on("request", lambda request: asked.append(request.url))
    window.open()
    window.press("Example company")
    window.type_password("ada")
    window.press("Continue")
    window.shows("My roles")
    window.open(f"/roles/{FORM_ROLE}")
    window.page.get_by_label("Sign out of the AWS console first").check()
    with window.context.expect_page() as opened:
        window.press("Open console", "main")
    window.page = opened.value
    shows_console_of(window, FORM_ROLE)
    window.open()
    window.press_for(LINK_ROLE, "console")
    shows_console_of(window, LINK_ROLE)
    outs = [url for url in asked if url.startswith(f"{window.company.addresses.aws}/oauth?Action=logout")]
    assert len(outs) == 2
    window.open(f"/roles/{FORM_ROLE}")
    expect(window.page.get_by_label("Sign out of the AWS console first")).to_be_checked()
