"""What a page owes to a reader who sees little, hears it read out, or uses no mouse: looked at in the rendered page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from company_factories import company_at
from playwright.sync_api import expect

from browser import axe
from browser.conftest import Window
from browser.test_browser_command_lines import consent_page, remote_page, waiting_program
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import PRODUCTION

pytestmark = pytest.mark.browser

_FAULTS = """() => {
  const faults = [];
  const shown = one => one.getClientRects().length > 0 && getComputedStyle(one).visibility === "visible";
  const named = one => (one.getAttribute("aria-label") || one.textContent).trim() !== "";
  if (!document.documentElement.lang) faults.push("the page has no language");
  if (!document.title.trim()) faults.push("the page has no title");
  if (document.querySelectorAll("h1").length !== 1) faults.push("not exactly one h1");
  if (document.querySelectorAll("main").length !== 1) faults.push("not exactly one main");
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    if (Number(heading.tagName[1]) > level + 1) faults.push(`a level is left out before ${heading.textContent}`);
    level = Number(heading.tagName[1]);
  }
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!field.labels.length) faults.push(`field ${field.name} has no label`);
  for (const one of document.querySelectorAll("a, button, summary"))
    if (!named(one)) faults.push(`${one.outerHTML} says nothing`);
  const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`id ${id} twice`);
  for (const one of document.querySelectorAll("[aria-describedby]"))
    for (const id of one.getAttribute("aria-describedby").split(" "))
      if (!ids.includes(id)) faults.push(`described by ${id}, which is not there`);
  for (const one of document.querySelectorAll("label[for]"))
    if (!ids.includes(one.htmlFor)) faults.push(`a label for ${one.htmlFor}, which is not there`);

  // WCAG 2.2, 1.4.3 and 1.4.11
  const parts = color => color.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ratio = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const ground = one => {
    for (; one; one = one.parentElement) {
      const color = parts(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  for (const one of document.querySelectorAll("body *")) {
    const text = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!text || !shown(one)) continue;
    const found = ratio(parts(getComputedStyle(one).color), ground(one));
    if (found < 4.5) faults.push(`${one.textContent.trim().slice(0, 30)}: contrast ${found.toFixed(2)}`);
  }
  for (const one of document.querySelectorAll("input:not([type=hidden]), button")) {
    if (!shown(one)) continue;
    const found = ratio(parts(getComputedStyle(one).borderTopColor), ground(one.parentElement));
    if (found < 3) faults.push(`the edge of ${one.name || one.textContent}: contrast ${found.toFixed(2)}`);
  }
  return faults;
}"""


def typed_code(window: Any) -> None:
    code = waiting_program(window)
    window.open("/device")
    window.page.get_by_label("Type the code").fill(code)
    window.press("Continue")
    window.shows("Did you start this yourself, on a computer in front of you?")


def credentials(window: Any) -> None:
    window.open()
    window.press_for(f"{PRODUCTION}/Developer", "credentials")
    window.shows("Developer · production")


def carried_code(window: Any) -> None:
    window.open(remote_page(window))
    window.page.locator(f"button[value='{PRODUCTION}/Developer']").click()
    window.shows("Type this into the AWS CLI")


def signed_out(window: Any) -> None:
    window.open()
    window.press("Sign out")
    window.shows("You are signed out here")


OF_ADMINISTRATORS: dict[str, Callable[[Any], None]] = {
    "administration": lambda window: window.open("/administration"),
    "rules": lambda window: window.open("/administration/rules"),
    "a rule": lambda window: window.open("/administration/rules/company.contractors"),
    "a version": lambda window: window.open("/administration/versions/1"),
    "change the rules": lambda window: window.open("/administration/edit"),
    "accounts": lambda window: window.open("/administration/accounts"),
    "an account": lambda window: window.open(f"/administration/accounts/{PRODUCTION}"),
    "people": lambda window: window.open("/administration/people"),
    "who is kept out": lambda window: window.open("/administration/blocks"),
    "the audit": lambda window: window.open("/administration/audit"),
    "AWS's side": lambda window: window.open("/administration/aws"),
    "connections": lambda window: window.open("/administration/connections"),
}

PAGES: dict[str, Callable[[Any], None]] = {
    "my roles": lambda window: window.open("/"),
    "why": lambda window: window.open("/why"),
    "a role asked about": lambda window: window.open("/why?role=production/ReadOnly"),
    "one role": lambda window: window.open(f"/roles/{PRODUCTION}/Developer"),
    "credentials": credentials,
    "a bookmark with parameters": lambda window: window.open(f"/go/{PRODUCTION}/Developer?to=/s3/home%23a=b"),
    "a role that I do not have": lambda window: window.open(f"/go/{PRODUCTION}/Nobody"),
    "refusal": lambda window: window.open("/nothing-here"),
    "confirm": lambda window: window.open("/confirm"),
    "type code": lambda window: window.open("/device"),
    "device approval": typed_code,
    "consent": lambda window: window.open(consent_page()),
    "role choice": lambda window: window.open(remote_page(window)),
    "carried code": carried_code,
    "command lines": lambda window: window.open("/command-lines"),
    "signed out": signed_out,
    **OF_ADMINISTRATORS,
}


@pytest.fixture(scope="module")
def administering(chromium: Any, company: Company) -> Iterator[Window]:
    """A window in which Ada is signed in and administers: a browser for each page takes longer than all the pages."""
    window = Window(chromium.new_context(), company)
    window.arrive("ada")
    window.sign_in_to_administer("ada")
    yield window
    window.context.close()
    assert window.complaints == []


def _faults_in_both_schemes(window: Any) -> list[Any]:
    """What our own look and axe find in the page, in light and in dark."""
    found: list[Any] = []
    for scheme in ("light", "dark"):
        window.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert window.page.evaluate("scheme => matchMedia(`(prefers-color-scheme: ${scheme})`).matches", scheme)
        found += [*window.page.evaluate(_FAULTS), *axe.faults(window.page)]
    return found


@pytest.mark.parametrize("page", [name for name in PAGES if name != "signed out"])
def test_a_page_is_labelled_ordered_and_readable(administering: Window, page: str) -> None:
    PAGES[page](administering)
    assert _faults_in_both_schemes(administering) == []


def test_the_pages_before_and_after_a_session_are_labelled_ordered_and_readable(window: Any) -> None:
    window.open()
    assert _faults_in_both_schemes(window) == []
    window.sign_in("ada")
    PAGES["signed out"](window)
    assert _faults_in_both_schemes(window) == []


def test_the_check_sees_what_is_wrong(ada: Any) -> None:
    ada.page.evaluate(
        """() => {
          document.querySelector("main").innerHTML = "<h1>a</h1><h3>b</h3><input name=x><a href='/'></a>"
            + "<p id=faint>faint</p><button aria-describedby=gone>c</button>";
          document.getElementById("faint").style.color = getComputedStyle(document.body).backgroundColor;
        }"""
    )
    faults = " | ".join(ada.page.evaluate(_FAULTS))
    for fault in ("a level is left out", "field x has no label", "says nothing", "faint: contrast 1.00", "by gone"):
        assert fault in faults


@pytest.mark.parametrize("page", ["my roles", "type code", "role choice", "command lines"])
def test_whatever_the_keyboard_reaches_is_seen_to_be_reached(ada: Any, page: str) -> None:
    PAGES[page](ada)
    for _ in range(8):
        ada.page.keyboard.press("Tab")
        style = ada.page.evaluate(
            """() => { const one = document.activeElement, style = getComputedStyle(one);
                       return one === document.body ? null : [style.outlineStyle, parseFloat(style.outlineWidth)]; }"""
        )
        assert style is None or (style[0] == "solid" and style[1] >= 2)


def _twelve_roles(settings: str, folder: Path) -> str:
    names = [f"Team{number:02d}" for number in range(12)]
    accounts, rules = folder / "accounts.yaml", folder / "rules.yaml"
    accounts.write_text(
        accounts.read_text().replace("roles: [Administrator, Dev", f"roles: [{', '.join(names)}, Administrator, Dev")
    )
    granted = ", ".join(f"{PRODUCTION}/{name}" for name in names)
    rule = f"  - {{id: teams, connection: company, when: {{group: contractors}}, grant: {{roles: [{granted}]}}}}\n"
    rules.write_text(rules.read_text() + rule)
    return settings


@pytest.fixture(scope="module")
def large_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("large")
    with company_at(folder, edit_settings=lambda settings: _twelve_roles(settings, folder)) as opened:
        yield opened


def test_many_roles_can_be_narrowed_by_words_of_role_and_account(
    new_window: Callable[..., Any], large_company: Company
) -> None:
    window = new_window()
    window.company = large_company
    window.arrive("carla")
    expect(window.page.locator("html[data-searches='yes']")).to_have_count(1)
    window.page.get_by_label("Find a role").fill("production team07")
    expect(window.page.locator(".offer:visible")).to_have_count(1)
    expect(window.page.locator("#count")).to_have_text("1 of 13 roles")
    window.open(remote_page(window))
    window.page.get_by_label("Show only roles and accounts").fill("team0")
    expect(window.page.locator("button.choice:visible")).to_have_count(10)
    window.page.keyboard.press("Enter")
    window.shows("Which role shall the AWS CLI have?")
    assert window.page.evaluate(_FAULTS) == []


def test_without_scripts_all_roles_stand_and_the_field_asks_the_service(
    new_window: Callable[..., Any], large_company: Company
) -> None:
    window = new_window(java_script_enabled=False)
    window.company = large_company
    window.open()
    window.press("Example company")
    window.type_password("carla")
    window.press("Continue")
    expect(window.page.locator(".offer")).to_have_count(13)
    window.page.get_by_label("Find a role").fill("production team07")
    window.press("Search")
    expect(window.page.locator(".offer")).to_have_count(1)
