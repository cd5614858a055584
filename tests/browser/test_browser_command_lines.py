"""Letting a command line in, in a real browser: by typed code, by consent, and by the role choice of `aws login`."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect
from threaded_server import serving

from federation_bridge.sandbox.browser import Browser
from federation_bridge.sandbox.company_files import PRODUCTION

pytestmark = pytest.mark.browser

ELSEWHERE = "http://127.0.0.1:49152"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 64).digest()).decode().rstrip("=")
KEY = "A" * 43
CONSENT = {
    "response_type": "code",
    "client_id": "fedbridge",
    "redirect_uri": f"{ELSEWHERE}/callback",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "state": "of-this-login",
    "dpop_jkt": KEY,
}


def consent_page(listens_at: str = ELSEWHERE) -> str:
    return "/oauth/authorize?" + urlencode({**CONSENT, "redirect_uri": f"{listens_at}/callback"})


def role_page(client: str, redirect_uri: str) -> str:
    asked = {**CONSENT, "client_id": f"arn:aws:signin:::devtools/{client}", "redirect_uri": redirect_uri}
    del asked["dpop_jkt"]
    return "/v1/authorize?" + urlencode({**asked, "code_challenge_method": "SHA-256", "scope": "openid"})


def remote_page(window: Any) -> str:
    return role_page("cross-device", f"{window.company.bridge}/v1/sessions/confirmation")


def pages_for(window: Any) -> dict[str, str]:
    """Every page on which a person lets a program in, by its heading."""
    return {
        "Let a command line in?": "/device",
        "Let a command line in? ": consent_page(),
        "Which role shall the AWS CLI have?": role_page("same-device", f"{ELSEWHERE}/oauth/callback"),
        "Which role shall the AWS CLI have? ": remote_page(window),
        "My command lines": "/command-lines",
    }


def waiting_program(window: Any) -> str:
    """The code that a program shows that waits to be let in."""
    asked = {"client_id": "aws-sso", "client_label": "builder"}
    answer = Browser("aws-cli/2").post(f"{window.company.bridge}/oauth/device_authorization", asked).json()
    return str(answer["user_code"])


class _Program(BaseHTTPRequestHandler):
    """Listens as a command line does while somebody lets it in, and says that the page can be closed."""

    told: list[str]

    def do_GET(self) -> None:
        self.told.append(self.path)
        body = b"<link rel=icon href=data:,><h1>You can close this page.</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
        pass


class Listening:
    """A program of this computer that waits for a browser to come with its answer."""

    def __init__(self, address: str, told: list[str], window: Any) -> None:
        self.address, self._told, self._window = address, told, window

    def answer(self) -> dict[str, list[str]]:
        """What the browser brings, once it is there."""
        self._window.shows("You can close this page.")
        self._window.is_at(self.address)
        return parse_qs(urlsplit(self._told[-1]).query)


@pytest.fixture
def program(ada: Any) -> Iterator[Listening]:
    """Really listens: playwright hands no request to `route` that a redirect leads to."""
    told: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("_Told", (_Program,), {"told": told}))
    with serving(server):
        yield Listening(f"http://127.0.0.1:{server.server_address[1]}", told, ada)


def test_the_typed_code_lets_the_program_in_and_there_is_a_way_back(ada: Any) -> None:
    code = waiting_program(ada)
    ada.open("/device")
    ada.page.get_by_label("Type the code").fill(code.lower())
    ada.press("Continue")
    ada.shows("Did you start this yourself, on a computer in front of you?")
    assert code in ada.page.locator("dl").inner_text()
    ada.press("Yes, let it in")
    ada.shows("The command line is signed in.")
    ada.page.get_by_role("link", name="Back to my roles").click()
    ada.shows("My roles")


def test_a_wrong_code_is_said_at_its_field_and_a_no_refuses_the_right_one(ada: Any) -> None:
    code = waiting_program(ada)
    ada.open("/device")
    ada.page.get_by_label("Type the code").fill("BBBB-BBBB")
    ada.press("Continue")
    field = ada.page.get_by_label("Type the code")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("This code is not valid"))
    field.fill(code)
    ada.press("Continue")
    ada.press("No, refuse it")
    ada.shows("The command line was refused.")


def test_a_code_is_typed_and_approved_by_the_keyboard_alone(ada: Any) -> None:
    code = waiting_program(ada)
    ada.open("/device")
    expect(ada.page.get_by_label("Type the code")).to_be_focused()
    ada.page.keyboard.type(code)
    ada.page.keyboard.press("Enter")
    ada.shows("Did you start this yourself, on a computer in front of you?")
    press_by_keyboard(ada, "Yes, let it in")
    ada.shows("The command line is signed in.")


def press_by_keyboard(window: Any, name: str) -> None:
    button = window.page.get_by_role("button", name=name, exact=True)
    for _ in range(12):
        if button.evaluate("one => one === document.activeElement"):
            break
        window.page.keyboard.press("Tab")
    expect(button).to_be_focused()
    assert button.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    window.page.keyboard.press("Enter")


@pytest.mark.parametrize(("name", "parameter"), [("Allow", "code"), ("Refuse", "error")])
def test_consent_is_given_or_refused_and_the_program_hears_so(
    ada: Any, program: Listening, name: str, parameter: str
) -> None:
    ada.open(consent_page(program.address))
    ada.shows("Let a command line in?")
    assert program.address.removeprefix("http://") in ada.page.locator("dl").inner_text()
    press_by_keyboard(ada, name)
    told = program.answer()
    assert told["state"] == ["of-this-login"]
    assert {"code", "error"} & set(told) == {parameter}


def test_aws_login_gets_the_role_that_was_pressed(ada: Any, program: Listening) -> None:
    ada.open(role_page("same-device", f"{program.address}/oauth/callback"))
    ada.page.locator(f"button[value='{PRODUCTION}/Developer']").press("Enter")
    assert "code" in program.answer()


def test_aws_login_that_nobody_asked_for_is_refused_before_any_role_is_reached(ada: Any, program: Listening) -> None:
    ada.open(role_page("same-device", f"{program.address}/oauth/callback"))
    buttons = [button.inner_text() for button in ada.page.locator("main button").all()]
    assert buttons[0] == "No, I did not ask for this"
    press_by_keyboard(ada, buttons[0])
    assert program.answer()["error"] == ["access_denied"]


def test_the_code_that_is_carried_by_hand_is_shown_large_and_the_page_can_sign_out(ada: Any) -> None:
    ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ada.open(remote_page(ada))
    expect(ada.page.get_by_role("alert")).to_contain_text("Whoever gets it gets your role")
    ada.page.locator(f"button[value='{PRODUCTION}/Developer']").press("Enter")
    ada.shows("Type this into the AWS CLI")
    shown = ada.page.locator("#authorization-code")
    assert parse_qs(base64.b64decode(shown.inner_text()).decode())["state"] == ["of-this-login"]
    style = shown.evaluate("one => [getComputedStyle(one).fontFamily, parseFloat(getComputedStyle(one).fontSize)]")
    assert ("monospace" in style[0], style[1] > 16) == (True, True)
    ada.press("Copy")
    ada.page.get_by_role("button", name="Copied").wait_for()
    assert ada.page.evaluate("navigator.clipboard.readText()") == shown.inner_text()
    ada.press("Sign out")
    ada.shows("You are signed out here")


def test_a_no_on_another_device_shows_no_code(ada: Any) -> None:
    ada.open(remote_page(ada))
    ada.press("No, I did not ask for this")
    ada.shows("No program was signed in")
    expect(ada.page.locator("#authorization-code")).to_have_count(0)


@pytest.mark.parametrize("at", range(5))
def test_such_a_page_loads_nothing_foreign_cannot_be_framed_and_fits_a_telephone(
    new_window: Callable[..., Any], at: int
) -> None:
    window = new_window(viewport={"width": 360, "height": 740}, color_scheme="dark")
    window.sign_in("ada")
    heading, path = list(pages_for(window).items())[at]
    loads: list[Any] = []
    window.page.on("response", lambda response: loads.append(response))  # noqa: PLW0108 - playwright wants a function
    window.open(path)
    window.shows(heading.strip())
    window.page.wait_for_load_state("networkidle")
    assert all(load.url.startswith(window.company.bridge) for load in loads)
    headers = loads[0].headers
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_letting_a_command_line_in_needs_no_script(new_window: Callable[..., Any]) -> None:
    window = new_window(java_script_enabled=False)
    window.open()
    window.press("Example company")
    window.type_password("ada")
    window.press("Continue")
    window.shows("My roles")
    code = waiting_program(window)
    window.open("/device")
    window.page.get_by_label("Type the code").fill(code)
    window.press("Continue")
    window.press("Yes, let it in")
    window.shows("The command line is signed in.")
    window.open(remote_page(window))
    window.page.locator(f"button[value='{PRODUCTION}/Developer']").click()
    expect(window.page.locator("#authorization-code")).to_be_visible()
    expect(window.page.locator("button[data-copies]")).to_be_hidden()


def test_a_chinese_reader_lets_a_command_line_in_in_chinese(new_window: Callable[..., Any]) -> None:
    window = new_window(locale="zh-CN")
    window.open()
    window.press("Example company")
    window.type_password("ada")
    window.shows("我的角色")
    assert "打开控制台" in window.page.locator("main").inner_text()
    window.open("/device")
    window.page.get_by_label("输入您自己的终端显示的代码").fill(waiting_program(window))
    window.press("继续")
    window.press("是，批准")  # noqa: RUF001 - Chinese punctuation
    window.shows("命令行已获批准。")
