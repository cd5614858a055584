"""The second opinion by itself: its schema, its parser, its instants."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
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
    arrive,
    ds,
    honest,
    idp_signer,
    message,
    pinned,
    saml,
    stranger,
)

from federation_bridge.connectors.saml.onelogin import Parties, _its_own_parser, _its_own_text, onelogin_settings
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.connectors.saml.response import Trust, verified_assertion
from federation_bridge.connectors.saml.second_opinion import agree
from federation_bridge.connectors.saml.validation import Expectation
from federation_bridge.connectors.saml.xml_schema import compiled_schema
from federation_bridge.errors import VerifiersDisagree
from federation_bridge.sandbox.identity_provider import saml_message as made

# --------------------------------------------------------------------------------------------- who has come back


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


# --------------------------------------------------------------------------------------------------- their metadata


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
