"""Signing out here and at the company too, and signing out at the company by the browser, with each protocol."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import pytest

from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.scripted_user import ScriptedUser


def _offered(text: str) -> str:
    for first in ("    subject: id\n", "    client_id:"):
        assert first in text
        text = text.replace(first, f"    sign_out_there: true\n{first}", 1)
    return text


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company, where both connections offer to sign out there as well."""
    folder: Path = tmp_path_factory.mktemp("company")
    with open_company(folder, in_this_process=True, edit_settings=_offered) as opened:
        yield opened


def is_at_the_provider(user: ScriptedUser) -> bool:
    return user.browser.open(user.company.provider.address + "/").has_form("/logout")


def is_here(user: ScriptedUser) -> bool:
    return user.open("/api/v1/me").status == 200


@pytest.mark.parametrize("connection", ["company", "company-oidc"])
def test_a_person_signs_out_here_and_at_the_company(company: Company, connection: str) -> None:
    ada = ScriptedUser(company, "ada")
    page = ada.sign_in(connection)
    assert (is_here(ada), is_at_the_provider(ada)) == (True, True)
    page = ada.open()
    assert page.body.count('name="where" value="there"') == 1
    leading_on = ada.browser.submit(page, page.form("/sign-out"), where="there")
    assert not is_here(ada), "before the provider is asked"
    way = leading_on.headers["Refresh"].partition("url=")[2]
    assert way in html.unescape(leading_on.body), "for a browser that does not follow by itself"
    left = ada.browser.open(way)
    assert "signed out here and at your company" in left.words
    assert (is_here(ada), is_at_the_provider(ada)) == (False, False)


@pytest.mark.parametrize("connection", ["company", "company-oidc"])
def test_who_signs_out_here_alone_stays_signed_in_at_the_company(company: Company, connection: str) -> None:
    ada = ScriptedUser(company, "ada")
    ada.sign_in(connection)
    page = ada.sign_out()
    assert "signed out here" in page.words
    assert (is_here(ada), is_at_the_provider(ada)) == (False, True)


def test_who_signs_out_at_the_company_is_signed_out_here_by_single_logout(company: Company) -> None:
    ada, dan = ScriptedUser(company, "ada"), ScriptedUser(company, "dan")
    for one in (ada, dan):
        one.sign_in("company")
    home = ada.browser.open(company.provider.address + "/")
    ada.browser.submit(home, home.form("/logout"))
    assert (is_here(ada), is_here(dan)) == (False, True)
