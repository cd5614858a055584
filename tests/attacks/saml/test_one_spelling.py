"""What nobody signs has one spelling: another one is refused in our own stages, and sets off no alarm (attack A12)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree
from saml_factories import NOW, arrive, connector, ds, honest, idp_signer, posted, samlp, sign_in, tampered
from test_shown_text import HIDDEN

from federation_bridge.connectors.saml.metadata import read_metadata
from federation_bridge.connectors.saml.octets import octets_of
from federation_bridge.errors import ConfigurationInvalid, SignInRejected, VerifiersDisagree
from federation_bridge.sandbox.identity_provider import saml_message as made

BLANKS = {name: one for name, one in HIDDEN.items() if one.isspace() and one >= " "} | {"NEL": "\x85"}
"""Blanks of Unicode that XML does not call white space."""


def refused_in_our_room(xml: bytes) -> str:
    with pytest.raises(SignInRejected) as caught:
        arrive(xml)
    assert not isinstance(caught.value, VerifiersDisagree), caught.value.detail
    return caught.value.detail


def in_element(name: str, change: Callable[[str], str]) -> bytes:
    def act(response: etree._Element) -> None:
        element = next(response.iter(ds(name)))
        element.text = change(element.text or "")

    return tampered(act, style="okta", signed="assertion")


def with_spare_bits(text: str) -> str:
    """Another spelling of the same octets: a bit set that means nothing."""
    compact = "".join(text.split())
    last = re.search(r"(.)(=+)$", compact)
    if last is None:
        return compact[:-1] + "*"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(last[1]) ^ 1]
    assert base64.b64decode(compact) == base64.b64decode(compact[: last.start()] + other + last[2])
    return compact[: last.start()] + other + last[2]


@pytest.mark.parametrize("name", ["SignatureValue", "X509Certificate"])
@pytest.mark.parametrize("blank", BLANKS.values(), ids=BLANKS)
def test_a_blank_of_unicode_is_no_blank_in_base64(name: str, blank: str) -> None:
    assert arrive(in_element(name, lambda text: f" \t\r\n{text}\n")).identity.subject, "XML's own blanks are"
    for change in (lambda text: blank + text, lambda text: text[:20] + blank + text[20:], lambda text: text + blank):
        assert "base64" in refused_in_our_room(in_element(name, change))


@pytest.mark.parametrize("name", ["SignatureValue", "X509Certificate"])
def test_spare_bits_are_refused(name: str) -> None:
    assert "base64" in refused_in_our_room(in_element(name, with_spare_bits))


@pytest.mark.parametrize("blank", BLANKS.values(), ids=BLANKS)
def test_a_blank_of_unicode_is_text_where_elements_belong(blank: str) -> None:
    def before(response: etree._Element) -> None:
        response.text = blank

    def behind(response: etree._Element) -> None:
        response[0].tail = blank

    def spaced(response: etree._Element) -> None:
        response.text = response[0].tail = "\n\t "

    assert arrive(tampered(spaced)).identity.subject
    for change in (before, behind):
        assert "shape: text" in refused_in_our_room(tampered(change))


@pytest.mark.parametrize("blank", [*BLANKS.values(), "\t", "\v", "\f"])
def test_the_posted_message_has_line_breaks_and_plain_blanks_only(blank: str) -> None:
    honest_value = base64.b64encode(honest()).decode()
    value = honest_value[:40] + blank + honest_value[40:]
    with pytest.raises(SignInRejected, match="bytes"):
        connector().arrive(sign_in(), replace(posted(b""), form=(("SAMLResponse", value),)))


def test_the_posted_message_has_no_spare_bits() -> None:
    xml = honest()
    xml += b" " * (3 - (len(xml) + 1) % 3) if (len(xml) % 3) == 0 else b""
    value = base64.b64encode(xml).decode()
    assert value.endswith("=")
    assert connector().arrive(sign_in(), replace(posted(b""), form=(("SAMLResponse", value),))).identity.subject
    with pytest.raises(SignInRejected, match="spare bits"):
        connector().arrive(sign_in(), replace(posted(b""), form=(("SAMLResponse", with_spare_bits(value)),)))


def _set(path: str, name: str, value: str) -> Callable[[etree._Element], None]:
    def act(response: etree._Element) -> None:
        element = response if path == "." else response.find(path)
        assert element is not None
        element.set(name, value)

    return act


def _serial(response: etree._Element) -> None:
    data = next(response.iter(ds("X509Data")))
    serial = etree.SubElement(data, ds("X509IssuerSerial"))
    etree.SubElement(serial, ds("X509IssuerName")).text = "CN=x"
    etree.SubElement(serial, ds("X509SerialNumber")).text = "seven"


UNSIGNED = {
    "consent that is no address": _set(".", "Consent", "http://["),
    "nested status that is no address": lambda response: response.find(f".//{samlp('StatusCode')}").append(
        etree.Element(samlp("StatusCode"), Value="http://[")
    ),
    "serial number that is no number": _serial,
}


@pytest.mark.parametrize("case", UNSIGNED)
def test_what_anybody_can_write_beside_the_signature_sets_off_no_alarm(case: str) -> None:
    assert arrive(tampered(lambda _: None, style="okta", signed="assertion")).identity.subject
    refused_in_our_room(tampered(UNSIGNED[case], style="okta", signed="assertion"))


def test_a_certificate_of_metadata_is_plain_base64_too() -> None:
    document = made.metadata_xml("https://idp.example.test/saml", "https://idp.example.test/sso", [idp_signer()])
    at = document.index(b"X509Certificate>") + len(b"X509Certificate>")
    assert read_metadata(document[:at] + b"\r\n\t " + document[at:], NOW).keys
    with pytest.raises(ConfigurationInvalid, match="base64"):
        read_metadata(document[:at] + "\u2003".encode() + document[at:], NOW)


@pytest.mark.parametrize("text", ["QQ", "QR==", "QUJD=", "QUI", "QU=I", "Q U\u00a0I=", "-_-_", "*"])
def test_other_spellings_are_no_octets(text: str) -> None:
    assert octets_of(" Q\tU\r\nI=") == b"AB"
    with pytest.raises(ValueError, match="base64"):
        octets_of(text)
