"""Sign-in by SAML as its callers see it: the way there, who has come back, our metadata."""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from saml_factories import (
    ACS,
    ENTITY_ID,
    IDP,
    NOW,
    REQUEST_ID,
    arrive,
    connector,
    honest,
    idp_signer,
    key_ring,
    posted,
    saml,
    sign_in,
)
from signxml import XMLVerifier

from federation_bridge.connectors.saml.names import RSA_SHA256
from federation_bridge.errors import RequestMismatch, SignInRejected
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.signing import Purpose

MS, WS = "http://schemas.microsoft.com/", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
OID = "5f3f4c1e-0000-4000-8000-000000000001"
GROUP = "0f3f4c1e-0000-4000-8000-0000000000{:02d}"

# ------------------------------------------------------------------------------------------------- the way there


def _authn_request(xml: bytes) -> dict[str, str | None]:
    request = etree.fromstring(xml)
    return {
        **{str(name): str(value) for name, value in request.attrib.items()},
        "Issuer": request.findtext(saml("Issuer")),
    }


def test_a_request_by_redirect_carries_our_id_and_is_signed_over_the_octets_sent() -> None:
    departure = connector().depart(sign_in())
    assert departure.form is None
    query = urlsplit(departure.url).query
    fields = dict(parse_qsl(query))
    told = _authn_request(zlib.decompressobj(-15).decompress(base64.b64decode(fields["SAMLRequest"])))
    assert (told["ID"], told["IssueInstant"], told["Issuer"]) == (REQUEST_ID, "2026-01-15T12:00:05Z", ENTITY_ID)
    assert (told["AssertionConsumerServiceURL"], told["Destination"]) == (ACS, "https://idp.example.test/sso")
    assert (fields["RelayState"], fields["SigAlg"]) == ("h" * 43, RSA_SHA256)
    signed = query[: query.index("&Signature=")].encode()
    public = key_ring().current(Purpose.SERVICE_PROVIDER).public_key
    public.verify(base64.b64decode(fields["Signature"]), signed, padding.PKCS1v15(), hashes.SHA256())


def test_a_request_by_post_is_signed_inside() -> None:
    departure = connector(request_binding="post").depart(sign_in())
    assert departure.form is not None
    assert departure.form["RelayState"] == "h" * 43
    xml = base64.b64decode(departure.form["SAMLRequest"])
    certificate = key_ring().current(Purpose.SERVICE_PROVIDER).certificate_pem
    verified = XMLVerifier().verify(xml, x509_cert=certificate)
    assert not isinstance(verified, list)
    assert verified.signed_xml is not None
    assert verified.signed_xml.get("ID") == REQUEST_ID


def test_a_request_asks_for_no_particular_way_of_authenticating() -> None:
    departure = connector(request_binding="post", force_authn=True, name_id_format=made.EMAIL_FORMAT).depart(sign_in())
    assert departure.form is not None
    xml = base64.b64decode(departure.form["SAMLRequest"])
    assert b"RequestedAuthnContext" not in xml
    assert b'ForceAuthn="true"' in xml
    assert made.EMAIL_FORMAT.encode() in xml


def test_an_address_with_a_query_keeps_it() -> None:
    document = made.metadata_xml(IDP, "https://idp.example.test/sso?idpid=C01&x=2", [idp_signer()])
    url = connector(metadata=document).depart(sign_in()).url
    assert url.startswith("https://idp.example.test/sso?idpid=C01&x=2&SAMLRequest=")
    assert connector(metadata=document).depart(sign_in()) is not None


def test_our_metadata_names_our_address_and_keys() -> None:
    role = etree.fromstring(connector(signed="both").metadata_xml())[0]
    assert role.get("WantAssertionsSigned") == "true"
    assert role.findall("{*}AssertionConsumerService")[0].get("Location") == ACS
    assert [key.get("use") for key in role.findall("{*}KeyDescriptor")] == ["signing", "encryption"]


# --------------------------------------------------------------------------------------------- who has come back


def test_entra_is_read_by_object_id_groups_and_methods() -> None:
    xml = honest(
        style="entra",
        valid_for=timedelta(hours=1),
        authenticated_at=NOW - timedelta(hours=3),
        attributes={
            MS + "identity/claims/tenantid": ("T",),
            MS + "identity/claims/objectidentifier": (OID,),
            MS + "identity/claims/displayname": ("Alice A.",),
            MS + "ws/2008/06/identity/claims/groups": tuple(GROUP.format(n) for n in range(50)),
            MS + "claims/authnmethodsreferences": (MS + "claims/multipleauthn",),
            WS + "emailaddress": ("Alice@Contoso.example",),
        },
    )
    identity = arrive(xml, connector(preset="entra", verified_email_domains=["contoso.example"])).identity
    assert (identity.subject, identity.name, identity.email) == (OID, "Alice A.", "Alice@Contoso.example")
    assert identity.email_is_verified
    assert len(identity.groups.names) == 50
    assert identity.groups.gap is None
    assert MS + "claims/multipleauthn" in identity.authn_methods
    assert identity.authenticated_at == NOW - timedelta(hours=3)


