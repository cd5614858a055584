"""Attack catalogue B and C: what a signature covers, and what a reader is led to. Each has its honest twin."""

from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from lxml import etree
from saml_factories import (
    ACS,
    IDP,
    REQUEST_ID,
    arrive,
    changed,
    connector,
    ds,
    honest,
    idp_signer,
    message,
    saml,
    samlp,
    stranger,
    tampered,
)
from signature_changes import (
    Change,
    another,
    assertion_of,
    comment_in,
    emptied,
    found,
    hide_in,
    hide_in_key_info,
    manifest,
    move_signature,
    no_transforms,
    only_key_info,
    renamed_signature,
    response_in_response,
    same_id,
    second_assertion,
    shared_id,
    swapped_transforms,
    transform,
    two_hundred_transforms,
    uri_of,
    without,
    wrapped_signed_info,
    xsw1,
    xsw2,
    xsw3,
    xsw4,
    xsw5,
    xsw6,
    xsw7,
    xsw8,
)

from federation_bridge.connectors.saml.signature import EMPTY_DIGESTS
from federation_bridge.errors import SignInRejected, VerifiersDisagree
from federation_bridge.sandbox.identity_provider import saml_message as made

_SIGNATURE = f"{saml('Assertion')}/{ds('Signature')}"

AFTER_SIGNING: dict[str, tuple[Change, str]] = {
    "b01_xsw1": (xsw1, "response"),
    "b02_xsw2": (xsw2, "response"),
    "b03_xsw3": (xsw3, "assertion"),
    "b04_xsw4": (xsw4, "assertion"),
    "b05_xsw5": (xsw5, "assertion"),
    "b06_xsw6": (xsw6, "assertion"),
    "b07_xsw7": (xsw7, "assertion"),
    "b08_xsw8": (xsw8, "assertion"),
    "b09_status_detail": (hide_in(samlp("Status"), samlp("StatusDetail")), "assertion"),
    "b09_advice": (hide_in(saml("Assertion"), saml("Advice")), "assertion"),
    "b09_attribute_value": (hide_in(f".//{saml('AttributeValue')}"), "assertion"),
    "b09_key_info": (hide_in_key_info, "assertion"),
    "b09_unknown_wrapper": (hide_in(".", "{urn:x}wrapper"), "assertion"),
    "b09_response_in_response": (response_in_response, "assertion"),
    "b10_signature_removed": (without(_SIGNATURE), "assertion"),
    "b10_empty_signature_value": (emptied(f"{_SIGNATURE}/{ds('SignatureValue')}"), "assertion"),
    "b10_no_signature_value": (without(f"{_SIGNATURE}/{ds('SignatureValue')}"), "assertion"),
    "b10_no_reference": (without(f"{_SIGNATURE}/{ds('SignedInfo')}/{ds('Reference')}"), "assertion"),
    "b10_renamed_namespace": (renamed_signature, "assertion"),
    "b10_only_key_info": (only_key_info, "assertion"),
    "b12_signed_then_unsigned": (second_assertion(1), "assertion"),
    "b12_unsigned_then_signed": (second_assertion(0), "assertion"),
    "b13_xml_id": (same_id("{http://www.w3.org/XML/1998/namespace}id"), "response"),
    "b13_other_namespace_id": (same_id("{urn:e}ID"), "response"),
    "b13_shared_by_both": (shared_id, "assertion"),
    "b14_response_signature_on_assertion": (move_signature, "response"),
    "b15_two_references": (another("Reference"), "assertion"),
    "b15_manifest": (manifest, "assertion"),
    "b16_two_signed_infos": (another("SignedInfo"), "assertion"),
    "b16_two_signed_infos_forged_first": (another("SignedInfo", first=True), "assertion"),
    "b16_wrapped_signed_info": (wrapped_signed_info, "assertion"),
    "b16_two_signature_values": (another("SignatureValue"), "assertion"),
    "b16_two_signatures": (another("Signature"), "assertion"),
    "b17_comment_in_digest": (comment_in("DigestValue"), "assertion"),
    "b18_empty_uri": (uri_of(""), "assertion"),
    "b18_absent_uri": (uri_of(None), "assertion"),
    "b18_xpointer_root": (uri_of("#xpointer(/)"), "assertion"),
    "b18_xpointer_id": (uri_of("#xpointer(id('x'))"), "assertion"),
    "b18_file": (uri_of("file:///dev/zero"), "assertion"),
    "b18_bare_path": (uri_of("/dev/zero"), "assertion"),
    "b18_http": (uri_of("http://169.254.169.254/latest/meta-data/"), "assertion"),
    "b19_xpath": (transform("http://www.w3.org/TR/1999/REC-xpath-19991116"), "assertion"),
    "b19_xslt": (transform("http://www.w3.org/TR/1999/REC-xslt-19991116"), "assertion"),
    "b19_base64": (transform("http://www.w3.org/2000/09/xmldsig#base64"), "assertion"),
    "b19_no_enveloped": (no_transforms, "assertion"),
    "b19_order": (swapped_transforms, "assertion"),
    "b19_200_transforms": (two_hundred_transforms, "assertion"),
}


