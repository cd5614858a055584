# ruff: noqa: F811 - fixtures are named where they are asked for
"""Forged assertions at the local AWS, each beside its valid twin."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from local_aws_factories import SAML, ServedAws, refusal, response, signer
from local_aws_fixtures import served_aws  # noqa: F401 - a fixture
from lxml import etree
from shared_local_aws import shared  # noqa: F401 - a fixture

from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.xml_gate import Unreadable, read_document
from federation_bridge.sandbox.identity_provider import saml_message
from federation_bridge.sandbox.identity_provider.saml_message import SignatureShape


def text_of(served_aws: ServedAws) -> bytes:
    return base64.b64decode(response(served_aws.message(), signer()))


def b64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _wrapped(served_aws: ServedAws) -> bytes:
    """The signed assertion moved into an extension; a forged twin stands in its place."""
    tree = etree.fromstring(text_of(served_aws))
    genuine = tree.find(f"{SAML}Assertion")
    assert genuine is not None
    forged = etree.fromstring(etree.tostring(genuine))
    forged.set("ID", "_forged")
    signature = forged.find(f"{{{saml_message.SIGNATURE}}}Signature")
    assert signature is not None
    forged.remove(signature)
    extensions = etree.SubElement(tree, f"{{{saml_message.PROTOCOL}}}Extensions")
    tree.replace(genuine, forged)
    extensions.append(genuine)
    return etree.tostring(tree)


def _twin_inside_signature(served_aws: ServedAws) -> bytes:
    tree = etree.fromstring(text_of(served_aws))
    genuine = tree.find(f"{SAML}Assertion")
    assert genuine is not None
    signature = genuine.find(f"{{{saml_message.SIGNATURE}}}Signature")
    assert signature is not None
    forged = etree.fromstring(etree.tostring(genuine))
    forged.set("ID", "_forged")
    inner = forged.find(f"{{{saml_message.SIGNATURE}}}Signature")
    assert inner is not None
    forged.replace(inner, signature)
    tree.replace(genuine, forged)
    etree.SubElement(signature, f"{{{saml_message.SIGNATURE}}}Object").append(genuine)
    return etree.tostring(tree)


def _same_id(served_aws: ServedAws) -> bytes:
    tree = etree.fromstring(text_of(served_aws))
    genuine = tree.find(f"{SAML}Assertion")
    assert genuine is not None
    tree.insert(0, etree.fromstring(etree.tostring(genuine).replace(b">alice<", b">bobby<")))
    return etree.tostring(tree)


def _stray_signature(served_aws: ServedAws) -> bytes:
    """A second signature where none belongs; the genuine one still covers its assertion."""
    tree = etree.fromstring(text_of(served_aws))
    signature = tree.find(f".//{{{saml_message.SIGNATURE}}}Signature")
    assert signature is not None
    extensions = etree.SubElement(tree, f"{{{saml_message.PROTOCOL}}}Extensions")
    extensions.append(etree.fromstring(etree.tostring(signature)))
    return etree.tostring(tree)


def _shared_id(served_aws: ServedAws) -> bytes:
    return base64.b64decode(response(served_aws.message(response_id="_same", assertion_id="_same"), signer()))


def _insert(served_aws: ServedAws, text: bytes) -> bytes:
    return text_of(served_aws).replace(b">alice<", b">ali" + text + b"ce<")


FORGERIES: dict[str, Callable[[ServedAws], Any]] = {
    "wrapped": _wrapped,
    "twin inside the signature": _twin_inside_signature,
    "the same ID twice": _same_id,
    "one ID for both": _shared_id,
    "a stray signature": _stray_signature,
    "an instruction before the root": lambda served_aws: b"<?x?>" + text_of(served_aws),
    "a comment before the root": lambda served_aws: b"<!-- -->" + text_of(served_aws),
    "a comment in the name": lambda served_aws: _insert(served_aws, b"<!-- -->"),
    "an instruction in the name": lambda served_aws: _insert(served_aws, b"<?x?>"),
    "an entity": lambda served_aws: b'<!DOCTYPE r [<!ENTITY x "y">]>' + _insert(served_aws, b"&x;"),
    "a bare DOCTYPE": lambda served_aws: b"<!DOCTYPE r>" + text_of(served_aws),
    "an external entity": lambda served_aws: (
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + _insert(served_aws, b"&x;")
    ),
    "UTF-16": lambda served_aws: text_of(served_aws).decode().encode("utf-16"),
    "a declared encoding": lambda served_aws: b'<?xml version="1.0" encoding="UTF-7"?>' + text_of(served_aws),
    "a byte order mark twice": lambda served_aws: b"\xef\xbb\xbf\xef\xbb\xbf" + text_of(served_aws),
    "nothing": lambda _place: b"",
    "no XML": lambda _place: b"\x00\xff",
    "another root": lambda _place: b"<a/>",
    "deep": lambda _place: b"<a>" * 5000 + b"</a>" * 5000,
    "many attributes": lambda _place: b"<a " + b" ".join(b"a%d=''" % n for n in range(5000)) + b"/>",
    "many namespaces": lambda _place: b"<a " + b" ".join(b"xmlns:a%d='u:%d'" % (n, n) for n in range(2000)) + b"/>",
    "many elements": lambda _place: b"<a>" + b"<b/>" * 9_000 + b"</a>",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_message_is_refused_as_aws_refuses_it(name: str, shared: ServedAws) -> None:
    text = b64_of(FORGERIES[name](shared))
    code, _, status = refusal(lambda: shared.assume(text or "===="))
    assert (code, status) == ("InvalidIdentityToken", 400)


ENVELOPED, EXCLUSIVE = saml_message.ENVELOPED, saml_message.EXCLUSIVE
SHAPES = {
    "the whole document": SignatureShape(uri=""),
    "a file": SignatureShape(uri="file:///etc/passwd"),
    "a pointer": SignatureShape(uri="#xpointer(/)"),
    "inclusive canonicalisation": SignatureShape(c14n="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    "only one transform": SignatureShape(transforms=(EXCLUSIVE,)),
    "a path filter": SignatureShape(transforms=(ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116")),
    "MD5": SignatureShape(digest_method="http://www.w3.org/2001/04/xmldsig-more#md5"),
    "a mac": SignatureShape(signature_method="http://www.w3.org/2000/09/xmldsig#hmac-sha256"),
    "many prefixes": SignatureShape(prefix_list=" ".join(f"p{n}" for n in range(2000))),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_signature_of_another_shape_is_refused_before_it_is_verified(name: str, shared: ServedAws) -> None:
    text = text_of(shared)
    tree = etree.fromstring(text)
    shape = SHAPES[name]
    signature = tree.find(f".//{{{saml_message.SIGNATURE}}}Signature")
    assert signature is not None
    parent = signature.getparent()
    assert parent is not None
    other = saml_message.signature_template(parent, "entra", shape)
    for value in ("DigestValue", "SignatureValue"):
        wanted = other.find(f".//{{{saml_message.SIGNATURE}}}{value}")
        genuine = signature.find(f".//{{{saml_message.SIGNATURE}}}{value}")
        assert wanted is not None
        assert genuine is not None
        wanted.text = genuine.text
    parent.replace(signature, other)
    code, message, _ = refusal(lambda: shared.assume(b64_of(etree.tostring(tree))))
    assert code == "InvalidIdentityToken"
    assert message.startswith("Invalid base64 SAMLResponse")


def test_the_gate_lets_an_ordinary_message_through_and_says_why_not_otherwise(shared: ServedAws) -> None:
    assert read_document(text_of(shared)).tag.endswith("}Response")
    with pytest.raises(Unreadable, match="more bytes"):
        read_document(b"<a/>", max_bytes=3)


def test_a_ciphertext_elsewhere_is_never_fetched(served_aws: ServedAws) -> None:
    key = signer("decrypts")
    provisioning.change_saml_provider(
        served_aws.local.state, served_aws.account, "bridge", add_private_key=key.private_pem.decode()
    )
    text = base64.b64decode(response(served_aws.message(encrypt_to=key.certificate_pem), signer())).decode()
    assert served_aws.assume(b64_of(text.encode()))["Subject"] == "alice"
    reference = '<xenc:CipherReference URI="file:///dev/zero"/>'
    changed = re.sub(r"<xenc:CipherValue>[^<]*</xenc:CipherValue>", reference, text)
    assert changed != text
    assert refusal(lambda: served_aws.assume(b64_of(changed.encode())))[0] == "InvalidIdentityToken"
    weak = text.replace("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2001/04/xmlenc#rsa-1_5")
    assert weak != text
    assert refusal(lambda: served_aws.assume(b64_of(weak.encode())))[0] == "InvalidIdentityToken"
