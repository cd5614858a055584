"""Sign-in at `oidc-provider`, a certified OpenID provider: code with PKCE, nonce and the `iss` parameter."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from absent_software import folder, program

from federation_bridge.operate import export, preparation
from federation_bridge.sandbox.browser import Page
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import CLIENT_ID, PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser, caller_arn
from federation_bridge.signing import Purpose

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent / "oidc_provider"
SECRET = "a secret that only the two of them know"
ADA = {
    "name": "Ada Moss",
    "email": "ada@example.com",
    "email_verified": True,
    "department": "Platform",
    "groups": ["platform-admins"],
}


@dataclass
class Provider:
    address: str
    process: subprocess.Popen[str]

    def begin(self, company: Company, **client: Any) -> None:
        """Registers the bridge with these further terms, and begins to answer."""
        registered = {
            "client_id": CLIENT_ID,
            "redirect_uris": [f"{company.bridge}/sign-in/company-oidc/oidc"],
            "scope": "openid profile email groups",
            **client,
        }
        print(
            json.dumps({"people": {"p-1001": ADA}, "clients": [registered]}), file=_pipe(self.process.stdin), flush=True
        )
        assert _pipe(self.process.stdout).readline() == "ready\n"


def _pipe(found: IO[str] | None) -> IO[str]:
    assert found is not None
    return found


@pytest.fixture
def provider() -> Iterator[Provider]:
    node = program("node", "apt-get install nodejs npm")
    folder(HERE / "node_modules", "apt-get install nodejs npm, then `make test` fetches it or shows npm's reason")
    command = [node, "--no-warnings", str(HERE / "provider.mjs")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield Provider(_pipe(process.stdout).readline().strip(), process)
        _pipe(process.stdin).close()
        process.wait(60)


def company_of(open_with: Any, provider: Provider, **settings: str) -> Company:
    def edit(text: str) -> str:
        begin, end = text.index("  company-oidc:\n"), text.index("\naws:\n")
        more = "".join(f"    {name}: {value}\n" for name, value in settings.items())
        ours = f"""\
  company-oidc:
    title: Company
    protocol: oidc
    issuer: {provider.address}
    client_id: {CLIENT_ID}
    scopes: [openid, profile, email, groups]
    networks: [127.0.0.0/8, "::1/128"]
{more}"""
        return text[:begin] + ours + text[end:]

    company: Company = open_with(edit)
    (company.folder / "client-secret").write_text(SECRET, encoding="utf-8")
    return company


def come_back(ada: ScriptedUser) -> Page:
    """The page after the login name was typed and the consent was given."""
    page = ada.sign_in("company-oidc")
    page = ada.browser.submit(page, page.form("/interaction/"), login="p-1001", password="any")
    page = ada.browser.submit(page, page.form("/interaction/"))
    return ada.browser.submit(page, page.forms[0]) if page.has_form("/sign-in/company-oidc/oidc") else page


def signs_in_and_works(ada: ScriptedUser) -> None:
    page = come_back(ada)
    assert page.url == f"{ada.company.bridge}/", (page.url, page.words)
    assert ada.call_api("GET", "/me").json()["person"] == "company-oidc/p-1001"
    credentials = ada.credentials(f"{PRODUCTION}/Administrator")
    assert caller_arn(ada.company, credentials) == credentials.assumed_role_arn


@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_person_signs_in_with_the_clients_secret(open_with: Any, provider: Provider, mode: str, method: str) -> None:
    company = company_of(open_with, provider, client_secret="{file: client-secret}", response_mode=mode)
    provider.begin(company, client_secret=SECRET, token_endpoint_auth_method=method)
    signs_in_and_works(ScriptedUser(company, "ada"))


def test_a_person_signs_in_with_a_key_of_ours_instead_of_a_secret(open_with: Any, provider: Provider) -> None:
    company = company_of(open_with, provider)
    preparation.prepare(company.settings)
    shown = export.public_keys(company.settings)[Purpose.CLIENT_ASSERTION.value]
    keys = {"keys": [one["jwk"] for one in shown]}
    provider.begin(company, token_endpoint_auth_method="private_key_jwt", jwks=keys)
    signs_in_and_works(ScriptedUser(company, "ada"))


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_the_id_tokens_algorithm_is_the_one_of_the_setting(open_with: Any, provider: Provider, algorithm: str) -> None:
    company = company_of(open_with, provider, client_secret="{file: client-secret}", algorithms="[PS256]")
    provider.begin(company, client_secret=SECRET, id_token_signed_response_alg=algorithm)
    ada = ScriptedUser(company, "ada")
    if algorithm == "PS256":
        signs_in_and_works(ada)
    else:
        assert come_back(ada).status == 403
        assert ada.roles() == []


def test_the_request_carries_what_holds_the_answer_to_it(open_with: Any, provider: Provider) -> None:
    company = company_of(open_with, provider, client_secret="{file: client-secret}")
    provider.begin(company, client_secret=SECRET)
    ada = ScriptedUser(company, "ada")
    sign_in = ada.sign_in("company-oidc")
    asked = parse_qs(urlsplit(next(url for url in sign_in.visited if "/auth?" in url)).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    page = ada.browser.submit(sign_in, sign_in.form("/interaction/"), login="p-1001", password="any")
    answer = next(url for url in ada.browser.submit(page, page.form("/interaction/")).visited if "code=" in url)
    assert parse_qs(urlsplit(answer).query)["iss"] == [provider.address]


def test_a_wrong_secret_signs_nobody_in(open_with: Any, provider: Provider) -> None:
    company = company_of(open_with, provider, client_secret="{file: client-secret}")
    provider.begin(company, client_secret="another secret than the bridge's")
    ada = ScriptedUser(company, "ada")
    assert come_back(ada).status in (403, 502)
    assert ada.roles() == []


def test_a_declined_sign_in_is_a_refusal_and_no_fault(open_with: Any, provider: Provider) -> None:
    company = company_of(open_with, provider, client_secret="{file: client-secret}")
    provider.begin(company, client_secret=SECRET)
    ada = ScriptedUser(company, "ada")
    page = ada.sign_in("company-oidc")
    refused = ada.browser.open(page.link("/abort"))
    assert refused.url.startswith(f"{company.bridge}/sign-in/company-oidc/oidc?error=access_denied")
    assert refused.status == 403


def signed_in(open_with: Any, provider: Provider, **settings: str) -> ScriptedUser:
    company = company_of(open_with, provider, client_secret="{file: client-secret}", **settings)
    provider.begin(
        company,
        client_secret=SECRET,
        backchannel_logout_uri=f"{company.bridge}/oidc/company-oidc/backchannel-logout",
        backchannel_logout_session_required=True,
        post_logout_redirect_uris=[f"{company.bridge}/signed-out"],
    )
    ada = ScriptedUser(company, "ada")
    assert come_back(ada).url == f"{company.bridge}/"
    return ada


def is_here(ada: ScriptedUser) -> bool:
    return ada.open("/api/v1/me").status == 200


def confirmed_there(ada: ScriptedUser, page: Page) -> Page:
    """The page after the provider was told that the person does want to sign out."""
    return ada.browser.submit(page, page.form("/session/end/confirm"), logout="yes")


def test_who_signs_out_at_the_provider_is_signed_out_here_by_its_logout_token(
    open_with: Any, provider: Provider
) -> None:
    ada = signed_in(open_with, provider)
    assert is_here(ada)
    confirmed_there(ada, ada.browser.open(f"{provider.address}/session/end"))
    assert not is_here(ada)


def test_a_person_signs_out_here_and_at_the_provider(open_with: Any, provider: Provider) -> None:
    ada = signed_in(open_with, provider, sign_out_there="true")
    page = ada.open()
    leading_on = ada.browser.submit(page, page.form("/sign-out"), where="there")
    asks = ada.browser.open(leading_on.headers["Refresh"].partition("url=")[2])
    assert "signed out here and at your company" in confirmed_there(ada, asks).words
    assert not is_here(ada)
    assert ada.sign_in("company-oidc").has_form("/interaction/"), "the provider asks who it is"
