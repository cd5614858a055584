"""A company with a SAML identity provider, our connection to it, and its messages, for the tests of sign-in by SAML."""

from __future__ import annotations

import base64
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives import serialization
from kept_factories import KeptInMemory
from lxml import etree
from made_once import kept
from sealed_keys_in_memory import SealedKeysInMemory

from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.metadata_source import Surroundings
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.connectors.saml.verifier import TrustedKey, trusted_key
from federation_bridge.errors import ProviderUnreachable
from federation_bridge.model import Arrival, Callback, SignIn
from federation_bridge.outgoing import Fetched
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.settings import SamlConnection
from federation_bridge.signing import KeyRing, Purpose

NOW = datetime(2026, 1, 15, 12, 0, 5, tzinfo=UTC)
ENTITY_ID = "https://bridge.example.test/saml/metadata"
ACS = "https://bridge.example.test/sign-in/company/saml"
IDP = "https://idp.example.test/saml"
REQUEST_ID = "_0123456789abcdef0123456789abcdef"
FORM = "application/x-www-form-urlencoded"


@kept
def idp_signer() -> made.Signer:
    """The key of the identity provider that the connection trusts."""
    return made.make_signer()


@kept
def stranger() -> made.Signer:
    """Somebody else's key, with a certificate that says the same of itself."""
    return made.make_signer()


@lru_cache
def weak_signer() -> made.Signer:
    """A key of 1024 bits."""
    return made.make_signer(key_size=1024)


def pinned(signer: made.Signer) -> TrustedKey:
    """The signer's certificate as our record keeps it."""
    return trusted_key(b64decode(signer.certificate_b64), POLICY)


class Kept(KeptInMemory):
    """Kept documents in memory."""


@dataclass
class Wire:
    """What stands at addresses: gives it, or is down."""

    documents: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def fetch(self, url: str, **_: Any) -> Fetched:
        self.asked.append(url)
        if url not in self.documents:
            raise ProviderUnreachable("nobody answers")
        return Fetched(200, {}, self.documents[url])


@lru_cache
def key_ring() -> KeyRing:
    """Our keys, made once for all tests."""
    return KeyRing(b"k" * 32, SealedKeysInMemory(), lambda: NOW, "bridge.example.test")


@lru_cache
def our_certificate() -> str:
    """PEM certificate that assertions are encrypted to."""
    return key_ring().current(Purpose.DECRYPTION).certificate_pem


@kept
def another_private_key() -> Any:
    """A decryption key that is not ours."""
    return serialization.load_pem_private_key(stranger().private_pem, None)


def connector(
    called: str = "company",
    /,
    *,
    metadata: bytes | None = None,
    now: datetime = NOW,
    keys: KeyRing | None = None,
    **settings: Any,
) -> SamlConnector:
    """Our connection to the company; `settings` are those of SamlConnection. It says that its NameIDs are addresses."""
    settings = {"subject_kind": "email", **settings}
    document = metadata or made.metadata_xml(IDP, "https://idp.example.test/sso", [idp_signer()])
    around = Surroundings(Wire(), Kept(), lambda: now, lambda *_: None)  # type: ignore[arg-type]  # only fetch is used
    with TemporaryDirectory() as folder:
        path = Path(folder) / "idp.xml"
        path.write_bytes(document)
        chosen = SamlConnection(protocol="saml", title="Company", metadata_file=path, **settings)
        return SamlConnector(called, chosen, ("https://bridge.example.test", ENTITY_ID), keys or key_ring(), around)


def sign_in(connection: str = "company", **changes: Any) -> SignIn:
    """A person who left for the company a moment ago."""
    started = NOW - timedelta(seconds=5)
    left = SignIn("h" * 43, connection, "/", REQUEST_ID, "nonce", "verifier", started, started + timedelta(minutes=10))
    return replace(left, **changes)


def message(**changes: Any) -> made.SamlMessage:
    """An honest answer to that sign-in."""
    told: dict[str, Any] = {
        "issuer": IDP,
        "audience": ENTITY_ID,
        "recipient": ACS,
        "in_response_to": REQUEST_ID,
        "issued_at": NOW - timedelta(seconds=1),
        "attributes": {"groups": ("aws-dev", "aws-ops"), "email": ("alice@example.com",)},
    }
    return made.SamlMessage(**{**told, **changes})


def honest(**changes: Any) -> bytes:
    """The bytes of an honest answer, signed by the company."""
    return made.response_xml(message(**changes), idp_signer())


def changed(change: Callable[[etree._Element], None], signer: made.Signer | None = None, **told: Any) -> bytes:
    """An answer whose tree is changed before the signatures are made: what a provider could really sign."""
    asked = message(**told)
    response = made.unsigned_tree(asked)
    change(response)
    assertion = response.find(f"{{{made.ASSERTION}}}Assertion")
    if assertion is not None and asked.signed in ("assertion", "both"):
        made.sign(assertion, signer or idp_signer(), asked.style)
    if asked.signed in ("response", "both"):
        made.sign(response, signer or idp_signer(), asked.style)
    return made.serialized(response, asked.style)


def tampered(change: Callable[[etree._Element], None], **told: Any) -> bytes:
    """An answer whose tree is changed after the company signed it."""
    response = etree.fromstring(honest(**told))
    change(response)
    return etree.tostring(response)


def posted(xml: bytes, **changes: Any) -> Callback:
    """The form that a browser posts with this message."""
    form = (("SAMLResponse", base64.b64encode(xml).decode()), ("RelayState", "h" * 43))
    return replace(Callback("POST", (), form, FORM), **changes)


def arrive(xml: bytes, on: SamlConnector | None = None, left: SignIn | None = None) -> Arrival:
    """What our connection makes of this message; an ordinary sign-in is pending."""
    return (on or connector()).arrive(left or sign_in(), posted(xml))


def saml(name: str) -> str:
    """Tag in the assertion namespace."""
    return f"{{{made.ASSERTION}}}{name}"


def samlp(name: str) -> str:
    """Tag in the protocol namespace."""
    return f"{{{made.PROTOCOL}}}{name}"


def ds(name: str) -> str:
    """Tag in the signature namespace."""
    return f"{{{made.SIGNATURE}}}{name}"
