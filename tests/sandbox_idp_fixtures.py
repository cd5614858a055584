"""A local identity provider in each style; import these where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from joserfc.jwk import RSAKey

from federation_bridge.sandbox.browser import Browser, Page
from federation_bridge.sandbox.directory import example_company
from federation_bridge.sandbox.identity_provider.application import serve_identity_provider
from federation_bridge.sandbox.identity_provider.applications import OidcClient
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.saml_message import Signer, make_signer

SP = "https://bridge.example.test/saml/metadata"
ACS = "http://127.0.0.1:9/acs"
"""Nobody listens there: these tests stop at the page that would post the answer."""
CALLBACK = "http://127.0.0.1:9/callback"


class HeldClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class House:
    provider: IdentityProvider
    clock: HeldClock
    sp_signer: Signer
    client_key: RSAKey

    @property
    def address(self) -> str:
        return self.provider.address


@pytest.fixture(scope="module")
def signers() -> tuple[Signer, Signer, RSAKey]:
    return make_signer(), make_signer("service provider"), RSAKey.generate_key(2048, {"kid": "client-1"})


@pytest.fixture(params=["entra", "okta", "google"])
def styled(request: pytest.FixtureRequest, signers: tuple[Signer, Signer, RSAKey]) -> Iterator[House]:
    yield from house_of(request.param, signers)


@pytest.fixture
def house(signers: tuple[Signer, Signer, RSAKey]) -> Iterator[House]:
    yield from house_of("okta", signers)


def house_of(style: str, signers: tuple[Signer, Signer, RSAKey]) -> Iterator[House]:
    clock = HeldClock()
    own, sp, client_key = signers

    def make(address: str) -> IdentityProvider:
        return IdentityProvider(address, example_company(), style=style, clock=clock, signer=own)  # type: ignore[arg-type]

    running = serve_identity_provider(make)
    running.provider.register_service_provider(sp_metadata(sp), default_relay_state="/start")
    running.provider.register_client(OidcClient("bridge", (CALLBACK,), secret="s3cret/+ %"))
    public = {"keys": [client_key.as_dict(private=False)]}
    running.provider.register_client(OidcClient("signing", (CALLBACK,), keys=public))
    yield House(running.provider, clock, sp, client_key)
    running.served.stop()


def sp_metadata(signer: Signer) -> bytes:
    return f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
      xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{SP}">
      <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" AuthnRequestsSigned="true">
      <md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{signer.certificate_b64}</ds:X509Certificate>
      </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
      <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{ACS}" index="0"/>
      </md:SPSSODescriptor></md:EntityDescriptor>""".encode()


def signed_in(house: House, browser: Browser, url: str, login: str = "ada") -> Page:
    page = browser.open_and_stop(url)
    password = house.provider.directory[login].password
    return browser.submit_and_stop(page, page.form("/login"), login=login, password=password)
