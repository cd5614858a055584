"""Every legal way of writing, signing and encrypting an answer that our stages let in: a provider that varies its form.

Signed and encrypted by `cryptography`, not by libxmlsec, which is one of the two that are compared with these forms.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID
from lxml import etree
from saml_factories import NOW, key_ring, message
from saml_form_keys import company_key

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.ciphers import OAEP_DIGESTS, OAEP_MASKS
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.signing import Purpose

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Change = Callable[[etree._Element], None]


@lru_cache
def signer_with(key: PrivateKey) -> made.Signer:
    """The key with a certificate of its own, as metadata would publish it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A provider")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW.replace(year=2020))
        .not_valid_after(NOW.replace(year=2040))
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.Signer(key.private_bytes(*form), certificate.public_bytes(serialization.Encoding.PEM).decode())


# ---------------------------------------------------------------------------------------------------- signatures


def _by_rsa(algorithm: hashes.HashAlgorithm) -> Callable[[Any, bytes], bytes]:
    return lambda key, data: bytes(key.sign(data, padding.PKCS1v15(), algorithm))


def _by_ecdsa(algorithm: hashes.HashAlgorithm) -> Callable[[Any, bytes], bytes]:
    def sign(key: Any, data: bytes) -> bytes:
        half = (key.curve.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(algorithm)))
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")

    return sign


SIGNS: Mapping[str, Callable[[Any, bytes], bytes]] = {
    names.RSA_SHA256: _by_rsa(hashes.SHA256()),
    names.RSA_SHA384: _by_rsa(hashes.SHA384()),
    names.RSA_SHA512: _by_rsa(hashes.SHA512()),
    names.ECDSA_SHA256: _by_ecdsa(hashes.SHA256()),
    names.ECDSA_SHA384: _by_ecdsa(hashes.SHA384()),
    names.ECDSA_SHA512: _by_ecdsa(hashes.SHA512()),
}
"""How each signature method of the policy signs; a method that joins the policy needs its line here."""


@dataclass(frozen=True, kw_only=True)
class SignatureForm:
    """How a signature is made and written."""

    key: PrivateKey | None = None
    """None: the company's ordinary key."""
    method: str = names.RSA_SHA256
    digest: str = names.SHA256
    info_prefixes: str | None = None
    """PrefixList of the InclusiveNamespaces in CanonicalizationMethod; None: it is not there."""
    content_prefixes: str | None = None
    """The same of the exclusive canonicalization among the transforms."""
    key_info: str = ""
    """What stands in KeyInfo, as XML; empty: there is no KeyInfo."""
    prefix: str = "ds:"
    identifier: str = ""
    """A start for the Ids of Signature, SignedInfo, Reference, SignatureValue and KeyInfo; empty: they have none."""
    reference_type: str = ""
    wrap: str = ""
    """What stands around and between the parts of base64 values."""


def _inclusive(prefixes: str | None) -> str:
    if prefixes is None:
        return ""
    return f'<ec:InclusiveNamespaces xmlns:ec="{names.EXCLUSIVE_C14N}" PrefixList="{prefixes}"/>'


def wrapped(octets: bytes, wrap: str) -> str:
    """The base64 of these octets, in lines of 64 characters with `wrap` around each where it is not empty."""
    text = base64.b64encode(octets).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)] if wrap else [text]
    return wrap + wrap.join(lines) + wrap


def _canonical(element: etree._Element, prefixes: str | None) -> bytes:
    return POLICY.canonicalizations[names.EXCLUSIVE_C14N](element, (prefixes or "").split())


def _digest(algorithm: str, octets: bytes) -> bytes:
    return hashlib.new(POLICY.digest_methods[algorithm]().name, octets).digest()


