"""Sign-in at SimpleSAMLphp, which demands that our requests be signed and may encrypt what it answers."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from absent_software import folder, program
from free_ports import free_port

from federation_bridge.operate.opening import store_looked_at
from federation_bridge.sandbox.browser import Browser, Page
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.identity_provider.saml_message import make_signer
from federation_bridge.sandbox.scripted_user import ScriptedUser, caller_arn

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent / "simplesamlphp"
REMEDY = "apt-get install simplesamlphp php-cli php-xml php-mbstring php-curl php-sqlite3"
_STARTS_WITHIN = 90.0


@dataclass(frozen=True)
class Provider:
    address: str
    folder: Path
    password: str

    @property
    def metadata_url(self) -> str:
        return f"{self.address}/simplesaml/saml2/idp/metadata.php"

    def register(self, metadata: str, **terms: Any) -> None:
        """Registers the bridge by its metadata, on these further terms."""
        (self.folder / "terms.json").write_text(json.dumps(terms), encoding="utf-8")
        (self.folder / "sp.xml").write_text(metadata, encoding="utf-8")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    php = program("php", REMEDY)
    program_folder = folder(Path("/usr/share/simplesamlphp/www"), REMEDY)
    place = tmp_path_factory.mktemp("simplesamlphp")
    (place / "www").mkdir()
    (place / "www" / "simplesaml").symlink_to(program_folder)
    signer = make_signer()
    (place / "idp.key").write_bytes(signer.private_pem)
    certificate = base64.encodebytes(base64.b64decode(signer.certificate_b64)).decode()
    (place / "idp.crt").write_text(f"-----BEGIN CERTIFICATE-----\n{certificate}-----END CERTIFICATE-----\n")
    port, password = free_port(), secrets.token_urlsafe(9)
    running = Provider(f"http://localhost:{port}", place, password)
    around = {
        "SIMPLESAMLPHP_CONFIG_DIR": str(HERE),
        "PROVIDER_ADDRESS": running.address,
        "PROVIDER_FOLDER": str(place),
        "PROVIDER_PASSWORD": password,
    }
    with (
        (place / "php.log").open("wb") as log,
        subprocess.Popen(
            [php, "-S", f"localhost:{port}", "-t", str(place / "www")],
            env={**os.environ, **around},
            stdout=log,
            stderr=log,
        ) as process,
    ):
        _wait_until_ready(running)
        yield running
        process.terminate()


def _wait_until_ready(provider: Provider) -> None:
    # It has no way to tell that it is ready but to answer.
    give_up_at = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < give_up_at:
        try:
            page = Browser().open(provider.metadata_url)
        except (URLError, ConnectionError):
            time.sleep(0.05)
            continue
        assert page.status == 200, page.words
        return
    pytest.fail((provider.folder / "php.log").read_text(encoding="utf-8"))


def company_of(open_with: Any, provider: Provider, terms: dict[str, Any], **settings: str) -> Company:
    def edit(text: str) -> str:
        begin, end = text.index("  company:\n"), text.index("  company-oidc:\n")
        more = "".join(f"    {name}: {value}\n" for name, value in settings.items())
        ours = f"""\
  company:
    title: Company
    protocol: saml
    metadata_url: {provider.metadata_url}
    networks: [127.0.0.0/8, "::1/128"]
{more}"""
        return text[:begin] + ours + text[end:]

    company: Company = open_with(edit)
    provider.register(Browser().open(f"{company.bridge}/sign-in/company/metadata").body, **terms)
    return company


def come_back(ada: ScriptedUser, password: str) -> Page:
    """The page after name and password were typed, and the provider's posting form was pressed."""
    page = ada.sign_in("company")
    page = ada.browser.submit(page, page.forms[0], username="ada", password=password)
    return ada.browser.submit(page, page.form("/sign-in/company/saml"))


def signs_in_and_works(company: Company, provider: Provider) -> None:
    ada = ScriptedUser(company, "ada")
    page = come_back(ada, provider.password)
    assert page.url == f"{company.bridge}/", page.words
    assert ada.call_api("GET", "/me").json()["person"] == "company/p-1001"
    credentials = ada.credentials(f"{PRODUCTION}/Administrator")
    assert caller_arn(company, credentials) == credentials.assumed_role_arn


