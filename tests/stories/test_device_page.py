"""A person lets a program in at /device, with a real identity provider that remembers them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from federation_bridge.errors import SignInTooOld
from federation_bridge.model import Session
from federation_bridge.oauth.codes import Codes
from federation_bridge.sandbox.browser import Browser
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.scripted_user import ScriptedUser

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def begun(company: Company, browser: Browser) -> dict[str, Any]:
    """A device login of a program that has no key: a stock AWS client in the RFCs' dialect."""
    answer: dict[str, Any] = browser.post(
        f"{company.bridge}/oauth/device_authorization", {"client_id": "aws-sso"}
    ).json()
    return answer


def test_i_type_the_code_look_at_who_asks_and_let_it_in(company: Company, trail: Any) -> None:
    program, ada = Browser("aws-cli/2"), ScriptedUser(company, "ada")
    code = begun(company, program)
    page = ada.sign_in(path="/device")
    page = ada.browser.submit(page, page.form("/device"), user_code=code["user_code"].lower())
    assert "127.0.0.1" in page.words
    assert "aws-cli/2" in page.words
    page = ada.browser.submit(page, page.form("/device/decision"), decision="allow")
    assert "The command line is signed in." in page.words
    fields = {"client_id": "aws-sso", "grant_type": DEVICE_GRANT, "device_code": code["device_code"]}
    tokens = program.post(f"{company.bridge}/oauth/token", fields).json()
    assert tokens["token_type"] == "Bearer"
    assert "aws-cli/2" in ada.open("/command-lines").words
    approved = [one for one in trail(company) if one["event"] == "command_line.approved"]
    (event,) = [one for one in approved if one["details"]["way"] == "device"]
    assert event["person"].startswith("company/")
    assert tokens["access_token"] not in str(trail(company))


@pytest.mark.parametrize("connection", ["company", "company-oidc"])
def test_where_my_sign_in_is_too_old_the_provider_asks_for_my_password_though_it_remembers_me(
    company: Company, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in(connection)
    with monkeypatch.context() as later:
        later.setattr(Session, "authenticated_at", datetime(2000, 1, 1, tzinfo=UTC))
        page = ada.open("/device")
    page = ada.browser.submit(page, page.form("/device/sign-in"))
    assert page.has_form("/login")
    assert ada.type_password(page).has_form("/device")


@pytest.mark.parametrize("connection", ["company", "company-oidc"])
def test_a_code_that_i_shall_carry_elsewhere_asks_for_my_password_too_and_then_for_the_role(
    company: Company, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`aws login --remote`, begun long after the sign-in: the way back leads to the roles of the very same request."""
    asked = {
        "response_type": "code",
        "client_id": "arn:aws:signin:::devtools/cross-device",
        "redirect_uri": f"{company.bridge}/v1/sessions/confirmation",
        "state": "a-state",
        "scope": "openid",
        "code_challenge": "x" * 43,
        "code_challenge_method": "SHA-256",
    }

    def too_old(*_: object) -> None:
        raise SignInTooOld

    ada = ScriptedUser(company, "ada")
    ada.sign_in(connection)
    with monkeypatch.context() as later:
        later.setattr(Codes, "check_may_let_in", too_old)
        page = ada.open(f"/v1/authorize?{urlencode(asked)}")
    assert not page.has_form("/v1/authorize")
    page = ada.browser.submit(page, page.form("/device/sign-in"))
    assert page.has_form("/login")
    page = ada.type_password(page)
    role = ada.roles()[0]
    shown = ada.browser.submit(page, page.form("/v1/authorize"), role=role)
    assert base64.b64decode(shown.by_id["authorization-code"]).startswith(b"state=a-state&code=fbc_")