def test_too_many_groups_at_entra_are_a_gap_and_none_of_them() -> None:
    link = f"https://graph.windows.net/T/users/{OID}/getMemberObjects"
    xml = honest(attributes={MS + "identity/claims/objectidentifier": (OID,), MS + "claims/groups.link": (link,)})
    identity = arrive(xml, connector(preset="entra")).identity
    assert identity.groups.names == ()
    assert "overage" in str(identity.groups.gap)


def test_entra_without_an_object_id_identifies_nobody() -> None:
    with pytest.raises(SignInRejected, match="identify the person"):
        arrive(honest(), connector(preset="entra"))


def test_okta_signs_both_and_names_groups() -> None:
    xml = honest(
        style="okta", signed="both", name_id="alice@example.com", attributes={"groups": ("Everyone", "aws-dev")}
    )
    identity = arrive(xml, connector(preset="okta")).identity
    assert (identity.subject, identity.groups.names) == ("alice@example.com", ("Everyone", "aws-dev"))
    assert identity.email == "alice@example.com"
    assert not identity.email_is_verified


def test_okta_without_a_matching_group_sends_no_attribute_which_is_a_gap() -> None:
    identity = arrive(honest(style="okta", attributes={}), connector(preset="okta")).identity
    assert identity.groups.names == ()
    assert "no attribute 'groups'" in str(identity.groups.gap)


@pytest.mark.parametrize("signed", ["assertion", "response"])
def test_google_labels_an_address_as_transient_and_means_it_not(signed: str) -> None:
    xml = honest(
        style="google",
        signed=signed,
        name_id_format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        attributes={"groups": tuple(f"g{n}" for n in range(75))},
    )
    identity = arrive(xml, connector(preset="google")).identity
    assert (identity.subject, identity.email) == ("alice@example.com", "alice@example.com")
    assert len(identity.groups.names) == 75
    assert "75 groups at most" in str(identity.groups.gap)


def test_google_in_its_unsigned_error_response_is_told_in_its_own_words() -> None:
    xml = honest(
        style="google",
        signed="none",
        has_assertion=False,
        in_response_to=None,
        status="urn:oasis:names:tc:SAML:2.0:status:Requester",
        nested_status="urn:oasis:names:tc:SAML:2.0:status:RequestDenied",
        status_message="Invalid request, ACS Url in request X doesn't match configured ACS Url Y.",
    )
    # The provider says that the address in our request is not the one that is registered there: a setting.
    with pytest.raises(RequestMismatch, match=r"Requester / RequestDenied: .*configured ACS Url") as refusal:
        arrive(xml, connector(preset="google"))
    assert "ACS" not in refusal.value.public


def test_settings_go_before_the_preset() -> None:
    xml = honest(attributes={"uid": ("u1",), "roles": ("a", "a", "b"), "mail": ("a@b.example",), "cn": ("Al",)})
    identity = arrive(xml, connector(subject="uid", groups="roles", email="mail", name="cn")).identity
    assert (identity.subject, identity.groups.names, identity.email, identity.name) == (
        "u1",
        ("a", "b"),
        "a@b.example",
        "Al",
    )


def test_a_session_ends_no_later_than_the_provider_or_the_connection_says() -> None:
    ends = NOW + timedelta(hours=2)
    assert arrive(honest(session_ends_at=ends)).identity.session_ends_at == ends
    limited = connector(max_session=timedelta(hours=1))
    assert arrive(honest(session_ends_at=ends), limited).identity.session_ends_at == NOW + timedelta(
        minutes=59, seconds=59
    )


HONEST = honest(assertion_id="_fixed", response_id="_outer", signed="both")
HERE = connector()
EXPECTED = arrive(HONEST, HERE).identity


@settings(max_examples=400)
@given(
    at=st.integers(0, len(HONEST) - 1),
    cut=st.integers(0, 12),
    put=st.one_of(
        st.binary(max_size=6),
        st.sampled_from(
            [b"<!---->", b"<a/>", b"&#32;", b"<![CDATA[x]]>", b" ", b'"', b"</", b"mallory", b'ID="_outer"']
        ),
    ),
)
def test_any_change_of_the_bytes_refuses_or_leaves_the_very_same_identity(at: int, cut: int, put: bytes) -> None:
    mutated = HONEST[:at] + put + HONEST[at + cut :]
    try:
        identity = arrive(mutated, HERE).identity
    except SignInRejected:
        return
    assert identity == EXPECTED


@settings(max_examples=200)
@given(value=st.text(max_size=200), kind=st.text(max_size=40))
def test_no_form_value_ends_in_anything_but_a_refusal(value: str, kind: str) -> None:
    callback = replace(posted(b""), form=(("SAMLResponse", value),))
    for one in (callback, replace(callback, content_type=kind)):
        with pytest.raises(SignInRejected):
            HERE.arrive(sign_in(), one)
