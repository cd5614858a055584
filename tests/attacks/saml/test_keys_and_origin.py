"""Attack catalogue D, G and H where they concern a sign-in: keys, whose word it is, metadata."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from saml_factories import (
    IDP,
    NOW,
    arrive,
    connector,
    honest,
    idp_signer,
    message,
    pinned,
    posted,
    sign_in,
    stranger,
    weak_signer,
)

from federation_bridge.connectors.saml import connector as module
from federation_bridge.connectors.saml.metadata import read_metadata
from federation_bridge.connectors.saml.response import verified_assertion
from federation_bridge.errors import ConfigurationInvalid, SignInRejected, VerifiersDisagree
from federation_bridge.sandbox.identity_provider import saml_message as made

# ------------------------------------------------------------------------------------------------------- D: keys


def test_d06_a_key_that_metadata_marks_for_encryption_signs_nothing() -> None:
    document = made.metadata_xml(IDP, "https://idp.example.test/sso", [idp_signer()], extra_encryption=[stranger()])
    with pytest.raises(SignInRejected, match="none of this connection's keys"):
        arrive(made.response_xml(message(), stranger()), connector(metadata=document))


def test_d06_either_of_two_published_keys_signs_while_the_provider_rotates() -> None:
    document = made.metadata_xml(IDP, "https://idp.example.test/sso", [stranger(), idp_signer()])
    here = connector(metadata=document)
    for signer in (idp_signer(), stranger()):
        assert arrive(made.response_xml(message(), signer), here).identity.subject == "alice@example.com"


def test_d06_an_expired_certificate_still_names_the_trusted_key_and_is_warned_of() -> None:
    old = made.make_signer(not_after=datetime(2021, 1, 1, tzinfo=UTC))
    here = connector(metadata=made.metadata_xml(IDP, "https://idp.example.test/sso", [old]))
    assert arrive(made.response_xml(message(), old), here).identity.subject == "alice@example.com"
    assert any("ended 2021-01-01" in sentence for sentence in here.check())


def test_d04_a_weak_key_is_refused_when_the_connection_is_made() -> None:
    with pytest.raises(ConfigurationInvalid, match="too weak"):
        connector(metadata=made.metadata_xml(IDP, "https://idp.example.test/sso", [weak_signer()]))


def test_d08_no_cert_configured() -> None:
    with pytest.raises(ConfigurationInvalid, match="no signing certificate"):
        connector(metadata=made.metadata_xml(IDP, "https://idp.example.test/sso", []))


# -------------------------------------------------------------------------------------------- G: whose word it is


def test_g01_a_message_for_another_connection_of_ours_is_refused() -> None:
    elsewhere = honest(recipient="https://bridge.example.test/sign-in/other/saml")
    with pytest.raises(SignInRejected):
        arrive(elsewhere)


def test_g01_another_providers_key_does_not_speak_for_this_one() -> None:
    with pytest.raises(SignInRejected, match="none of this connection's keys"):
        arrive(made.response_xml(message(), stranger()))


def test_g02_the_same_name_at_two_connections_is_two_people() -> None:
    here = arrive(honest()).identity
    there = arrive(
        honest(recipient="https://bridge.example.test/sign-in/other/saml"), connector("other"), sign_in("other")
    ).identity
    assert here.subject == there.subject
    assert here.person != there.person


def test_g05_unsolicited_answers_only_where_a_connection_allows_them() -> None:
    xml = honest(in_response_to=None)
    with pytest.raises(SignInRejected, match="nobody here asked for"):
        connector().arrive(None, posted(xml))
    allowing = connector(allow_idp_initiated=True)
    assert allowing.arrive(None, posted(xml)).identity.subject == "alice@example.com"
    with pytest.raises(SignInRejected):  # an answer to some request is not unsolicited
        allowing.arrive(None, posted(honest()))
    with pytest.raises(SignInRejected):  # and an unsolicited one answers no request
        allowing.arrive(sign_in(), posted(xml))


# ------------------------------------------------------------------------------------------------- H: metadata


def _metadata(**changes: Any) -> bytes:
    return made.metadata_xml(
        **{"entity_id": IDP, "sso_url": "https://idp.example.test/sso", "signers": [idp_signer()], **changes}
    )


def _entities(*documents: bytes) -> bytes:
    inner = b"".join(document[document.index(b"?>") + 2 :] for document in documents)
    return b'<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">' + inner + b"</EntitiesDescriptor>"


REFUSED_METADATA: dict[str, tuple[bytes, dict[str, Any]]] = {
    "h02_expired": (_metadata(valid_until=NOW), {}),
    "h02_unsigned_where_pinned": (_metadata(), {"signed_by": [pinned(idp_signer())]}),
    "h02_signed_by_another": (
        _metadata(signed_by=stranger(), valid_until=NOW + timedelta(days=1)),
        {"signed_by": [pinned(idp_signer())]},
    ),
    "h02_signed_without_end": (_metadata(signed_by=idp_signer()), {"signed_by": [pinned(idp_signer())]}),
    "h02_signed_without_near_end": (
        _metadata(signed_by=idp_signer(), valid_until=NOW + timedelta(days=36500)),
        {"signed_by": [pinned(idp_signer())]},
    ),
    "h02_changed_after_signing": (
        _metadata(signed_by=idp_signer(), valid_until=NOW + timedelta(days=1)).replace(b"/sso", b"/evil"),
        {"signed_by": [pinned(idp_signer())]},
    ),
    "h02_wrapped": (
        _entities(
            _metadata(signed_by=idp_signer(), valid_until=NOW + timedelta(days=1)), _metadata(entity_id="urn:evil")
        ),
        {"signed_by": [pinned(idp_signer())], "entity_id": "urn:evil"},
    ),
    "h04_several": (_entities(_metadata(), _metadata(entity_id="urn:other")), {}),
    "h04_another": (_metadata(), {"entity_id": "urn:other"}),
    "h04_two_roles": (
        _metadata().replace(
            b"</md:IDPSSODescriptor>",
            b"</md:IDPSSODescriptor><md:IDPSSODescriptor"
            b' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>',
        ),
        {},
    ),
    "h06_javascript": (_metadata(sso_url="javascript:alert(1)"), {}),
    "h06_plain_http": (_metadata(sso_url="http://idp.example.test/"), {}),
    "h06_many_certificates": (_metadata(signers=[idp_signer()] * 100), {}),
    "h06_tenant_template": (_metadata(entity_id="https://sts.windows.net/{tenant}/"), {}),
    "h07_doctype": (b"<!DOCTYPE x>" + _metadata()[38:], {}),
    "h07_xxe": (b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + _metadata()[38:], {}),
    "h07_too_large": (_metadata() + b" " * 1_000_001, {}),
    "h07_not_xml": (b"<html>", {}),
}


@pytest.mark.parametrize("case", REFUSED_METADATA)
def test_metadata_that_cannot_be_believed_is_refused_with_a_reason(case: str) -> None:
    document, how = REFUSED_METADATA[case]
    assert read_metadata(_metadata(), NOW).entity_id == IDP
    with pytest.raises(ConfigurationInvalid):
        read_metadata(document, NOW, **how)


def test_h02_signed_metadata_is_read_from_what_was_signed() -> None:
    document = _metadata(signed_by=idp_signer(), valid_until=NOW + timedelta(days=1))
    found = read_metadata(document, NOW, signed_by=[pinned(idp_signer())])
    assert found.keys[0].fingerprint == pinned(idp_signer()).fingerprint


def test_h04_one_of_several_is_chosen_by_its_name() -> None:
    document = _entities(_metadata(entity_id="urn:other"), _metadata())
    assert read_metadata(document, NOW, entity_id=IDP).entity_id == IDP


def test_the_second_opinion_refuses_under_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def fooled(message_bytes: bytes, *rest: Any) -> Any:
        believed = genuine(message_bytes, *rest)
        return replace(believed, assertion=replace(believed.assertion, attributes={"groups": ("admins",)}))

    genuine = verified_assertion
    monkeypatch.setattr(module, "verified_assertion", fooled)
    with pytest.raises(VerifiersDisagree, match="other attributes"):
        arrive(honest())
