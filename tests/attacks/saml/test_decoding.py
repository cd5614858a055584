"""Attack catalogue A: bytes, form and parsing. Each stands beside the honest message that it was made from."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree
from saml_factories import (
    arrive,
    changed,
    connector,
    honest,
    idp_signer,
    message,
    posted,
    saml,
    samlp,
    sign_in,
    tampered,
)

from federation_bridge.connectors.saml import response
from federation_bridge.errors import SignInRejected, VerifiersDisagree
from federation_bridge.model import Callback
from federation_bridge.sandbox.identity_provider import saml_message as made

Attack = Callable[[bytes], bytes]


def _before(text: str) -> Attack:
    return lambda xml: text.encode() + xml


def _swap(old: bytes, new: bytes) -> Attack:
    def attack(xml: bytes) -> bytes:
        assert old in xml
        return xml.replace(old, new, 1)

    return attack


_LAUGHS = "<!DOCTYPE r [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))

BYTES: dict[str, Attack] = {
    "a01_doctype": _before("<!DOCTYPE Response>"),
    "a01_doctype_after_declaration": _before("<?xml version='1.0'?><!DOCTYPE x>"),
    "a02_xxe_file": lambda xml: _swap(b"alice@example.com", b"&x;")(
        b"<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + xml
    ),
    "a02_parameter_entity": _before("<!DOCTYPE r [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'> %p;]>"),
    "a02_external_subset": _before("<!DOCTYPE r SYSTEM 'http://127.0.0.1:9/x'>"),
    "a03_billion_laughs": lambda xml: _swap(b"alice@example.com", b"&a9;")(_LAUGHS.encode() + b"]>" + xml),
    "a04_entity_in_id": _before("<!DOCTYPE r [<!ENTITY i 'x'>]>"),
    "a05_attlist_default_namespace": _before("<!DOCTYPE r [<!ATTLIST Signature xmlns CDATA #FIXED 'urn:x'>]>"),
    "a06_round_trip": lambda xml: b"<!DOCTYPE r SYSTEM 'x\"><!--'>" + xml,
    "a07_utf16": lambda xml: b"\xff\xfe" + xml.decode().encode("utf-16-le"),
    "a07_utf32": lambda xml: xml.decode().encode("utf-32"),
    "a07_utf16_with_doctype": lambda xml: ("<!DOCTYPE r>" + xml.decode()).encode("utf-16"),
    "a07_utf7_declared": _before("<?xml version='1.0' encoding='utf-7'?>"),
    "a07_latin1_declared": _before("<?xml version='1.0' encoding='iso-8859-1'?>"),
    "a07_not_utf8": _swap(b"alice@", b"al\xefce@"),
    "a07_byte_order_mark": lambda xml: b"\xef\xbb\xbf" + xml,
    "a08_two_roots": lambda xml: xml + xml,
    "a08_text_after_root": lambda xml: xml + b"x",
    "a08_nul": lambda xml: xml + b"\0",
    "a08_truncated": lambda xml: xml[:-20],
    "a08_empty": lambda _: b"",
    "a08_blank": lambda _: b"   ",
    "a09_pi_swallows_negation": _swap(b"alice@example.com", b"<?p not-an-?>alice@example.com"),
    "a09_stylesheet": _before("<?xml-stylesheet href='http://127.0.0.1:9/x'?>"),
    "a09_xinclude": _swap(
        b"<samlp:Status>",
        b"<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file:///etc/passwd'/><samlp:Status>",
    ),
    "a09_schema_location": _swap(
        b"<samlp:Response ",
        b"<samlp:Response xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='a http://x' ",
    ),
    "a09_xml_base": _swap(b"<samlp:Response ", b"<samlp:Response xml:base='http://x/' "),
    "a10_ten_megabytes": _swap(b"alice@example.com", b"a" * 10_000_000),
    "a10_300_levels": _swap(b"alice@example.com", b"<a>" * 300 + b"</a>" * 300),
    "a10_200_attributes": _swap(
        b"<samlp:Response ", b"<samlp:Response " + b" ".join(b'a%d="1"' % n for n in range(200)) + b" "
    ),
    "a10_100000_elements": _swap(b"alice@example.com", b"<a/>" * 100_000),
    "a11_namespace_bomb": _swap(
        b"<samlp:Response ",
        b"<samlp:Response " + b" ".join(b'xmlns:n%d="urn:n:%d"' % (n, n) for n in range(2000)) + b" ",
    ),
    "a11_many_namespaces_one_prefix": _swap(
        b"alice@example.com", b"".join(b'<n:a xmlns:n="urn:n:%d"/>' % n for n in range(200))
    ),
    "a11_long_prefix_list": lambda _: _long_prefix_list(),
    "a14_bare_assertion": lambda xml: xml[xml.index(b"<Assertion") : xml.index(b"</Assertion>") + 12],
    "a14_logout_response": lambda xml: xml.replace(b"samlp:Response", b"samlp:LogoutResponse"),
    "a14_soap": lambda xml: b'<s:Envelope xmlns:s="urn:s"><s:Body>' + xml + b"</s:Body></s:Envelope>",
    "a16_element_in_name_id": _swap(b"alice@example.com", b"<b>alice@example.com</b>"),
    "c01_comment_in_name_id": _swap(b"alice@example.com", b"alice@example.com<!---->.attacker.test"),
    "c01_comment_in_group": _swap(b"aws-dev", b"aws-dev<!-- -->-x"),
    "c02_relative_namespace": _swap(b"<samlp:Response ", b'<samlp:Response xmlns:x="1" '),
    "c02_non_ascii_namespace": _swap(b"<samlp:Response ", '<samlp:Response xmlns:x="http://ü/" '.encode()),
    "c02_namespace_that_no_parser_reads": _swap(b"<samlp:Response ", b'<samlp:Response xmlns:x="http://[x" '),
    "c02_namespace_by_reference": _swap(b"<samlp:Response ", b'<samlp:Response xmlns:x="&#49;" '),
}


def _long_prefix_list() -> bytes:
    response = made.unsigned_tree(message())
    shape = made.SignatureShape(prefix_list=" ".join(f"n{n}" for n in range(2000)))
    assertion = response.find(saml("Assertion"))
    assert assertion is not None
    made.sign(assertion, idp_signer(), shape=shape)
    return made.serialized(response)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("a07_not_utf8", "not UTF-8"),
        ("a11_namespace_bomb", "namespace prefixes"),
        ("a11_many_namespaces_one_prefix", "namespaces"),
        ("a11_long_prefix_list", "long PrefixList"),
        ("a10_ten_megabytes", "too large"),
        ("c02_relative_namespace", "absolute URI"),
    ],
)
def test_what_costs_or_deceives_is_refused_for_just_that(case: str, reason: str) -> None:
    with pytest.raises(SignInRejected, match=reason):
        arrive(BYTES[case](honest()))


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_two_readers_could_read_differently_are_refused_before_any_crypto(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = honest()
    here = connector()
    assert arrive(genuine, here).identity.subject == "alice@example.com"
    attack = BYTES[case](genuine)
    monkeypatch.setattr(response, "verify", lambda *_: pytest.fail("it reached canonicalization"))
    with pytest.raises(SignInRejected) as refusal:
        arrive(attack, here)
    assert not isinstance(refusal.value, VerifiersDisagree)


def test_a14_other_messages_that_the_provider_signed_are_no_sign_ins() -> None:
    def rename(response: etree._Element) -> None:
        response.tag = samlp("ArtifactResponse")

    with pytest.raises(SignInRejected, match="no Response"):
        arrive(changed(rename, signed="response"))


@pytest.mark.parametrize("tag", ["Subject", "Conditions", "Issuer", "AuthnStatement", "AttributeStatement"])
def test_a15_singletons_do_not_come_twice_even_when_signed(tag: str) -> None:
    def twice(response: etree._Element) -> None:
        element = response.find(f"{saml('Assertion')}/{saml(tag)}")
        assert element is not None
        element.addnext(etree.fromstring(etree.tostring(element)))

    with pytest.raises(SignInRejected) as refusal:
        arrive(changed(twice))
    assert not isinstance(refusal.value, VerifiersDisagree)


def test_a15_two_statuses_are_refused() -> None:
    def twice(response: etree._Element) -> None:
        status = response.find(samlp("Status"))
        assert status is not None
        status.addnext(etree.fromstring(etree.tostring(status)))

    with pytest.raises(SignInRejected):
        arrive(changed(twice))


def test_a16_cdata_is_text() -> None:
    xml = honest().replace(b">alice@example.com</NameID>", b"><![CDATA[alice@example.com]]></NameID>")
    assert b"CDATA" in xml
    assert arrive(xml).identity.subject == "alice@example.com"


def _form(*fields: tuple[str, str], **changes: Any) -> Callback:
    return replace(posted(b""), form=fields, **changes)


_VALUE = base64.b64encode(honest()).decode()
FORMS: dict[str, Callback] = {
    "a12_no_field": _form(("RelayState", "x")),
    "a12_two_fields": _form(("SAMLResponse", _VALUE), ("SAMLResponse", _VALUE)),
    "a12_bracket_field": _form(("SAMLResponse", _VALUE), ("SAMLResponse[]", _VALUE)),
    "a12_request_beside": _form(("SAMLResponse", _VALUE), ("SAMLRequest", _VALUE)),
    "a12_one_in_query": _form(("SAMLResponse", _VALUE), query=(("SAMLResponse", _VALUE),)),
    "a12_query_only": _form(query=(("SAMLResponse", _VALUE),)),
    "a12_get": _form(("SAMLResponse", _VALUE), method="GET"),
    "a12_multipart": _form(("SAMLResponse", _VALUE), content_type="multipart/form-data; boundary=x"),
    "a12_json": _form(("SAMLResponse", _VALUE), content_type="application/json"),
    "a12_foreign_characters": _form(("SAMLResponse", _VALUE[:40] + "*%$" + _VALUE[40:])),
    "a12_tab_inside": _form(("SAMLResponse", _VALUE[:40] + "\t" + _VALUE[40:])),
    "a12_base64url": _form(("SAMLResponse", base64.urlsafe_b64encode(b"\xfb\xff" + honest()).decode())),
    "a12_double_base64": _form(("SAMLResponse", base64.b64encode(_VALUE.encode()).decode())),
    "a12_no_padding": _form(("SAMLResponse", base64.b64encode(honest() + b"  ").decode().rstrip("=") + "A")),
    "a12_non_ascii": _form(("SAMLResponse", _VALUE + "é")),
    "a12_empty": _form(("SAMLResponse", "")),
    "a13_deflated": _form(("SAMLResponse", base64.b64encode(zlib.compress(honest())[2:-4]).decode())),
    "a13_bomb": _form(("SAMLResponse", base64.b64encode(zlib.compress(b" " * 50_000_000)[2:-4]).decode())),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_message_arrives_as_one_field_of_one_plain_form(case: str) -> None:
    with pytest.raises(SignInRejected):
        connector().arrive(sign_in(), FORMS[case])


@pytest.mark.parametrize("break_at", ["\r\n", "\n", " "])
def test_line_breaks_in_base64_are_left_out(break_at: str) -> None:
    value = break_at.join(_VALUE[n : n + 76] for n in range(0, len(_VALUE), 76))
    assert connector().arrive(sign_in(), _form(("SAMLResponse", value))).identity.subject == "alice@example.com"


def test_a10_1500_groups_as_okta_writes_them_are_accepted() -> None:
    groups = tuple(f"aws-production-group-{n:04d}" for n in range(1500))
    xml = honest(style="okta", signed="both", attributes={"groups": groups})
    assert arrive(xml, connector(preset="okta")).identity.groups.names == groups


def test_a07_a_declaration_of_utf8_is_accepted() -> None:
    xml = b"<?xml version='1.0' encoding='UTF-8' standalone='no'?>" + honest()
    assert arrive(xml).identity.subject == "alice@example.com"


def test_a08_what_is_changed_after_signing_is_refused_also_without_tricks() -> None:
    def other(response: etree._Element) -> None:
        next(response.iter(saml("NameID"))).text = "mallory@example.com"

    with pytest.raises(SignInRejected, match="changed after it was signed"):
        arrive(tampered(other))