@pytest.mark.parametrize("case", AFTER_SIGNING)
def test_a_signature_counts_for_what_it_covers_and_for_nothing_else(case: str) -> None:
    change, signed = AFTER_SIGNING[case]
    here = connector()
    assert arrive(honest(signed=signed), here).identity.subject == "alice@example.com"
    with pytest.raises(SignInRejected) as refusal:
        arrive(tampered(change, signed=signed), here)
    assert not isinstance(refusal.value, VerifiersDisagree)


def _shape(shape: made.SignatureShape) -> bytes:
    response = made.unsigned_tree(message())
    made.sign(assertion_of(response), idp_signer(), shape=shape)
    return made.serialized(response)


GENUINELY_SIGNED = {
    "c04_inclusive_c14n": made.SignatureShape(c14n="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    "c04_inclusive_content": made.SignatureShape(
        transforms=(made.ENVELOPED, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
    ),
    "c05_with_comments": made.SignatureShape(transforms=(made.ENVELOPED, made.EXCLUSIVE + "WithComments")),
    "b19_enveloped_alone": made.SignatureShape(transforms=(made.ENVELOPED,)),
    "d04_rsa_sha1": made.SignatureShape(signature_method="http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
    "d04_rsa_md5": made.SignatureShape(signature_method="http://www.w3.org/2001/04/xmldsig-more#rsa-md5"),
    "d05_sha1_digest": made.SignatureShape(digest_method="http://www.w3.org/2000/09/xmldsig#sha1"),
}


@pytest.mark.parametrize("case", GENUINELY_SIGNED)
def test_a_genuine_signature_of_a_kind_that_we_do_not_take_is_refused(case: str) -> None:
    with pytest.raises(SignInRejected) as refusal:
        arrive(_shape(GENUINELY_SIGNED[case]))
    assert not isinstance(refusal.value, VerifiersDisagree)


@pytest.mark.parametrize("uri", ["", "#xpointer(/)"])
def test_b18_a_genuine_signature_over_the_whole_document_without_naming_it_is_refused(uri: str) -> None:
    response = made.unsigned_tree(message())
    made.sign(response, idp_signer(), shape=made.SignatureShape(uri=uri))
    with pytest.raises(SignInRejected, match="something else than its parent"):
        arrive(made.serialized(response))


def test_ok_inclusive_ns_prefixlist_is_accepted() -> None:
    assert arrive(_shape(made.SignatureShape(prefix_list="xs xsi"))).identity.subject == "alice@example.com"


@pytest.mark.parametrize(
    ("attribute", "value"), [("Destination", "https://evil.example.test/"), ("InResponseTo", "_other")]
)
def test_b11_an_unsigned_envelope_may_refuse(attribute: str, value: str) -> None:
    with pytest.raises(SignInRejected):
        arrive(tampered(lambda response: response.set(attribute, value)))


def test_b11_a_broken_outer_signature_refuses_though_the_inner_one_holds() -> None:
    def rewrite(response: etree._Element) -> None:
        response.set("Consent", "urn:x")

    assert arrive(honest(signed="both")).identity.subject
    with pytest.raises(SignInRejected, match="changed after"):
        arrive(tampered(rewrite, signed="both"))


@pytest.mark.parametrize(
    ("wanted", "signed", "is_enough"),
    [
        ("either", "assertion", True),
        ("either", "response", True),
        ("either", "none", False),
        ("assertion", "assertion", True),
        ("assertion", "response", False),
        ("response", "response", True),
        ("response", "assertion", False),
        ("both", "both", True),
        ("both", "assertion", False),
        ("both", "response", False),
    ],
)
def test_b11_a_connection_says_which_signatures_it_wants(wanted: str, signed: str, is_enough: bool) -> None:
    here = connector(signed=wanted)
    if is_enough:
        assert arrive(honest(signed=signed), here).identity.subject == "alice@example.com"
    else:
        with pytest.raises(SignInRejected, match="signature"):
            arrive(honest(signed=signed), here)


def test_b12_two_assertions_under_one_response_signature_are_refused() -> None:
    with pytest.raises(SignInRejected):
        arrive(changed(second_assertion(1), signed="response"))


def test_b23_signed_metadata_of_the_provider_is_no_sign_in() -> None:
    metadata = made.metadata_xml(IDP, "https://idp.example.test/sso", [idp_signer()], signed_by=idp_signer())
    with pytest.raises(SignInRejected):
        arrive(metadata)
    response = made.unsigned_tree(message())
    response.insert(1, etree.fromstring(metadata))
    with pytest.raises(SignInRejected):
        arrive(made.serialized(response))
    forged = made.unsigned_tree(message())
    assertion_of(forged).insert(1, found(etree.fromstring(metadata), ds("Signature")))
    with pytest.raises(SignInRejected):
        arrive(made.serialized(forged))


@pytest.mark.parametrize("digest", sorted(EMPTY_DIGESTS))
def test_c02_the_digest_of_nothing_is_refused_even_in_a_genuine_signature(digest: bytes) -> None:
    def void(response: etree._Element) -> None:
        next(response.iter(ds("DigestValue"))).text = base64.b64encode(digest).decode()

    with pytest.raises(SignInRejected, match="digest of nothing"):
        arrive(tampered(void))


def test_c03_types_of_values_decide_nothing() -> None:
    xml = honest(style="okta", signed="assertion").replace(
        b'xmlns:xs="http://www.w3.org/2001/XMLSchema" ID=', b'xmlns:xs="urn:something-else" ID='
    )
    # A refusal is right as well; other groups never are.
    with suppress(SignInRejected):
        assert arrive(xml, connector(preset="okta")).identity.groups.names == ("aws-dev", "aws-ops")


@pytest.mark.parametrize("name_id", ["al ice", "al\u0131ce", "ALICE", "e\u0301", "\u00e9"])
def test_c06_names_are_neither_trimmed_nor_folded(name_id: str) -> None:
    assert arrive(honest(name_id=name_id, name_id_format=None)).identity.subject == name_id


@pytest.mark.parametrize("name_id", ["alice ", " alice", "alice\u00a0"])
def test_c06_a_name_with_blanks_that_nobody_sees_is_refused_and_never_trimmed(name_id: str) -> None:
    with pytest.raises(SignInRejected, match="does not show all that it is"):
        arrive(honest(name_id=name_id, name_id_format=None))


def test_d01_a_key_that_the_message_brings_along_is_not_believed() -> None:
    with pytest.raises(SignInRejected, match="none of this connection's keys"):
        arrive(made.response_xml(message(), stranger()))


def test_d01_ok_foreign_keyinfo_but_right_key() -> None:
    def foreign(response: etree._Element) -> None:
        next(response.iter(ds("X509Certificate"))).text = stranger().certificate_b64

    assert arrive(tampered(foreign)).identity.subject == "alice@example.com"


def test_d01_no_key_info_is_needed() -> None:
    assert arrive(tampered(without(f"{_SIGNATURE}/{ds('KeyInfo')}"))).identity.subject == "alice@example.com"


def test_d02_retrieval_method_is_refused() -> None:
    def points(response: etree._Element) -> None:
        info = found(response, f"{_SIGNATURE}/{ds('KeyInfo')}")
        etree.SubElement(info, ds("RetrievalMethod"), URI="file:///etc/passwd")

    with pytest.raises(SignInRejected, match="KeyInfo points elsewhere"):
        arrive(tampered(points))


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sha512", "hmac-sha1"])
def test_d03_hmac_is_no_signature(algorithm: str) -> None:
    def confuse(response: etree._Element) -> None:
        method = next(response.iter(ds("SignatureMethod")))
        method.set("Algorithm", f"http://www.w3.org/2001/04/xmldsig-more#{algorithm}")

    with pytest.raises(SignInRejected, match="not accepted"):
        arrive(tampered(confuse))


def test_d03_output_length_is_refused() -> None:
    def truncate(response: etree._Element) -> None:
        etree.SubElement(next(response.iter(ds("SignatureMethod"))), ds("HMACOutputLength")).text = "0"

    with pytest.raises(SignInRejected, match="HMACOutputLength"):
        arrive(tampered(truncate))


def test_the_request_and_address_of_the_material_are_those_of_the_message() -> None:
    sent = message()
    assert (sent.in_response_to, sent.recipient) == (REQUEST_ID, ACS)