def sign(element: etree._Element, form: SignatureForm) -> None:
    """Signs `element` in place, the signature after its Issuer."""
    digest = wrapped(_digest(form.digest, _canonical(element, form.content_prefixes)), form.wrap)
    p = form.prefix
    ids = {part: f' Id="{form.identifier}{part}"' if form.identifier else "" for part in "sirvk"}
    kind = f' Type="{form.reference_type}"' if form.reference_type else ""
    declared = f'xmlns{":" if p else ""}{p.rstrip(":")}="{names.SIGNATURE}"'
    key_info = f"<{p}KeyInfo{ids['k']}>{form.key_info}</{p}KeyInfo>" if form.key_info else ""
    signature = etree.fromstring(
        f"<{p}Signature {declared}{ids['s']}><{p}SignedInfo{ids['i']}>"
        f'<{p}CanonicalizationMethod Algorithm="{names.EXCLUSIVE_C14N}">{_inclusive(form.info_prefixes)}'
        f'</{p}CanonicalizationMethod><{p}SignatureMethod Algorithm="{form.method}"/>'
        f'<{p}Reference{ids["r"]} URI="#{element.get("ID")}"{kind}><{p}Transforms>'
        f'<{p}Transform Algorithm="{names.ENVELOPED}"/>'
        f'<{p}Transform Algorithm="{names.EXCLUSIVE_C14N}">{_inclusive(form.content_prefixes)}</{p}Transform>'
        f'</{p}Transforms><{p}DigestMethod Algorithm="{form.digest}"/><{p}DigestValue>{digest}</{p}DigestValue>'
        f"</{p}Reference></{p}SignedInfo><{p}SignatureValue{ids['v']}/>{key_info}</{p}Signature>"
    )
    element.insert(1, signature)
    info = _canonical(signature[0], form.info_prefixes)
    signature[1].text = wrapped(SIGNS[form.method](form.key or company_key(), info), form.wrap)


# ---------------------------------------------------------------------------------------------------- encryption


def _gcm(key: bytes, plaintext: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, None)


def _cbc(key: bytes, plaintext: bytes) -> bytes:
    vector, short = os.urandom(16), 16 - len(plaintext) % 16
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return vector + encryptor.update(plaintext + bytes(short - 1) + bytes([short])) + encryptor.finalize()


def ciphers() -> dict[str, tuple[int, Callable[[bytes, bytes], bytes]]]:
    """Key length and encryption for each content cipher of the policy; KeyError for one that has no line here."""
    how = {"gcm": _gcm, "cbc": _cbc}
    known = {**POLICY.encryption.ciphers, **POLICY.encryption.under_signature}
    return {uri: (cipher.key_bytes, how[uri.rpartition("-")[2]]) for uri, cipher in known.items()}


Place = Literal["within", "beside", "beside, no KeyInfo", "retrieved", "retrieved, no Type"]


@dataclass(frozen=True, kw_only=True)
class EncryptionForm:
    """How an assertion is encrypted and written."""

    cipher: str = names.ENCRYPTION_11 + "aes256-gcm"
    transport: str = names.ENCRYPTION + "rsa-oaep-mgf1p"
    digest: str | None = None
    mask: str | None = None
    certificates: tuple[str, ...] = ()
    """PEM of those who can open it, in order; none: our current certificate."""
    place: Place = "within"
    prefixes: tuple[str, str, str] = ("saml:", "xenc:", "ds:")
    """Of assertion, XML Encryption and XML Signature; "": the default namespace."""
    extra: bool = False
    """Whether everything stands there that XML Encryption lets stand and nobody uses."""
    wrap: str = ""
    plaintext: Callable[[bytes], bytes] = bytes
    """What is encrypted instead of the assertion as it stands alone."""


def _declared(prefix: str, namespace: str) -> str:
    return f'xmlns{":" if prefix else ""}{prefix.rstrip(":")}="{namespace}"'


def _encrypted_key(form: EncryptionForm, content_key: bytes, certificate_pem: str, at: int) -> str:
    _, e, d = form.prefixes
    public = x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    digest = OAEP_DIGESTS[form.digest]() if form.digest else hashes.SHA1()
    mask = OAEP_MASKS[form.mask]() if form.mask else hashes.SHA1()
    value = public.encrypt(content_key, padding.OAEP(padding.MGF1(mask), digest, None))
    parts = (
        "" if form.digest is None else f'<{d}DigestMethod {_declared(d, names.SIGNATURE)} Algorithm="{form.digest}"/>'
    )
    if form.mask is not None:
        parts += f'<m:MGF xmlns:m="{names.ENCRYPTION_11}" Algorithm="{form.mask}"/>'
    size = f"<{e}KeySize>2048</{e}KeySize>" if form.extra else ""
    more = ' Recipient="us" Type="http://www.w3.org/2001/04/xmlenc#EncryptedKey" MimeType="a/b"' if form.extra else ""
    info = f"<{d}KeyInfo {_declared(d, names.SIGNATURE)}><{d}KeyName>us</{d}KeyName></{d}KeyInfo>" if form.extra else ""
    listed = f'<{e}ReferenceList><{e}DataReference URI="#data"/></{e}ReferenceList>' if form.extra else ""
    return (
        f'<{e}EncryptedKey {_declared(e, names.ENCRYPTION)} Id="key{at}"{more}>'
        f'<{e}EncryptionMethod Algorithm="{form.transport}">{size}{parts}</{e}EncryptionMethod>{info}'
        f"<{e}CipherData><{e}CipherValue>{wrapped(value, form.wrap)}</{e}CipherValue></{e}CipherData>{listed}"
        f"</{e}EncryptedKey>"
    )


