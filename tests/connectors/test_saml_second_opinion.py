"""What our stages let in, python3-saml lets in as well: over every form that gate, signature and decryption can take.

The tables are made from the code's own (`POLICY`, the ciphers, the shapes), so that what joins them joins this test.
A form that only one of the two takes is an alarm about nobody: an honest company would be locked out by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from typing import get_args

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from saml_factories import ENTITY_ID, IDP, NOW, arrive, connector, idp_signer, our_certificate, stranger
from saml_forms import (
    SIGNS,
    Change,
    EncryptionForm,
    Form,
    Place,
    RotatedKeys,
    SignatureForm,
    answer,
    ciphers,
    company_key,
    curve_key,
    older_decryption_key,
    signer_with,
)

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.ciphers import OAEP_DIGESTS, OAEP_MASKS
from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.names import saml, samlp
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.connectors.saml.shapes import RESPONSE_SHAPES
from federation_bridge.errors import SignInRejected, VerifiersDisagree
from federation_bridge.sandbox.identity_provider import saml_message as made

BASE64_BLANKS = {"blank": " ", "line feed": "\n", "tab": "\t", "carriage return": "\r\n"}


@cache
def company(subject: str = "NameID", now: datetime = NOW) -> SamlConnector:
    """A connection that takes whatever the policy knows: keys of every kind, CBC, our older decryption key."""
    signers = [idp_signer(), *(signer_with(curve_key(curve)) for curve in sorted(POLICY.curves))]
    metadata = made.metadata_xml(IDP, "https://idp.example.test/sso", signers)
    return connector(metadata=metadata, now=now, keys=RotatedKeys(), allow_cbc=True, subject=subject)


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


def at(path: str, tag: str = "") -> str:
    """The path below a Response of these elements of the assertion namespace."""
    return "/".join(saml(part) for part in path.split("/")) + tag


def setting(path: str, **attributes: str | None) -> Change:
    """Sets or takes away attributes of the first element at this path; `""`: the Response itself."""

    def change(response: etree._Element) -> None:
        element = response.find(at(path)) if path else response
        assert element is not None, path
        for name, value in attributes.items():
            if value is None:
                element.attrib.pop(name, "")
            else:
                element.set(name, value)

    return change


def adding(path: str, xml: str, position: int = -1) -> Change:
    """Adds these elements to the first element at this path, in the prefixes of this test."""
    declared = (
        f'xmlns:a="{names.ASSERTION}" xmlns:p="{names.PROTOCOL}" xmlns:xsi="{names.SCHEMA_INSTANCE}"'
        f' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:f="urn:foreign"'
    )

    def change(response: etree._Element) -> None:
        parent = response.find(at(path)) if path else response
        assert parent is not None, path
        for offset, element in enumerate(etree.fromstring(f"<scope {declared}>{xml}</scope>")):
            parent.insert(len(parent) if position < 0 else position + offset, element)

    return change


def all_of(*changes: Change) -> Change:
    """These changes, one after the other."""

    def change(response: etree._Element) -> None:
        for one in changes:
            one(response)

    return change


def removing(path: str) -> Change:
    """Takes away the first element at this path."""

    def change(response: etree._Element) -> None:
        element = response.find(path if path.startswith("{") else at(path))
        assert element is not None
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


CONFIRMATION = "Assertion/Subject/SubjectConfirmation"
DATA = CONFIRMATION + "/SubjectConfirmationData"
ATTRIBUTES = "Assertion/AttributeStatement"
CONDITIONS = "Assertion/Conditions"
AUTHN = "Assertion/AuthnStatement"


def _instants() -> Iterator[tuple[str, Form]]:
    for fraction in ("", ".0", ".5", ".25", ".123", ".123456", ".1234567", ".123456789012"):
        earlier, later = f"2026-01-15T12:00:03{fraction}Z", f"2026-01-15T12:03:03{fraction}Z"
        change = all_of(
            setting("", IssueInstant=earlier),
            setting("Assertion", IssueInstant=earlier),
            setting(CONDITIONS, NotBefore=earlier, NotOnOrAfter=later),
            setting(DATA, NotOnOrAfter=later),
            setting(AUTHN, AuthnInstant=earlier, SessionNotOnOrAfter=later),
        )
        yield f"fraction {fraction!r}", Form(change=change)


FORMATS = (
    None,
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:entity",
    "urn:a-format-of-their-own",
)


def _put_into_status(response: etree._Element) -> None:
    status, message = response.find(samlp("Status")), response.find(samlp("StatusMessage"))
    assert status is not None
    assert message is not None
    status.append(message)
    etree.SubElement(status[0], samlp("StatusCode"), Value="urn:example:fine")


WORDS: dict[str, Change] = {
    "several AttributeStatements": adding(
        "Assertion", '<a:AttributeStatement><a:Attribute Name="more"/></a:AttributeStatement>'
    ),
    "an attribute several times": adding(
        ATTRIBUTES,
        '<a:Attribute Name="role"><a:AttributeValue>a</a:AttributeValue></a:Attribute>'
        '<a:Attribute Name="role"><a:AttributeValue>b</a:AttributeValue></a:Attribute>',
    ),
    "an attribute without values": adding(ATTRIBUTES, '<a:Attribute Name="none"/>'),
    "an attribute with all that it may say": adding(
        ATTRIBUTES,
        '<a:Attribute Name="all" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" FriendlyName="f"'
        ' f:said="by us"><a:AttributeValue/><a:AttributeValue> </a:AttributeValue>'
        "<a:AttributeValue> blanks around </a:AttributeValue></a:Attribute>",
    ),
    "a NameID as value": adding(
        ATTRIBUTES,
        f'<a:Attribute Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.10"><a:AttributeValue><a:NameID NameQualifier="{IDP}"'
        f' SPNameQualifier="{ENTITY_ID}" Format="{FORMATS[-3]}">opaque</a:NameID>'
        "</a:AttributeValue><a:AttributeValue> <a:NameID> blanks around </a:NameID></a:AttributeValue>"
        "<a:AttributeValue><a:NameID/></a:AttributeValue></a:Attribute>",
    ),
    "a value that is nil": adding(
        ATTRIBUTES,
        '<a:Attribute Name="nil"><a:AttributeValue xsi:nil="true"/>'
        '<a:AttributeValue xsi:nil="false">x</a:AttributeValue></a:Attribute>',
    ),
    "text in every script": adding(
        ATTRIBUTES,
        '<a:Attribute Name="w"><a:AttributeValue>\u00fc\u4f60\U0001f600 &amp;&#xd;</a:AttributeValue></a:Attribute>',
    ),
    "qualifiers": setting(
        "Assertion/Subject/NameID", NameQualifier=IDP, SPNameQualifier=ENTITY_ID, SPProvidedID="what we called them"
    ),
    "empty qualifiers": setting("Assertion/Subject/NameID", NameQualifier="", SPNameQualifier=""),
    "a NameID within the confirmation": adding(CONFIRMATION, "<a:NameID>alice</a:NameID>", 0),
    "a confirmation of another method before": adding(
        "Assertion/Subject",
        '<a:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"><a:SubjectConfirmationData'
        ' NotBefore="2026-01-15T12:00:00Z"/></a:SubjectConfirmation>',
        1,
    ),
    "a bearer confirmation of somebody else before": adding(
        "Assertion/Subject",
        f'<a:SubjectConfirmation Method="{names.BEARER}"><a:SubjectConfirmationData Recipient="https://other.example/"'
        ' NotOnOrAfter="2026-01-15T12:03:00Z"/></a:SubjectConfirmation>',
        1,
    ),
    "confirmation data with all that it may say": setting(DATA, Address="2001:db8::1"),
    "confirmation data with its type": setting(
        DATA, **{f"{{{names.SCHEMA_INSTANCE}}}type": "saml2:SubjectConfirmationDataType"}
    ),
    "several audiences": adding(
        CONDITIONS,
        f"<a:AudienceRestriction><a:Audience>urn:other</a:Audience><a:Audience>{ENTITY_ID}</a:Audience>"
        "</a:AudienceRestriction>",
    ),
    "conditions for one use and two hops": adding(CONDITIONS, '<a:OneTimeUse/><a:ProxyRestriction Count="2"/>'),
    "proxies without a count": adding(CONDITIONS, "<a:ProxyRestriction/>"),
    "all that an AuthnStatement may say": all_of(
        adding(AUTHN, '<a:SubjectLocality Address="192.0.2.7" DNSName="here"/>', 0),
        adding(
            AUTHN + "/AuthnContext",
            "<a:AuthnContextDeclRef>urn:how</a:AuthnContextDeclRef><a:AuthenticatingAuthority>urn:a</a:AuthenticatingAuthority>"
            "<a:AuthenticatingAuthority>urn:b</a:AuthenticatingAuthority>",
        ),
        setting(AUTHN, SessionNotOnOrAfter="2026-01-15T20:00:00Z", SessionIndex="i"),
    ),
    "a context by declaration alone": all_of(
        removing(AUTHN + "/AuthnContext/AuthnContextClassRef"),
        adding(AUTHN + "/AuthnContext", "<a:AuthnContextDeclRef>urn:how</a:AuthnContextDeclRef>"),
    ),
    "no SessionIndex": setting(AUTHN, SessionIndex=None),
    "no NotBefore": setting(CONDITIONS, NotBefore=None),
    "a Response that says all": setting("", Consent="urn:oasis:names:tc:SAML:2.0:consent:obtained"),
    "a Response without Issuer": removing("Issuer"),
    "a Response without Destination": setting("", Destination=None),
    "a StatusMessage, and a nested code": all_of(
        adding("", "<p:StatusMessage>Fine</p:StatusMessage>"), _put_into_status
    ),
    "an Issuer that says all": setting(
        "Assertion/Issuer", Format=names.ENTITY, NameQualifier="n", SPNameQualifier="s", SPProvidedID="p"
    ),
    "indented": etree.indent,
}


TYPED = {
    "xs:string": "x",
    "xs:anyType": "x",
    "xs:anySimpleType": "x",
    "xs:normalizedString": "x",
    "xs:token": "x",
    "xs:integer": " 12 ",
    "xs:int": "12",
    "xs:boolean": "true",
    "xs:dateTime": "2026-01-15T12:00:05+02:00",
    "xs:date": "2026-01-15",
    "xs:base64Binary": "YWI=",
    "xs:anyURI": "urn:x",
    "xs:QName": "xs:string",
}


def _words() -> Iterator[tuple[str, Form]]:
    for called, change in WORDS.items():
        yield called, Form(change=change)
    for called in ("several AttributeStatements", "a NameID as value", "indented"):
        yield f"{called}, encrypted", Form(change=WORDS[called], encryption=EncryptionForm())
    for name_format in FORMATS:
        yield f"NameID Format {name_format}", Form(told={"name_id_format": name_format})
    for name_id in (" alice@example.com", "alice@example.com\n", "\u00fcmit@example.com"):
        yield f"NameID {name_id!r}", Form(told={"name_id": name_id}, subject="email")
    for kind, text in TYPED.items():
        value = f'<a:Attribute Name="typed"><a:AttributeValue xsi:type="{kind}">{text}</a:AttributeValue></a:Attribute>'
        yield f"a value of {kind}", Form(change=adding(ATTRIBUTES, value))


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
    "instants": _instants,
    "words": _words,
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


# ---------------------------------------------------------------------------------------------------- the clock


@pytest.mark.parametrize(("after", "is_taken"), [(0.0, True), (0.5, True), (0.899999, True), (0.9, False)])
def test_a_message_ends_for_both_at_the_very_instant_that_it_names(after: float, is_taken: bool) -> None:
    ends = "2026-01-15T12:00:05.900Z"
    change = all_of(setting(CONDITIONS, NotOnOrAfter=ends), setting(DATA, NotOnOrAfter=ends))
    here = company(now=NOW + timedelta(seconds=after))
    if is_taken:
        assert arrive(answer(Form(change=change)), here).identity.groups.names
        return
    with pytest.raises(SignInRejected, match=r"ended at|too old") as refusal:
        arrive(answer(Form(change=change)), here)
    assert not isinstance(refusal.value, VerifiersDisagree)


def test_a_session_ends_for_both_at_the_very_instant_that_it_names() -> None:
    change = setting(AUTHN, SessionNotOnOrAfter="2026-01-15T12:00:05.900Z")
    assert arrive(answer(Form(change=change)), company(now=NOW + timedelta(seconds=0.5))).identity.groups.names


# ---------------------------------------------------------------------------- what only SAML's XML schema refuses


NOT_BY_THE_SCHEMA = {
    "a type that the message does not define": (
        adding(
            ATTRIBUTES, '<a:Attribute Name="t"><a:AttributeValue xsi:type="f:Mine">x</a:AttributeValue></a:Attribute>'
        ),
        "attribute 'type'",
    ),
    "a value that is not of its type": (
        adding(
            ATTRIBUTES, '<a:Attribute Name="t"><a:AttributeValue xsi:type="xs:int">x</a:AttributeValue></a:Attribute>'
        ),
        "'x' is not a valid value",
    ),
    "nil that holds a text": (
        adding(ATTRIBUTES, '<a:Attribute Name="t"><a:AttributeValue xsi:nil="true">x</a:AttributeValue></a:Attribute>'),
        "AttributeValue",
    ),
    "a context that names nothing": (
        all_of(
            removing(AUTHN + "/AuthnContext/AuthnContextClassRef"),
            adding(AUTHN + "/AuthnContext", "<a:AuthenticatingAuthority>urn:a</a:AuthenticatingAuthority>"),
        ),
        "AuthnContextClassRef",
    ),
}


@pytest.mark.parametrize("encryption", [None, EncryptionForm()])
@pytest.mark.parametrize("case", NOT_BY_THE_SCHEMA)
def test_what_the_schema_refuses_is_no_alarm_and_named(case: str, encryption: EncryptionForm | None) -> None:
    change, named = NOT_BY_THE_SCHEMA[case]
    with pytest.raises(SignInRejected, match=f"shape: not what SAML's XML schema allows: .*{named}") as refusal:
        arrive(answer(Form(change=change, encryption=encryption)), company())
    assert not isinstance(refusal.value, VerifiersDisagree)
    assert "{" not in refusal.value.detail
