"""Sign-in at an identity provider made with pysaml2, signed and encrypted in each way that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from absent_software import program

from federation_bridge.sandbox.browser import Page
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser, caller_arn

pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("ignore:::saml2.*")]

ADMINISTRATOR = f"{PRODUCTION}/Administrator"


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Any]:
    xmlsec1 = program("xmlsec1", "apt-get install xmlsec1")
    from interop import pysaml2_provider  # noqa: PLC0415 - looks for xmlsec1 when it is imported

    with pysaml2_provider.running(tmp_path, xmlsec1) as running:
        yield running


def company_of(open_with: Any, provider: Any, **settings: str) -> Company:
    def edit(text: str) -> str:
        begin, end = text.index("  company:\n"), text.index("  company-oidc:\n")
        more = "".join(f"    {name}: {value}\n" for name, value in settings.items())
        ours = f"""\
  company:
    title: Company
    protocol: saml
    metadata_url: {provider.address}/metadata
    networks: [127.0.0.0/8, "::1/128"]
{more}"""
        return text[:begin] + ours + text[end:]

    company: Company = open_with(edit)
    metadata = ScriptedUser(company, "ada").open("/sign-in/company/metadata").body
    provider.service_provider.write_text(metadata, encoding="utf-8")
    return company


def come_back(ada: ScriptedUser) -> Page:
    """The page after signing in, the provider's posting form pressed."""
    page = ada.sign_in("company")
    return ada.browser.submit(page, page.form("/sign-in/company/saml"))


SIGNINGS = {
    "assertion": {"sign_assertion": True, "sign_response": False},
    "response": {"sign_assertion": False, "sign_response": True},
    "both": {"sign_assertion": True, "sign_response": True},
}


@pytest.mark.parametrize("signed", SIGNINGS)
@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_what_pysaml2_signs_signs_in_and_works_at_aws(open_with: Any, provider: Any, signed: str, binding: str) -> None:
    provider.signing = SIGNINGS[signed]
    company = company_of(open_with, provider, signed=signed, request_binding=binding)
    ada = ScriptedUser(company, "ada")
    page = come_back(ada)
    assert page.url == f"{company.bridge}/", page.words
    assert ada.call_api("GET", "/me").json()["person"] == "company/p-1001"
    credentials = ada.credentials(ADMINISTRATOR)
    assert caller_arn(company, credentials) == credentials.assumed_role_arn


@pytest.mark.parametrize(("signed", "demanded"), [("assertion", "response"), ("response", "assertion")])
def test_an_answer_signed_elsewhere_than_demanded_signs_nobody_in(
    open_with: Any, provider: Any, signed: str, demanded: str
) -> None:
    provider.signing = SIGNINGS[signed]
    ada = ScriptedUser(company_of(open_with, provider, signed=demanded), "ada")
    assert come_back(ada).status == 403
    assert ada.roles() == []


def test_an_unsigned_answer_signs_nobody_in(open_with: Any, provider: Any) -> None:
    provider.signing = {"sign_assertion": False, "sign_response": False}
    ada = ScriptedUser(company_of(open_with, provider), "ada")
    assert come_back(ada).status == 403


def test_pysaml2_refuses_our_request_once_it_is_changed(open_with: Any, provider: Any) -> None:
    provider.signing = SIGNINGS["assertion"]
    ada = ScriptedUser(company_of(open_with, provider), "ada")
    page = ada.open()
    left = ada.browser.submit_and_stop(page, page.form("/sign-in"), connection="company").url
    assert ada.browser.open_and_stop(left).status == 200
    changed = ada.browser.open_and_stop(left.replace("RelayState=", "RelayState=0"))
    assert changed.status == 403
    assert len(provider.refused) == 1
