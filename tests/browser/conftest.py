"""A real Chromium, and windows of it in which people of the example company sit.

The bridge is at 127.0.0.1 and the identity provider at localhost: two sites, so that its answers really are cross-site.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import Cookie
from typing import Any

import pytest
from absent_software import program
from company_factories import company_at
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.scripted_user import ScriptedUser

# Playwright waits 5 s for what a page comes to show: too short on a machine that has other work.
expect.set_options(timeout=60_000)

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_REPORTS_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", event =>
  window.reportViolation(`${event.effectiveDirective} stopped ${event.blockedURI} on ${event.documentURI}`));
"""


class Window:
    """A window that shares nothing with other windows, and what its developer console complains about."""

    def __init__(self, context: BrowserContext, company: Company) -> None:
        self.company = company
        self.context = context
        context.set_default_timeout(90_000)
        self.complaints: list[str] = []
        context.expose_binding("reportViolation", lambda _, text: self.complaints.append(text))
        context.add_init_script(_REPORTS_VIOLATIONS)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page: Page = context.new_page()

    def _hear(self, message: ConsoleMessage) -> None:
        # A refusal that a test asks for is a refusal, not a complaint.
        if message.type in ("error", "warning") and "the server responded with a status of" not in message.text:
            self.complaints.append(message.text)

    def open(self, path: str = "/") -> None:
        """A page of the bridge, its address typed."""
        self.page.goto(self.company.bridge + path)

    def press(self, name: str, within: str = "body") -> None:
        """The button with that name."""
        self.page.locator(within).get_by_role("button", name=name, exact=True).click()

    def press_for(self, role: str, what: str) -> None:
        """The button `console` or `credentials` of `account/role` among my roles; a console opens in its own tab."""
        button = self.page.locator(f"[formaction='/roles/{role}/{what}']").first
        if what != "console":
            button.click()
            return
        with self.context.expect_page() as opened:
            button.click()
        self.page = opened.value

    def type_password(self, login: str) -> None:
        """Name and password in the identity provider's form."""
        person = self.company.directory[login]
        self.page.get_by_label("Login name").fill(person.login)
        self.page.get_by_label("Password").fill(person.password)
        self.press("Sign in")

    def sign_in(self, login: str = "ada", title: str = "Example company") -> None:
        """From the choice page to my roles."""
        self.open()
        self.press(title)
        self.type_password(login)
        self.shows("My roles")

    def arrive(self, login: str = "ada") -> None:
        """My roles, to somebody who has signed in before: by cookies that are got without opening the pages for it."""
        user = ScriptedUser(self.company, login)
        user.sign_in()
        self.context.add_cookies([_as_playwright_has_it(cookie) for cookie in user.browser.cookies])
        self.open()
        self.shows("My roles")

    def sign_in_to_administer(self, login: str, heading: str = "Administration", again: str = "Sign in again") -> None:
        """From my roles to the pages of administrators, by the second factor that they ask for."""
        self.open("/administration")
        self.press(again)
        self.type_password(login)
        self.shows(heading)

    def follow_link_elsewhere(self, url: str) -> None:
        """The click on a link to `url` on a page of another site."""
        self.page.goto(self.company.addresses.provider)
        self.page.evaluate("url => document.body.append(Object.assign(document.createElement('a'), {href: url}))", url)
        self.page.evaluate("() => document.querySelector('body > a').click()")

    def shows(self, heading: str) -> None:
        """Waits until the page has this heading and all that it loads; fails where it does not come."""
        expect(self.page.locator("h1")).to_have_text(heading)
        self.page.wait_for_load_state()

    def is_at(self, start: str) -> None:
        """Waits until the address begins so; fails where it does not."""
        expect(self.page).to_have_url(re.compile(re.escape(start)))

    @property
    def roles(self) -> list[str]:
        """The roles on offer, as `account/role`."""
        actions = [str(one.get_attribute("formaction")) for one in self.page.locator("[formaction$='/console']").all()]
        return list(dict.fromkeys(action[7:-8] for action in actions))


def _as_playwright_has_it(cookie: Cookie) -> Any:
    rule = str(cookie.get_nonstandard_attr("SameSite") or "Lax")
    return {
        "name": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain.removesuffix(".local"),  # the jar's own, behind names without a dot
        "path": cookie.path,
        "expires": cookie.expires or -1,
        "secure": cookie.secure,
        "httpOnly": cookie.has_nonstandard_attr("HttpOnly"),
        "sameSite": rule.capitalize(),
    }


@contextmanager
def launching() -> Iterator[Callable[..., Browser]]:
    """What starts a Chromium with further flags; all are closed in the end.

    The shell without a screen is the same engine, and takes half of the work that the whole browser does.
    """
    path = program("chromium-headless-shell", "apt-get install chromium-headless-shell", "chromium")
    browsers: list[Browser] = []
    with sync_playwright() as playwright:

        def start(*flags: str) -> Browser:
            browsers.append(playwright.chromium.launch(executable_path=path, args=[*_FLAGS, *flags]))
            return browsers[-1]

        yield start
        for browser in browsers:
            browser.close()


@pytest.fixture(scope="package")
def launch() -> Iterator[Callable[..., Browser]]:
    """Not for the session: in a thread in which playwright waits, nobody else may run a loop of asyncio."""
    with launching() as start:
        yield start


@pytest.fixture(scope="package")
def chromium(launch: Callable[..., Browser]) -> Browser:
    """One for all files of a process: each window is a person's of its own, and shares nothing with others."""
    return launch()


@pytest.fixture(scope="module")
def company(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The example company, its bridge under the real server in a process of its own."""
    with company_at(tmp_path_factory.mktemp("company")) as opened:
        yield opened


@pytest.fixture
def new_window(chromium: Browser, company: Company) -> Iterator[Callable[..., Window]]:
    """Opens windows, each a browser of its own; in the end none may have complained about our pages."""
    windows: list[Window] = []

    def new(**context: Any) -> Window:
        windows.append(Window(chromium.new_context(**context), company))
        return windows[-1]

    yield new
    complaints = [complaint for window in windows for complaint in window.complaints]
    for window in windows:
        window.context.close()
    assert complaints == []


@pytest.fixture
def window(new_window: Callable[..., Window]) -> Window:
    return new_window()


@pytest.fixture
def ada(window: Window) -> Window:
    """A window in which Ada, the platform administrator, is signed in already."""
    window.arrive("ada")
    return window
