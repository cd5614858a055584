"""One change from the wish to its end in real browsers, as docs/administration.md leads through it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from company_factories import company_at
from documents.blocks import ROOT
from playwright.sync_api import expect

from browser import axe
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import PRODUCTION, TRIED_RULE

pytestmark = pytest.mark.browser

ROLE = f"{PRODUCTION}/ReadOnly"
SECTION = (
    (ROOT / "docs" / "administration.md").read_text("utf-8").partition("### In a browser\n")[2].partition("\n###")[0]
)
NAMED = set(re.findall(r"\*([^*]+)\*", SECTION))
"""What the page tells people to follow, press and fill."""
PAGES = (
    "", "/rules", "/rules/company.contractors", "/findings", "/review", "/edit",
    "/people", "/people/company/p-1001", "/audit", "/sign-ins", "/aws", "/connections", "/versions/1",
    "/form", "/form/company.contractors",
)  # fmt: skip


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company of the demo."""
    with company_at(tmp_path_factory.mktemp("company"), in_this_process=True, rulebook="database") as opened:
        yield opened


class Administrator:
    """Somebody at the pages of administrators, each of which has to be clean."""

    def __init__(self, window: Any, login: str) -> None:
        self.window, self.page, self.used = window, window.page, set[str]()
        window.sign_in(login)
        self.follow("Administration", "Please sign in again before you administer.")
        window.press("Sign in again")
        window.type_password(login)
        self.shows("Administration")

    def shows(self, heading: str) -> None:
        self.window.shows(heading)
        assert axe.faults(self.page) == []

    def follow(self, link: str, heading: str) -> None:
        self.used.add(link)
        self.page.get_by_role("link", name=link, exact=True).first.click()
        self.shows(heading)

    def press_and_see(self, button: str, heading: str) -> None:
        self.used.add(button)
        self.window.press(button)
        self.shows(heading)

    def type(self, label: str, text: str) -> None:
        self.used.add(label)
        self.page.get_by_label(label, exact=True).fill(text)

    def reads(self, text: str) -> None:
        expect(self.page.locator("main")).to_contain_text(text)


def agrees(second: Administrator, change: str, reason: str) -> None:
    second.follow("Overview", "Administration")
    second.follow(change, "A change that needs two people")
    second.reads("sales-reads-reports")
    second.type("Why?", reason)
    second.press_and_see("Put in force", "Administration")


def test_a_change_is_foreseen_agreed_used_explained_and_taken_back(new_window: Callable[..., Any]) -> None:
    dan = new_window()
    dan.arrive("dan")
    assert dan.roles == []

    ada, fay = (Administrator(new_window(), login) for login in ("ada", "fay"))
    ada.follow("Change the rules", "Change the rules")
    ada.type("Rules", ada.page.get_by_label("Rules", exact=True).input_value() + TRIED_RULE)
    ada.press_and_see("Check, and show what would change", "Change the rules")
    ada.reads(f"1 person gains {ROLE} (1h) by rule sales-reads-reports: company/p-1004")
    ada.reads("A second person has to agree")
    ada.press_and_see("Put in force", "Change the rules")
    ada.reads("a reason is needed")
    ada.type("Why?", "TICKET-42: sales read the reports")
    ada.press_and_see("Put in force", "A change that needs two people")
    ada.reads("You proposed it: another administrator has to agree.")
    expect(ada.page.get_by_role("button", name="Put in force")).to_have_count(0)

    agrees(fay, "TICKET-42: sales read the reports", "their head asked me")
    dan.open()
    assert dan.roles == [ROLE]
    dan.press_for(ROLE, "credentials")
    dan.shows("ReadOnly · production")

    ada.follow("People", "People")
    ada.type("Name or address", "dan")
    ada.press_and_see("Find", "People")
    ada.follow("company/p-1004", "Dan Ortiz (company/p-1004)")
    ada.reads(f"{ROLE} (production), 1h, by rule sales-reads-reports: they are in group 'sales'")
    ada.follow("Rules", "Rules")
    ada.type("Rule, role, account, group or owner", "sales")
    ada.press_and_see("Find", "Rules")
    ada.follow("sales-reads-reports", "sales-reads-reports")
    expect(ada.page.locator("main")).to_contain_text(re.compile(rf"{ROLE}: .* UTC, company/p-1004"))

    ada.follow("Overview", "Administration")
    ada.follow("1", "Version 1")
    ada.type("Why?", "TICKET-42: the quarter is over")
    ada.press_and_see("Put this text in force again", "A change that needs two people")
    agrees(fay, "TICKET-42: the quarter is over", "it is")
    dan.open()
    assert dan.roles == []
    assert NAMED - (ada.used | fay.used) == set()


@pytest.mark.parametrize("look", [("zh-CN", "dark", 1280), ("zh-CN", "light", 360)])
def test_every_page_is_clean_in_chinese_too(new_window: Callable[..., Any], look: tuple[str, Any, int]) -> None:
    locale, scheme, width = look
    window = new_window(locale=locale, color_scheme=scheme, viewport={"width": width, "height": 800})
    window.open()
    window.press("Example company")
    window.type_password("ada")
    window.shows("我的角色")
    window.sign_in_to_administer("ada", "管理", "重新登录")
    for page in PAGES:
        window.open(f"/administration{page}")
        expect(window.page.locator("html")).to_have_attribute("lang", "zh-Hans-CN")
        assert axe.faults(window.page) == [], page
        for width in (360, 660, 1200):
            window.page.set_viewport_size({"width": width, "height": 800})
            assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (page, width)


def test_axe_sees_what_is_wrong(ada: Any) -> None:
    ada.page.evaluate(
        "() => { document.querySelector('main').innerHTML = '<h1>a</h1><input name=x><img src=\\'/x\\'>' }"
    )
    assert {one.partition(":")[0] for one in axe.faults(ada.page)} >= {"label", "image-alt"}
    ada.complaints.clear()
