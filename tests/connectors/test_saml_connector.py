"""Sign-in by SAML as its callers see it: the way there, who has come back, our metadata, theirs."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from onelogin.saml2 import xmlparser
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML
from onelogin.saml2.xmlparser import DTDForbidden
from saml_factories import (
    ACS,
    ENTITY_ID,
    IDP,
    NOW,
    REQUEST_ID,
    Kept,
    Wire,
    arrive,
    connector,
    ds,
    honest,
    idp_signer,
    key_ring,
    message,
    pinned,
    posted,
    saml,
    sign_in,
    stranger,
)
from signxml import XMLVerifier

from federation_bridge.connectors.accepting import accept_held
from federation_bridge.connectors.changes import DocumentHeld, DocumentNotice, DocumentRefused, NewKeys
from federation_bridge.connectors.from_settings import connectors_from
from federation_bridge.connectors.saml.metadata_source import HELD, KEPT, MetadataSource, Surroundings
from federation_bridge.connectors.saml.names import RSA_SHA256
from federation_bridge.connectors.saml.onelogin import Parties, _its_own_parser, _its_own_text, onelogin_settings
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.connectors.saml.response import Trust, verified_assertion
from federation_bridge.connectors.saml.second_opinion import agree
from federation_bridge.connectors.saml.validation import Expectation
from federation_bridge.connectors.saml.xml_schema import compiled_schema
from federation_bridge.errors import (
    ConfigurationInvalid,
    ProviderUnreachable,
    RequestMismatch,
    SignInRejected,
    VerifiersDisagree,
)
from federation_bridge.model import Notice
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.settings import SamlConnection, settings_from
from federation_bridge.signing import Purpose

MS, WS = "http://schemas.microsoft.com/", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
OID = "5f3f4c1e-0000-4000-8000-000000000001"
GROUP = "0f3f4c1e-0000-4000-8000-0000000000{:02d}"
URL = "https://idp.example.test/metadata"


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


@pytest.mark.parametrize("size", [30, 150])
def test_the_second_opinion_compiles_its_schema_once(size: int) -> None:
    xml = honest(attributes={"groups": tuple(f"g{n}" for n in range(size))})
    arrive(xml)
    before = compiled_schema.cache_info().misses
    arrive(xml)
    assert compiled_schema.cache_info().misses == before


def test_the_second_opinion_by_itself_takes_no_signature_of_another_certificate() -> None:
    xml = honest()
    verified = verified_assertion(xml, Trust(keys=[pinned(idp_signer())]), POLICY)
    expected = Expectation(ENTITY_ID, ACS, IDP, REQUEST_ID, NOW, timedelta(seconds=60))

    def ask(signer: made.Signer) -> None:
        parties = Parties(ENTITY_ID, ACS, IDP, "https://idp.example.test/sso", (signer.certificate_b64,))
        agree(base64.b64encode(xml).decode(), verified, expected, onelogin_settings(parties))

    # In this order: a certificate that was read earlier, and is kept, must not stand in for the one that is trusted.
    ask(idp_signer())
    with pytest.raises(VerifiersDisagree, match="Signature validation failed"):
        ask(stranger())
    ask(idp_signer())


@pytest.mark.parametrize(
    "prolog", [b"<!DOCTYPE x>", b'<!DOCTYPE x [<!ENTITY e "v">]>', b'<!DOCTYPE x SYSTEM "file:///x">']
)
def test_the_second_opinions_parser_takes_no_document_type(prolog: bytes) -> None:
    with pytest.raises(DTDForbidden):
        OneLogin_Saml2_XML.to_etree(prolog + b"<x/>")
    assert OneLogin_Saml2_XML.to_etree(b"<x/>").tag == "x"


@pytest.mark.parametrize(
    "text",
    [
        *("2026-01-15T12:00:05Z", "2026-01-15T12:00:05.123Z", "2026-01-15T12:00:05.1234567Z", "1970-01-01T00:00:00Z"),
        *(
            "2024-02-29T23:59:59Z",
            "2026-02-30T12:00:05Z",
            "2026-01-15T24:00:00Z",
            "2026-01-15T12:00:60Z",
            "0000-01-01T00:00:00Z",
        ),
        *(
            "2026-01-15T12:00:05",
            "2026-01-15T12:00:05+00:00",
            "2026-W03-4T12:00:05Z",
            "",
            "now",
            "\uff12026-01-15T12:00:05Z",
        ),
    ],
)
def test_the_second_opinion_reads_instants_as_it_comes(text: str) -> None:
    def told(parse: Callable[[str], float]) -> int | str:
        try:
            return int(parse(text))
        except Exception as problem:
            return type(problem).__name__

    assert told(OneLogin_Saml2_Utils.parse_SAML_to_time) == told(_its_own_parser)


def test_the_second_opinion_keeps_the_fraction_of_an_instant() -> None:
    whole = OneLogin_Saml2_Utils.parse_SAML_to_time("2026-01-15T12:00:05Z")
    for fraction in ("5", "25", "123", "123456", "1234567", "123456789012"):
        read = OneLogin_Saml2_Utils.parse_SAML_to_time(f"2026-01-15T12:00:05.{fraction}Z")
        assert read == whole + float(f"0.{fraction[:6]}")


def test_the_second_opinions_parser_leaves_out_what_its_own_would() -> None:
    written = b"<x><!-- a --><?b c?><d>e<!-- f -->g</d></x>"
    parsed = OneLogin_Saml2_XML.to_etree(written)
    assert etree.tostring(parsed) == etree.tostring(xmlparser.fromstring(written)) == b"<x><d>eg</d></x>"


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


# --------------------------------------------------------------------------------------------------- their metadata


class Notices(list[DocumentNotice]):
    def __call__(self, notice: Notice) -> None:
        assert isinstance(notice, DocumentNotice)
        self.append(notice)


def _source(wire: Wire, kept: Kept, notices: Notices, **more: Any) -> MetadataSource:
    kept.hears = notices
    chosen = SamlConnection(protocol="saml", title="x", metadata_url=URL, **more)
    return MetadataSource("company", chosen, Surroundings(wire, kept, lambda: NOW, notices))  # type: ignore[arg-type]


def _document(*signers: made.Signer, **more: Any) -> bytes:
    return made.metadata_xml(IDP, "https://idp.example.test/sso", signers or [idp_signer()], **more)


def test_metadata_from_an_address_is_fetched_when_first_needed_and_kept() -> None:
    wire, kept = Wire({URL: _document()}), Kept()
    source = _source(wire, kept, Notices())
    assert wire.asked == []
    assert source.current().entity_id == IDP
    assert kept.last_good(KEPT, "company") is not None


def test_the_last_good_metadata_holds_over_a_restart_while_the_address_is_down() -> None:
    kept = Kept()
    _source(Wire({URL: _document()}), kept, Notices()).current()
    notices = Notices()
    again = _source(Wire(), kept, notices)
    again.refresh()
    again.refresh()
    assert again.current().entity_id == IDP
    assert [type(one) for one in notices] == [DocumentRefused]
    assert again.problem


def test_without_any_metadata_nobody_signs_in() -> None:
    with pytest.raises(ProviderUnreachable):
        _source(Wire(), Kept(), Notices()).current()


def test_o01_a_silent_address_holds_one_sign_in_and_not_each_that_waits() -> None:
    wire, now = Wire(), [NOW]
    chosen = SamlConnection(protocol="saml", title="x", metadata_url=URL)
    around = Surroundings(wire, Kept(), lambda: now[0], Notices())  # type: ignore[arg-type]
    source = MetadataSource("company", chosen, around)
    for _ in range(10):
        with pytest.raises(ProviderUnreachable):
            source.current()
    assert wire.asked == [URL]
    wire.documents[URL] = _document()
    now[0] += timedelta(seconds=5)
    assert source.current().entity_id == IDP


def test_a_broken_refresh_changes_nothing() -> None:
    wire, notices = Wire({URL: _document()}), Notices()
    source = _source(wire, Kept(), notices)
    before = source.current()
    wire.documents[URL] = b"<html>maintenance</html>"
    source.refresh()
    assert source.current() is before
    assert type(notices[0]) is DocumentRefused


def test_a_new_key_is_taken_and_noticed() -> None:
    wire, notices = Wire({URL: _document()}), Notices()
    source = _source(wire, Kept(), notices)
    source.current()
    wire.documents[URL] = _document(idp_signer(), stranger())
    source.refresh()
    assert len(source.current().keys) == 2
    assert type(notices[0]) is NewKeys


def test_a_new_key_waits_for_a_yes_where_the_connection_says_so() -> None:
    wire, kept, notices = Wire({URL: _document()}), Kept(), Notices()
    source = _source(wire, kept, notices, hold_new_keys=True)
    source.current()
    wire.documents[URL] = _document(idp_signer(), stranger())
    source.refresh()
    source.refresh()
    assert len(source.current().keys) == 1
    assert [type(one) for one in notices] == [DocumentHeld]
    assert kept.last_good(HELD, "company") is not None
    assert accept_held(kept, "company", NOW)
    source.refresh()
    assert len(source.current().keys) == 2
    assert not accept_held(kept, "company", NOW)


def test_another_entity_at_the_same_address_is_not_believed() -> None:
    wire, notices = Wire({URL: _document()}), Notices()
    source = _source(wire, Kept(), notices)
    source.current()
    wire.documents[URL] = made.metadata_xml("urn:evil", "https://evil.example.test/", [stranger()])
    source.refresh()
    assert source.current().entity_id == IDP
    assert "entityID changed" in notices[0].detail


def test_h03_older_signed_metadata_does_not_come_back(tmp_path: Path) -> None:
    pem = tmp_path / "signer.pem"
    pem.write_text(stranger().certificate_pem)
    later, earlier = NOW + timedelta(days=5), NOW + timedelta(days=3)
    wire, notices = Wire({URL: _document(signed_by=stranger(), valid_until=later)}), Notices()
    source = _source(wire, Kept(), notices, metadata_signing_certificate=pem)
    assert source.current().valid_until == later
    wire.documents[URL] = _document(signed_by=stranger(), valid_until=earlier)
    source.refresh()
    assert source.current().valid_until == later
    assert "older" in notices[0].detail


def test_a_file_that_is_no_metadata_stops_the_start_and_says_why() -> None:
    with pytest.raises(ConfigurationInvalid, match=r"not one XML document|describes no identity provider"):
        connector(metadata=b"<x/>")


def test_a_thread_refreshes_and_ends() -> None:
    here = connector()
    here.refresher.start()
    here.refresher.stop()
    assert not here.refresher.is_running


def test_two_connections_to_one_identity_provider_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.xml").write_bytes(_document())
    one = {"protocol": "saml", "title": "One", "metadata_file": "a.xml"}
    two = {"protocol": "saml", "title": "Two", "metadata_file": "b.xml"}
    document = {
        "base_url": "https://bridge.example.test",
        "rules": "r",
        "accounts": "a",
        "connections": {"one": one, "two": two},
    }
    with pytest.raises(ConfigurationInvalid, match="same identity provider"):
        connectors_from(
            settings_from(document, tmp_path),
            keys=key_ring(),
            outgoing=Wire(),  # type: ignore[arg-type]  # nothing is fetched
            kept=Kept(),
            clock=lambda: NOW,
            notice=lambda _: None,
        )


def test_a_signature_stands_where_the_material_puts_it() -> None:
    assert etree.fromstring(honest()).find(f"{saml('Assertion')}/{ds('Signature')}") is not None
    assert message().issuer == IDP


@pytest.mark.parametrize(
    "inside",
    [
        "admins",
        "",
        "adm<!-- x -->ins",
        "<!-- x -->admins",
        "admins<!-- x -->",
        "<b>adm</b>ins",
        "a<!-- x --><b/>c<!-- y -->d",
    ],
)
def test_the_text_of_an_element_is_read_as_the_library_reads_it(inside: str) -> None:
    """Attack: a comment within a name, behind which one reader stops and another goes on."""
    ours, theirs = (etree.fromstring(f"<group>{inside}</group>") for _ in range(2))
    assert OneLogin_Saml2_XML.element_text(ours) == _its_own_text(theirs)
    assert etree.tostring(ours) == etree.tostring(theirs)