def _key_info(form: EncryptionForm, keys: str) -> str:
    _, _, d = form.prefixes
    kind = "" if form.place.endswith("no Type") else f' Type="{names.ENCRYPTION}EncryptedKey"'
    held = {
        "within": keys,
        "beside": f"<{d}KeyName>us</{d}KeyName>",
        "beside, no KeyInfo": "",
    }.get(form.place, f'<{d}RetrievalMethod URI="#key0"{kind}/>')
    return f"<{d}KeyInfo {_declared(d, names.SIGNATURE)}>{held}</{d}KeyInfo>" if held else ""


def encrypt(assertion: etree._Element, form: EncryptionForm) -> None:
    """Puts an EncryptedAssertion in the place of `assertion`."""
    length, how = ciphers()[form.cipher]
    content_key = os.urandom(length)
    alone = form.plaintext(etree.tostring(assertion, with_tail=False))
    a, e, _ = form.prefixes
    certificates = form.certificates or (key_ring().current(Purpose.DECRYPTION).certificate_pem,)
    keys = "".join(_encrypted_key(form, content_key, one, at) for at, one in enumerate(certificates))
    more = ' Id="data" MimeType="text/xml"' if form.extra else ""
    size = f"<{e}KeySize>{length * 8}</{e}KeySize>" if form.extra else ""
    wrapper = etree.fromstring(
        f"<{a}EncryptedAssertion {_declared(a, names.ASSERTION)}>"
        f'<{e}EncryptedData {_declared(e, names.ENCRYPTION)} Type="{names.ENCRYPTION}Element"{more}>'
        f'<{e}EncryptionMethod Algorithm="{form.cipher}">{size}</{e}EncryptionMethod>{_key_info(form, keys)}'
        f"<{e}CipherData><{e}CipherValue>{wrapped(how(content_key, alone), form.wrap)}</{e}CipherValue>"
        f"</{e}CipherData></{e}EncryptedData>{'' if form.place == 'within' else keys}</{a}EncryptedAssertion>"
    )
    parent = assertion.getparent()
    assert parent is not None
    parent.replace(assertion, wrapper)


# --------------------------------------------------------------------------------------------------- the message


@dataclass(frozen=True, kw_only=True)
class Form:
    """One way to write one answer."""

    assertion: SignatureForm | None = SignatureForm()
    response: SignatureForm | None = None
    encryption: EncryptionForm | None = None
    change: Change | None = None
    """What is changed in the tree before anything is signed."""
    declared: str = ""
    """A namespace declaration more on the Response."""
    written: Callable[[bytes], bytes] | None = None
    """What is changed in the bytes where nothing that is signed changes by it."""
    style: made.Style = "okta"
    told: Mapping[str, Any] | None = None
    """What the message tells otherwise than the ordinary one."""
    subject: str = "NameID"
    """The connection's setting."""


def answer(form: Form) -> bytes:
    """The bytes of an honest answer in this form."""
    told = message(style=form.style, **(form.told or {}))
    response = made.unsigned_tree(told)
    if form.change is not None:
        form.change(response)
    octets = etree.tostring(response).replace(b"xmlns:", f"{form.declared} xmlns:".encode(), 1)
    response = etree.fromstring(octets)
    assertion = response.find(f"{{{names.ASSERTION}}}Assertion")
    assert assertion is not None
    if form.assertion is not None:
        sign(assertion, form.assertion)
    if form.encryption is not None:
        encrypt(assertion, form.encryption)
    if form.response is not None:
        sign(response, form.response)
    octets = etree.tostring(response)
    return octets if form.written is None else form.written(octets)
