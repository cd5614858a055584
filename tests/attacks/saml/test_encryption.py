"""Attack catalogue E where it concerns a sign-in: what is encrypted, how, and for whom."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from lxml import etree
from saml_factories import another_private_key, arrive, connector, honest, idp_signer, message, our_certificate, saml

from federation_bridge.connectors.saml.decryption import plaintext_of
from federation_bridge.connectors.saml.gate import admit
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.errors import SignInRejected
from federation_bridge.sandbox.identity_provider import saml_message as made

XENC = "http://www.w3.org/2001/04/xmlenc#"


@pytest.mark.parametrize("signed", ["assertion", "response", "both"])
@pytest.mark.parametrize("encryption", ["aes256-gcm", "aes128-gcm"])
@pytest.mark.parametrize("style", ["entra", "okta", "google"])
def test_encrypted_assertions_are_opened(style: str, signed: str, encryption: str) -> None:
    xml = honest(signed=signed, encrypt_to=our_certificate(), encryption=encryption, style=style)
    identity = arrive(xml, connector(encryption="required")).identity
    assert identity.groups.names == ("aws-dev", "aws-ops")


def test_e01_encryption_is_no_signature() -> None:
    with pytest.raises(SignInRejected, match="neither Response nor Assertion is signed"):
        arrive(honest(signed="none", encrypt_to=our_certificate()))


@pytest.mark.parametrize(
    ("signed", "allow_cbc", "is_taken"),
    [("response", True, True), ("both", True, True), ("response", False, False), ("assertion", True, False)],
)
def test_e02_cbc_only_where_asked_for_and_under_a_response_signature(
    signed: str, allow_cbc: bool, is_taken: bool
) -> None:
    xml = honest(signed=signed, encrypt_to=our_certificate(), encryption="aes256-cbc")
    here = connector(allow_cbc=allow_cbc)
    if is_taken:
        assert arrive(xml, here).identity.subject == "alice@example.com"
    else:
        with pytest.raises(SignInRejected, match="content cipher"):
            arrive(xml, here)


def test_e02_changed_ciphertexts_all_get_the_same_words() -> None:
    xml = honest(signed="assertion", encrypt_to=our_certificate())
    told = set()
    for position in (20, 200, 800, -30):
        response = etree.fromstring(xml)
        values = response.findall(f".//{{{XENC}}}CipherValue")
        octets = bytearray(base64.b64decode("".join((values[-1].text or "").split())))
        octets[position] ^= 1
        values[-1].text = base64.b64encode(bytes(octets)).decode()
        with pytest.raises(SignInRejected) as refusal:
            arrive(etree.tostring(response))
        told.add(refusal.value.detail)
    assert len(told) == 1


def _algorithm(old: str, new: str) -> bytes:
    xml = honest(signed="assertion", encrypt_to=our_certificate())
    assert old.encode() in xml
    return xml.replace(old.encode(), new.encode())


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(lambda: _algorithm(XENC + "rsa-oaep-mgf1p", XENC + "rsa-1_5"), id="e03_rsa_1_5"),
        pytest.param(
            lambda: _algorithm("http://www.w3.org/2009/xmlenc11#aes256-gcm", XENC + "tripledes-cbc"), id="e03_3des"
        ),
        pytest.param(lambda: _algorithm("xenc:CipherValue", "xenc:CipherReference"), id="e05_cipher_reference"),
    ],
)
def test_e03_e05_other_ways_of_encryption_are_refused(xml: Callable[[], bytes]) -> None:
    with pytest.raises(SignInRejected):
        arrive(xml())


def test_e05_retrieval_method_to_anything_but_a_key_beside_is_refused() -> None:
    response = etree.fromstring(honest(signed="assertion", encrypt_to=our_certificate()))
    info = next(response.iter(f"{{{made.SIGNATURE}}}KeyInfo"))
    etree.SubElement(info, f"{{{made.SIGNATURE}}}RetrievalMethod", URI="file:///etc/passwd")
    with pytest.raises(SignInRejected):
        arrive(etree.tostring(response))


def test_e06_too_many_wrapped_keys_are_refused() -> None:
    response = etree.fromstring(honest(signed="assertion", encrypt_to=our_certificate()))
    wrapper = next(response.iter(saml("EncryptedAssertion")))
    key = next(response.iter(f"{{{XENC}}}EncryptedKey"))
    for _ in range(4):
        wrapper.append(etree.fromstring(etree.tostring(key)))
    with pytest.raises(SignInRejected):
        arrive(etree.tostring(response))


def test_e06_a_key_of_somebody_else_opens_nothing() -> None:
    admitted = admit(honest(signed="assertion", encrypt_to=our_certificate()), POLICY)
    assert admitted.encrypted is not None
    with pytest.raises(SignInRejected, match="cannot be opened"):
        plaintext_of(admitted.encrypted, (another_private_key(),), POLICY.encryption, is_under_signature=False)


def test_e04_what_is_encrypted_passes_the_gate_as_well() -> None:
    def wrapped(response: etree._Element) -> bytes:
        assertion = response.find(saml("Assertion"))
        assert assertion is not None
        made.sign(assertion, idp_signer())
        assertion.append(etree.Comment("hidden"))
        made.encrypt(assertion, our_certificate())
        return made.serialized(response)

    with pytest.raises(SignInRejected):
        arrive(wrapped(made.unsigned_tree(message())))


@pytest.mark.parametrize(("setting", "is_encrypted"), [("required", False), ("refused", True)])
def test_a_connection_says_whether_it_wants_encryption(setting: str, is_encrypted: bool) -> None:
    xml = honest(encrypt_to=our_certificate() if is_encrypted else None)
    with pytest.raises(SignInRejected, match="decryption"):
        arrive(xml, connector(encryption=setting))
