"""Attacks G05 and G06 where the session's cookie stays behind: an answer posted across sites brings no Lax cookie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from federation_bridge.sandbox.browser import Page
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.scripted_user import ScriptedUser

CONNECTIONS = ("company", "company-oidc")
"""The answer by SAML's POST binding, and by OpenID Connect's form_post."""


def _with_form_post(settings: str) -> str:
    return settings.replace("protocol: oidc\n", "protocol: oidc\n    response_mode: form_post\n")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("company")
    with open_company(folder, in_this_process=True, edit_settings=_with_form_post) as opened:
        yield opened


def _signed_in_again_as(login: str, scripted_user: ScriptedUser, left_open: Page, connection: str) -> Page:
    """The choice page that was left open in another tab is used, and somebody signs in at the provider."""
    # The provider's own sign-out would tell the bridge, and nobody would be signed in there.
    for cookie in [one for one in scripted_user.browser.cookies if one.domain.startswith("localhost")]:
        scripted_user.browser.cookies.clear(cookie.domain, cookie.path, cookie.name)
    page = scripted_user.browser.submit(left_open, left_open.form("/sign-in"), connection=connection)
    return ScriptedUser.type_password(_sitting_at(scripted_user, login), page)


def _sitting_at(scripted_user: ScriptedUser, login: str) -> ScriptedUser:
    other = ScriptedUser(scripted_user.company, login)
    other.browser = scripted_user.browser
    return other


def _changes(company: Company) -> list[Any]:
    lines = (company.folder / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for line in lines if (event := json.loads(line))["event"] == "session.identity_changed"]


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_somebody_else_who_comes_by_a_cross_site_post_waits_for_a_click(company: Company, connection: str) -> None:
    ada = ScriptedUser(company, "ada")
    left_open = ada.open()
    ada.sign_in(connection)
    before = len(_changes(company))
    page = _signed_in_again_as("bruno", ada, left_open, connection)
    assert "Is this you?" in page.words
    assert ada.roles() == []
    assert [change["details"]["previous"] for change in _changes(company)[before:]] == [f"{connection}/p-1001"]
    page = ada.browser.submit(page, page.form("/confirm"))
    assert "My roles" in page.words


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_the_same_person_who_comes_by_a_cross_site_post_just_comes_in(company: Company, connection: str) -> None:
    ada = ScriptedUser(company, "ada")
    left_open = ada.open()
    ada.sign_in(connection)
    before = len(_changes(company))
    assert "My roles" in _signed_in_again_as("ada", ada, left_open, connection).words
    assert len(_changes(company)) == before


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_k01_the_session_that_a_cross_site_post_replaces_is_good_for_nothing(company: Company, connection: str) -> None:
    ada = ScriptedUser(company, "ada")
    left_open = ada.open()
    ada.sign_in(connection)
    held = [cookie for cookie in ada.browser.cookies if cookie.name == "__Host-bridge-session"]
    _signed_in_again_as("bruno", ada, left_open, connection)
    ada.browser.cookies.set_cookie(held[0])
    assert "Sign in with your company account" in ada.open().words
