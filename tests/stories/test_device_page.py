"""A person lets a program in at /device, with a real identity provider that remembers them."""

from __future__ import annotations

from typing import Any

import pytest

from federation_bridge.oauth.devices import Devices
from federation_bridge.sandbox.browser import Browser
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.visitor import Visitor

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def begun(company: Company, browser: Browser) -> dict[str, Any]:
    """A device login of a program that has no key: a stock AWS client in the RFCs' dialect."""
    answer: dict[str, Any] = browser.post(
        f"{company.bridge}/oauth/device_authorization", {"client_id": "aws-sso"}
    ).json()
    return answer


def test_i_type_the_code_look_at_who_asks_and_let_it_in(company: Company, trail: Any) -> None:
    program, ada = Browser("aws-cli/2"), Visitor(company, "ada")
    code = begun(company, program)
    page = ada.sign_in(path="/device")
    page = ada.browser.submit(page, page.form("/device"), user_code=code["user_code"].lower())
    assert "127.0.0.1" in page.words
    assert "aws-cli/2" in page.words
    page = ada.browser.submit(page, page.form("/device/decision"), decision="allow")
    assert "The command line is in." in page.words
    fields = {"client_id": "aws-sso", "grant_type": DEVICE_GRANT, "device_code": code["device_code"]}
    tokens = program.post(f"{company.bridge}/oauth/token", fields).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = program.call(page, "GET", f"{company.bridge}/api/v1/me", headers=bearer).json()
    assert me["person"].startswith("company/")
    (event,) = [one for one in trail(company) if one["event"] == "command_line.approved"]
    assert event["person"] == me["person"]
    assert tokens["access_token"] not in str(trail(company))


@pytest.mark.parametrize("connection", ["company", "company-oidc"])
def test_where_my_sign_in_is_too_old_the_provider_asks_for_my_password_though_it_remembers_me(
    company: Company, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = Visitor(company, "ada")
    ada.sign_in(connection)
    with monkeypatch.context() as later:
        later.setattr(Devices, "is_fresh", lambda *_: False)
        page = ada.open("/device")
    page = ada.browser.submit(page, page.form("/device/sign-in"))
    assert page.has_form("/login")
    assert ada.type_password(page).has_form("/device")
