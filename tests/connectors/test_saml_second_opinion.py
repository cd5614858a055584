"""What our stages let in, python3-saml lets in as well: over every form that gate, signature and decryption can take.

The tables are made from the code's own (`POLICY`, the ciphers, the shapes), so that what joins them joins this test.
A form that only one of the two takes is an alarm about nobody: an honest company would be locked out by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import get_args

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from saml_factories import arrive, idp_signer, our_certificate, stranger
from saml_form_keys import company_key, curve_key, older_decryption_key
from saml_forms import SIGNS, EncryptionForm, Form, Place, SignatureForm, answer, ciphers
from saml_words import company, instants, words

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.ciphers import OAEP_DIGESTS, OAEP_MASKS
from federation_bridge.connectors.saml.names import saml
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.connectors.saml.shapes import RESPONSE_SHAPES
from federation_bridge.errors import SignInRejected
from federation_bridge.sandbox.identity_provider import saml_message as made

BASE64_BLANKS = {"blank": " ", "line feed": "\n", "tab": "\t", "carriage return": "\r\n"}


def signed_each_way(encryption: EncryptionForm) -> Iterator[tuple[str, Form]]:
    """Signed inside of what is encrypted, around it, both."""
    yield "inside", Form(encryption=encryption)
    yield "around", Form(encryption=encryption, assertion=None, response=SignatureForm())
    yield "both", Form(encryption=encryption, response=SignatureForm())


# ---------------------------------------------------------------------------------------------------- signatures


def _fits(method: str, key: object) -> bool:
    return ("rsa" in method) == isinstance(key, rsa.RSAPrivateKey)


def _algorithms() -> Iterator[tuple[str, Form]]:
    keys: list[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = [
        company_key(),
        *(curve_key(curve) for curve in sorted(POLICY.curves)),
    ]
    for method, digest, key in product(POLICY.signature_methods, POLICY.digest_methods, keys):
        if _fits(method, key):
            form = SignatureForm(key=key, method=method, digest=digest)
            kind = "rsa" if isinstance(key, rsa.RSAPrivateKey) else key.curve.name
            yield f"{method} {digest} {kind}", Form(assertion=form)


def _prefix_lists() -> Iterator[tuple[str, Form]]:
    lists = (None, "", "xs", "#default", "#default xs", "nowhere", " xs  saml2p ", " ".join(f"p{n}" for n in range(15)))
    for info, content in product(lists, lists):
        one = SignatureForm(info_prefixes=info, content_prefixes=content)
        yield f"info {info!r}, content {content!r}", Form(assertion=one, response=one)


KEY_INFOS = {
    "name": "<ds:KeyName>k1</ds:KeyName>",
    "value": "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{key}</ds:Modulus><ds:Exponent>AQAB</ds:Exponent>"
    "</ds:RSAKeyValue></ds:KeyValue>",
    "all of X509Data": "<ds:X509Data><ds:X509Certificate>{key}</ds:X509Certificate></ds:X509Data><ds:X509Data>"
    "<ds:X509SubjectName>CN=a</ds:X509SubjectName><ds:X509IssuerSerial><ds:X509IssuerName>CN=b</ds:X509IssuerName>"
    "<ds:X509SerialNumber> 12 </ds:X509SerialNumber></ds:X509IssuerSerial><ds:X509SKI>{key}</ds:X509SKI></ds:X509Data>",
}


def _signatures() -> Iterator[tuple[str, Form]]:
    plain = SignatureForm()
    yield "on the assertion", Form()
    yield "on the response", Form(assertion=None, response=plain)
    yield "on both", Form(response=plain)
    yield "by two keys", Form(response=SignatureForm(key=curve_key("secp384r1"), method=names.ECDSA_SHA384))
    for prefix in ("", "ds:", "dsig:"):
        yield f"prefix {prefix!r}", Form(assertion=replace(plain, prefix=prefix))
    for called, wrap in BASE64_BLANKS.items():
        yield f"base64 with {called}", Form(assertion=replace(plain, wrap=wrap), response=replace(plain, wrap=wrap))
    for called, info in KEY_INFOS.items():
        filled = info.format(key=idp_signer().certificate_b64)
        yield f"KeyInfo with {called}", Form(assertion=replace(plain, key_info=filled))
    ids = replace(plain, identifier="s", reference_type=names.SIGNATURE + "Object", key_info=KEY_INFOS["name"])
    yield "Ids and Type", Form(assertion=ids)


# ---------------------------------------------------------------------------------------------------- encryption


def _ciphers() -> Iterator[tuple[str, Form]]:
    for cipher in ciphers():
        for where, form in signed_each_way(EncryptionForm(cipher=cipher)):
            # Without a signature around it, CBC is refused by our stages: its errors would tell the plaintext.
            if where != "inside" or cipher in POLICY.encryption.ciphers:
                yield f"{cipher}, signed {where}", form


def _key_transports() -> Iterator[tuple[str, Form]]:
    for transport, digest, mask in product(
        POLICY.encryption.key_transports, (None, *OAEP_DIGESTS), (None, *OAEP_MASKS)
    ):
        encryption = EncryptionForm(transport=transport, digest=digest, mask=mask)
        yield f"{transport} {digest} {mask}", Form(encryption=encryption)


def _places() -> Iterator[tuple[str, Form]]:
    for place, extra in product(get_args(Place), (False, True)):
        for where, form in signed_each_way(EncryptionForm(place=place, extra=extra)):
            yield f"{place}{', all that may stand' if extra else ''}, signed {where}", form


def _prefixes() -> Iterator[tuple[str, Form]]:
    for prefixes in product(("saml:", "x:", ""), ("xenc:", "y:", ""), ("ds:", "z:", "")):
        for where, form in signed_each_way(EncryptionForm(prefixes=prefixes)):
            yield f"{prefixes}, signed {where}", form


def _recipients() -> Iterator[tuple[str, Form]]:
    ours, other, older = our_certificate(), stranger().certificate_pem, older_decryption_key().certificate_pem
    for place in ("within", "beside"):
        for before in range(4):
            encryption = EncryptionForm(certificates=(other,) * before + (ours,), place=place)
            yield f"{place}, {before} others before us", Form(encryption=encryption)
    for where, form in signed_each_way(EncryptionForm(certificates=(older,))):
        yield f"our older key, signed {where}", form
    for called, wrap in BASE64_BLANKS.items():
        yield f"base64 with {called}", Form(encryption=EncryptionForm(wrap=wrap), response=SignatureForm())
    for style in get_args(made.Style):
        yield f"written as {style} does", Form(encryption=EncryptionForm(), style=style)


def _declared_twice() -> Iterator[tuple[str, Form]]:
    # Two prefixes for one namespace: whoever moves an element between documents may rename what was signed.
    for prefix in ("xmlns:other", "xmlns"):
        declared = f'{prefix}="{names.ASSERTION}"'
        for where, form in signed_each_way(EncryptionForm()):
            yield f"{prefix}, signed {where}", replace(form, declared=declared)
        yield f"{prefix}, in the clear", Form(declared=declared)


def _borrowed_namespaces() -> Iterator[tuple[str, Form]]:
    # XML Encryption 4.4: a plaintext may use the namespaces that are in scope where its ciphertext stands.
    def without_its_own(plaintext: bytes) -> bytes:
        return plaintext.replace(f' xmlns:saml2="{names.ASSERTION}"'.encode(), b"", 1)

    encryption = EncryptionForm(prefixes=("saml2:", "xenc:", "ds:"), plaintext=without_its_own)
    for where, form in signed_each_way(encryption):
        yield f"signed {where}", form


# ---------------------------------------------------------------------------------------------- words and instants


def _bytes() -> Iterator[tuple[str, Form]]:
    for declaration in (
        b'<?xml version="1.0" encoding="UTF-8"?>\n',
        b"<?xml version='1.0' encoding='utf-8' standalone='yes'?>",
        b'<?xml version="1.0"?>\r\n',
    ):
        yield f"declared by {declaration!r}", Form(written=lambda octets, first=declaration: first + octets)  # type: ignore[misc]  # no type is inferred for defaults
    yield "text as CDATA", Form(written=lambda xml: xml.replace(b">aws-dev<", b"><![CDATA[aws-dev]]><"))
    yield "text by reference", Form(written=lambda xml: xml.replace(b">aws-dev<", b">&#97;ws&#x2d;dev<"))
    yield "blanks at the end", Form(written=lambda xml: xml + b"\r\n \t")
    yield "blanks in tags", Form(written=lambda xml: xml.replace(b"/>", b"\t/>").replace(b"</", b"</"))
    yield "quotes", Form(written=lambda xml: xml.replace(b'Version="2.0"', b"Version = '2.0'"))


TABLES = {
    "algorithms": _algorithms,
    "prefix lists": _prefix_lists,
    "signatures": _signatures,
    "ciphers": _ciphers,
    "key transports": _key_transports,
    "places of keys": _places,
    "prefixes": _prefixes,
    "recipients": _recipients,
    "namespaces declared twice": _declared_twice,
    "borrowed namespaces": _borrowed_namespaces,
    "instants": instants,
    "words": words,
    "bytes": _bytes,
}


@cache
def forms(table: str) -> dict[str, Form]:
    """The forms of one table."""
    return dict(TABLES[table]())


@pytest.mark.parametrize("table", TABLES)
def test_every_form_that_our_rooms_take_is_taken_by_the_second_opinion(table: str) -> None:
    told = {called: _verdict(form) for called, form in forms(table).items()}
    assert {called: verdict for called, verdict in told.items() if verdict != "taken"} == {}
    assert told


def _verdict(form: Form) -> str:
    try:
        identity = arrive(answer(form), company(form.subject)).identity
    except SignInRejected as refusal:
        return f"{type(refusal).__name__}: {refusal.detail}"
    return "taken" if "aws-dev" in identity.groups.names else "without its groups"


# ------------------------------------------------------------------------------------------ nothing is left out


NEVER_TAKEN = {saml("EncryptedID"): "the reader refuses an encrypted NameID"}
"""What the shapes let stand, and a later stage of ours refuses: there is nothing to compare."""


@cache
def _written() -> frozenset[str]:
    """Each element, and each attribute with its element, that stands in some form of the tables."""
    seen = set()
    for form in (form for table in TABLES for form in forms(table).values()):
        for one in (form, replace(form, encryption=None)):
            for element in etree.fromstring(answer(one)).iter():
                seen.add(str(element.tag))
                seen.update(f"{element.tag} {name}" for name in map(str, element.attrib))
    return frozenset(seen)


def test_the_forms_show_every_element_and_attribute_that_the_gate_lets_stand() -> None:
    allowed = {tag for tag in RESPONSE_SHAPES if tag not in NEVER_TAKEN}
    allowed |= {f"{tag} {name}" for tag in allowed for name in RESPONSE_SHAPES[tag].attributes}
    assert allowed - _written() == set()
    assert set(NEVER_TAKEN) <= set(RESPONSE_SHAPES)


def test_the_forms_know_how_to_sign_and_encrypt_by_every_algorithm() -> None:
    assert set(SIGNS) == set(POLICY.signature_methods)
    assert set(ciphers()) == {*POLICY.encryption.ciphers, *POLICY.encryption.under_signature}
    assert set(POLICY.canonicalizations) == {names.EXCLUSIVE_C14N}