def checks_of(company: Company) -> set[str]:
    """What was looked at in the answer by which somebody came in, and held."""
    with store_looked_at(company.settings) as store:
        (finished,) = (one for one in store.audit.entries() if one.event == "sign_in.finished")
    checks = finished.details["checks"]
    assert isinstance(checks, dict)
    passed = checks["passed"]
    assert isinstance(passed, list)
    return {str(one) for one in passed}


@pytest.mark.parametrize(
    ("signed", "terms"),
    [
        ("both", {}),
        ("assertion", {"saml20.sign.response": False}),
        ("response", {"saml20.sign.assertion": False}),
    ],
)
def test_a_person_signs_in_with_our_signed_request(
    open_with: Any, provider: Provider, signed: str, terms: dict[str, Any]
) -> None:
    company = company_of(open_with, provider, terms, signed=signed)
    signs_in_and_works(company, provider)
    held = {"both": {"Response signature", "Assertion signature"}}.get(signed, {f"{signed.title()} signature"})
    assert {one for one in checks_of(company) if one.endswith(" signature")} == held


def test_a_changed_request_gets_no_answer(open_with: Any, provider: Provider) -> None:
    ada = ScriptedUser(company_of(open_with, provider, {}), "ada")
    page = ada.open()
    left = ada.browser.submit_and_stop(page, page.form("/sign-in"), connection="company").visited[1]
    assert 'name="password"' in Browser().open(left).body
    assert 'name="password"' not in Browser().open(left.replace("RelayState=", "RelayState=0")).body


def test_an_assertion_in_cbc_is_taken_where_a_signed_response_holds_it(open_with: Any, provider: Provider) -> None:
    terms = {"assertion.encryption": True}
    company = company_of(open_with, provider, terms, allow_cbc="true", encryption="required")
    signs_in_and_works(company, provider)
    assert {"decryption", "Response signature"} <= checks_of(company)


def test_an_assertion_in_cbc_is_refused_where_no_setting_allows_it(open_with: Any, provider: Provider) -> None:
    company = company_of(open_with, provider, {"assertion.encryption": True})
    ada = ScriptedUser(company, "ada")
    assert come_back(ada, provider.password).status == 403
    assert ada.roles() == []


def test_an_assertion_in_cbc_is_refused_where_only_the_assertion_is_signed(open_with: Any, provider: Provider) -> None:
    terms = {"assertion.encryption": True, "saml20.sign.response": False}
    ada = ScriptedUser(company_of(open_with, provider, terms, allow_cbc="true"), "ada")
    assert come_back(ada, provider.password).status == 403


def is_here(ada: ScriptedUser) -> bool:
    return ada.open("/api/v1/me").status == 200


def asks_for_a_password(ada: ScriptedUser) -> bool:
    return 'name="password"' in ada.sign_in("company").body


def test_a_person_signs_out_here_and_at_the_provider(open_with: Any, provider: Provider) -> None:
    ada = ScriptedUser(company_of(open_with, provider, {}, sign_out_there="true"), "ada")
    come_back(ada, provider.password)
    page = ada.open()
    leading_on = ada.browser.submit(page, page.form("/sign-out"), where="there")
    back = ada.browser.open(leading_on.headers["Refresh"].partition("url=")[2])
    assert "signed out here and at your company" in back.words, back.words
    assert not is_here(ada)
    assert asks_for_a_password(ada)


def test_who_signs_out_at_the_provider_is_signed_out_here_by_its_logout_request(
    open_with: Any, provider: Provider
) -> None:
    ada = ScriptedUser(company_of(open_with, provider, {}), "ada")
    come_back(ada, provider.password)
    assert is_here(ada)
    way = f"{provider.address}/simplesaml/saml2/idp/initSLO.php?RelayState={provider.metadata_url}"
    left = ada.browser.open(way)
    assert left.url == provider.metadata_url, "the provider took our answer, and leads on"
    assert not is_here(ada)
    assert asks_for_a_password(ada)
