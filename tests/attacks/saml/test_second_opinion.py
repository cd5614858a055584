"""Where one of the two verifiers is fooled, the other refuses, and the refusal says that they differ.

Each attack breaks one part of our own stageson purpose and sends what that break would let in; its twin is the honest
message through the same broken part. In the clear and encrypted: the second opinion reads what our stages decrypted.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree
from saml_factories import ACS, arrive, connector, message, saml
from saml_form_keys import stranger_key
from saml_forms import EncryptionForm, Form, SignatureForm, answer, encrypt, sign, signer_with

from federation_bridge.connectors.saml import connector as connector_module
from federation_bridge.connectors.saml import reader, second_opinion, validation, verifier
from federation_bridge.connectors.saml.assertion import Assertion, NameId
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.errors import SignInRejected, VerifiersDisagree
from federation_bridge.sandbox.identity_provider import saml_message as made

ENCRYPTED = EncryptionForm()
PLACES = {
    "assertion": Form(),
    "response": Form(assertion=None, response=SignatureForm()),
    "both": Form(response=SignatureForm()),
    "encrypted, signed inside": Form(encryption=ENCRYPTED),
    "encrypted, signed around": Form(encryption=ENCRYPTED, assertion=None, response=SignatureForm()),
    "encrypted, signed both": Form(encryption=ENCRYPTED, response=SignatureForm()),
}


def _by(key: Any, form: Form) -> Form:
    signed = {name: replace(one, key=key) for name in ("assertion", "response") if (one := getattr(form, name))}
    return replace(form, **signed)


@pytest.mark.parametrize("place", PLACES)
def test_q02_a_verifier_that_believes_every_key_is_contradicted(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fooled = dict.fromkeys(POLICY.signature_methods, lambda *_: None)
    monkeypatch.setattr(connector_module, "POLICY", replace(POLICY, signature_methods=fooled))
    assert arrive(answer(PLACES[place])).identity.groups.names == ("aws-dev", "aws-ops")
    with pytest.raises(VerifiersDisagree, match="Signature validation failed"):
        arrive(answer(_by(stranger_key(), PLACES[place])))


def _forged(response: etree._Element) -> None:
    for value in response.iter(saml("AttributeValue")):
        value.text = "admins"


def _with_changed_content(form: Form) -> bytes:
    """An answer whose attributes were changed after the company signed them."""
    response = made.unsigned_tree(message(style="okta"))
    assertion = response.find(saml("Assertion"))
    assert assertion is not None
    if form.assertion is not None:
        sign(assertion, form.assertion)
    if form.response is not None and form.encryption is None:
        sign(response, form.response)
    _forged(response)
    if form.encryption is not None:
        encrypt(assertion, form.encryption)
    return etree.tostring(response)


@pytest.mark.parametrize("place", ["assertion", "response", "both", "encrypted, signed inside"])
def test_q02_a_verifier_that_believes_every_digest_is_contradicted(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    form = PLACES[place]
    monkeypatch.setattr(verifier, "hmac", type("Fooled", (), {"compare_digest": staticmethod(lambda *_: True)}))
    assert arrive(answer(form)).identity.groups.names == ("aws-dev", "aws-ops")
    with pytest.raises(VerifiersDisagree, match="Signature validation failed"):
        arrive(_with_changed_content(form))
    monkeypatch.setattr(verifier, "hmac", hmac)
    with pytest.raises(SignInRejected, match="changed after it was signed") as refusal:
        arrive(_with_changed_content(form))
    assert not isinstance(refusal.value, VerifiersDisagree)


READERS: dict[str, tuple[Callable[[Assertion], Assertion], str]] = {
    "another person": (
        lambda one: replace(one, name_id=NameId("mallory@example.com", None, None, None)),
        "another NameID",
    ),
    "one group more": (
        lambda one: replace(one, attributes={**one.attributes, "groups": ("aws-dev", "aws-ops", "admins")}),
        "other attributes",
    ),
    "one attribute more": (
        lambda one: replace(one, attributes={**one.attributes, "roles": ("admin",)}),
        "other attributes",
    ),
    "a value of another spelling": (
        lambda one: replace(one, attributes={**one.attributes, "groups": ("aws-dev", "AWS-ops")}),
        "other attributes",
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("told", READERS)
def test_q02_a_reader_that_reads_what_is_not_there_is_contradicted(
    told: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    xml = answer(PLACES[place])
    assert arrive(xml).identity.groups.names == ("aws-dev", "aws-ops")
    read, (misread, says) = reader.read_assertion, READERS[told]
    monkeypatch.setattr(reader, "read_assertion", lambda *given: misread(read(*given)))
    with pytest.raises(VerifiersDisagree, match=says):
        arrive(xml)


@pytest.mark.parametrize("place", ["encrypted, signed inside", "encrypted, signed both"])
def test_a_plaintext_that_the_company_did_not_sign_is_contradicted(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if our decryption gave something else to the second opinion than what the stages have read.
    hand_over = second_opinion.agree
    assert arrive(answer(PLACES[place])).identity.groups.names == ("aws-dev", "aws-ops")

    def with_another(form_value: str, believed: Any, *more: Any) -> None:
        forged = believed.plaintext.replace(b"aws-ops", b"adminis")
        hand_over(form_value, replace(believed, plaintext=forged), *more)

    monkeypatch.setattr(connector_module, "agree", with_another)
    with pytest.raises(VerifiersDisagree, match="Signature validation failed"):
        arrive(answer(PLACES[place]))


def test_a_ciphertext_that_our_rooms_did_not_open_is_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over = second_opinion.agree
    monkeypatch.setattr(
        connector_module,
        "agree",
        lambda form, believed, *more: hand_over(form, replace(believed, plaintext=None), *more),
    )
    assert arrive(answer(PLACES["assertion"])).identity.subject
    with pytest.raises(VerifiersDisagree, match="our stages opened none"):
        arrive(answer(PLACES["encrypted, signed inside"]))


def test_f02_f03_what_the_library_alone_would_take_is_an_ordinary_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    # It compares addresses by their beginning: our stages refuse first, and nobody is alarmed.
    elsewhere = answer(Form(told={"recipient": ACS + "/of-another-tenant"}))
    with pytest.raises(SignInRejected, match="Destination") as refusal:
        arrive(elsewhere)
    assert not isinstance(refusal.value, VerifiersDisagree)
    monkeypatch.setattr(validation, "_check_envelope", lambda *_: None)
    monkeypatch.setattr(validation, "_objection", lambda *_: None)
    assert arrive(elsewhere).identity.subject


def test_a_company_that_is_not_the_stranger_is_still_trusted() -> None:
    metadata = made.metadata_xml(message().issuer, "https://idp.example.test/sso", [signer_with(stranger_key())])
    assert arrive(answer(_by(stranger_key(), Form())), connector(metadata=metadata)).identity.subject
