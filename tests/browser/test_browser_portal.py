"""The page of a person's roles in a real browser: by keyboard alone, with 5,003 roles, without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import yaml
from company_factories import company_at
from playwright.sync_api import Browser, Page, expect
from portal_factories import register_of, rules_for_all

from browser import axe
from browser.conftest import Window
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import PRODUCTION

pytestmark = pytest.mark.browser

STATES: dict[str, Callable[[Page], None]] = {
    "on arrival": lambda page: None,
    "found": lambda page: page.locator("#q").fill("admin"),
    "nothing found": lambda page: page.locator("#q").fill("nothing has this"),
    "a role kept on top": lambda page: page.locator("#accounts .star").first.click(),
}


def searches(page: Page) -> None:
    """Waits until the page's script searches in all roles."""
    expect(page.locator("html[data-searches='yes']")).to_have_count(1)


def test_a_keyboard_alone_leads_from_arrival_to_the_console(ada: Window) -> None:
    page = ada.page
    searches(page)
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("prodadm")
    expect(page.locator("#live .offer")).to_have_count(1)
    expect(page.locator("#live .offer.first strong")).to_have_text("Administrator")
    page.keyboard.press("Escape")
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#results")).to_be_visible()
    second = ada.roles[1]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".offer :focus")).to_have_count(1)
    on = page.evaluate("document.activeElement.closest('.offer').dataset.key")
    assert on == second
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("prodadm")
    with ada.context.expect_page() as opened:
        page.keyboard.press("Enter")
    opened.value.wait_for_url(lambda url: not url.startswith(ada.company.bridge))


def test_no_hit_says_so_and_how_to_ask(ada: Window) -> None:
    searches(ada.page)
    ada.page.locator("#q").fill("zzz")
    expect(ada.page.locator("#nothing")).to_contain_text("None of your roles has all these words.")
    expect(ada.page.locator("#count")).to_contain_text("0 of")


def test_a_role_is_kept_on_top_in_place_and_found_there_again(ada: Window) -> None:
    page = ada.page
    searches(page)
    star = page.locator(f"#accounts .offer[data-key='{PRODUCTION}/Developer'] .star")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#kept .offer")).to_have_count(1)
    page.reload()
    page.locator("#kept .star").click()
    expect(page.locator(f"#accounts .offer[data-key='{PRODUCTION}/Developer'] .star")).to_have_attribute(
        "aria-pressed", "false"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_is_without_a_finding_of_axe(new_window: Callable[..., Window], scheme: str) -> None:
    window = new_window(color_scheme=scheme, viewport={"width": 360, "height": 740})
    window.arrive()
    searches(window.page)
    for state, reach in STATES.items():
        window.open()
        searches(window.page)
        reach(window.page)
        assert axe.faults(window.page) == [], state
        width = window.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, state
    window.page.locator("#kept .star").click()
    expect(window.page.locator("#kept .star")).to_have_attribute("aria-pressed", "false")
    window.page.reload()
    expect(window.page.locator("#kept .star")).to_have_count(0)


def test_without_scripts_the_page_searches_keeps_and_opens(new_window: Callable[..., Window]) -> None:
    window = new_window(java_script_enabled=False)
    page = window.page
    window.open()
    window.press("Example company")
    window.type_password("ada")
    window.press("Continue")
    window.shows("My roles")
    page.locator("#q").fill("prodadm")
    window.press("Search")
    expect(page.locator(".offer")).to_have_count(1)
    assert window.roles == [f"{PRODUCTION}/Administrator"]
    page.locator(".star").first.click()
    expect(page.locator(".offer .star")).to_have_attribute("aria-pressed", "true")
    page.locator(".star").first.click()
    expect(page.locator(".offer .star")).to_have_attribute("aria-pressed", "false")
    window.press_for(f"{PRODUCTION}/Administrator", "credentials")
    expect(page.locator("h1")).to_contain_text("Administrator")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The example company, where Ada has 5,003 roles."""
    files = tmp_path_factory.mktemp("register")
    register = register_of(500, 3)
    rules = rules_for_all(register, connection="company", when={"group": "platform-admins"})
    for name, document in (("rules", rules), ("accounts", register)):
        (files / f"{name}.yaml").write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))

    def edit(settings: str) -> str:
        return settings.replace("rules: rules.yaml", f"rules: {files}/rules.yaml").replace(
            "accounts: accounts.yaml", f"accounts: {files}/accounts.yaml"
        )

    with company_at(tmp_path_factory.mktemp("large"), edit_settings=edit) as opened:
        yield opened


def test_five_thousand_roles_are_searched_unfold_and_open(chromium: Browser, large: Company) -> None:
    window = Window(chromium.new_context(), large)
    window.arrive()
    page = window.page
    searches(page)
    expect(page.locator("#accounts > details")).to_have_count(500)
    last = page.locator("#accounts > details").last
    last.locator("summary").click()
    expect(last.locator(".offer")).to_have_count(10)
    assert page.locator("a:visible, button:visible, input:visible, summary:visible").count() < 700
    page.locator("#q").fill("müller 9 bill")
    expect(page.locator("#live .offer.first strong")).to_have_text("Billing")
    page.locator("#q").fill("数据平台 14 dep")
    expect(page.locator("#live .offer.first .name")).to_have_text("数据平台 14")
    assert axe.faults(page) == []
    with window.context.expect_page():
        page.keyboard.press("Enter")
    assert window.complaints == []
    window.context.close()
