"""Encrypted assertions, by libxmlsec."""

from __future__ import annotations

import xmlsec
from lxml import etree

from federation_bridge.sandbox.identity_provider.saml_message.names import (
    ASSERTION,
    SHA256,
    SIGNATURE,
    XMLENC_1_1,
    Encryption,
    KeyTransport,
)


def encrypt(
    assertion: etree._Element,
    certificate_pem: str,
    encryption: Encryption = "aes256-gcm",
    *,
    transport: KeyTransport = "oaep-mgf1p",
) -> etree._Element:
    """Puts an EncryptedAssertion in the place of `assertion` and gives it: AES as asked for, key by RSA-OAEP."""
    cipher, bits = {
        "aes256-gcm": (xmlsec.Transform.AES256_GCM, 256),
        "aes128-gcm": (xmlsec.Transform.AES128_GCM, 128),
        "aes256-cbc": (xmlsec.Transform.AES256, 256),
        "aes128-cbc": (xmlsec.Transform.AES128, 128),
    }[encryption]
    response = assertion.getparent()
    if response is None:
        raise ValueError("an assertion is encrypted within its Response")
    wrapper = etree.Element(f"{{{ASSERTION}}}EncryptedAssertion")
    # Alone, as written here: the plaintext must declare every namespace that it uses, whatever stands around it.
    alone = etree.fromstring(etree.tostring(assertion, with_tail=False))
    data = xmlsec.template.encrypted_data_create(alone, cipher, type=xmlsec.EncryptionType.ELEMENT, ns="xenc")
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    wrapped_key = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(wrapped_key)
    _name_transport(wrapped_key, transport)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(certificate_pem.encode(), xmlsec.KeyFormat.CERT_PEM))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, bits, xmlsec.KeyDataType.SESSION)
    encrypted = context.encrypt_xml(data, alone)
    response.replace(assertion, wrapper)
    wrapper.append(encrypted)
    return wrapper


def _name_transport(wrapped_key: etree._Element, transport: KeyTransport) -> None:
    method = wrapped_key[0]
    if transport == "oaep-mgf1p":
        return
    etree.SubElement(method, f"{{{SIGNATURE}}}DigestMethod", Algorithm=SHA256)
    if transport == "oaep-sha256-mgf1-sha256":
        method.set("Algorithm", f"{XMLENC_1_1}rsa-oaep")
        etree.SubElement(method, f"{{{XMLENC_1_1}}}MGF", Algorithm=f"{XMLENC_1_1}mgf1sha256")
