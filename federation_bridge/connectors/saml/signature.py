"""The structure of one XML Signature: what it says it covers and how, looked at before any key is tried."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass

from lxml import etree

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.names import ds
from federation_bridge.connectors.saml.octets import octets_of
from federation_bridge.connectors.saml.policy import Policy
from federation_bridge.errors import SignInRejected
from federation_bridge.shown_text import quoted

_INCLUSIVE = f"{{{names.EXCLUSIVE_C14N}}}InclusiveNamespaces"

_BASE64 = frozenset(ds(name) for name in ("X509Certificate", "X509SKI", "Modulus", "Exponent"))
_INTEGER = re.compile(r"[ \t\r\n]*[+-]?[0-9]{1,80}[ \t\r\n]*", re.ASCII)

EMPTY_DIGESTS = frozenset(
    base64.b64decode(text)
    for text in (
        "2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb",
        "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
    )
)
"""Digests of nothing at all (SHA-1, SHA-256, SHA-384, SHA-512): such a signature would fit any content for ever."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One `ds:Signature`, taken apart; still unverified. Algorithms are of the policy."""

    element: etree._Element
    signed_info: etree._Element
    signature_method: str
    digest_method: str
    digest: bytes
    value: bytes
    info_c14n: str
    info_prefixes: tuple[str, ...]
    content_c14n: str
    content_prefixes: tuple[str, ...]

    @property
    def parent(self) -> etree._Element:
        """The element that the signature stands in, which is also the one that it covers."""
        parent = self.element.getparent()
        if parent is None:
            raise SignInRejected("signature: stands nowhere")
        return parent


def signature_of(element: etree._Element, policy: Policy) -> Signature | None:
    """The signature that is a direct child of `element` and covers exactly it; None if there is none.

    `element` has the closed shape already (one SignedInfo, one Reference, no Object). Raises SignInRejected.
    """
    found = element.find(ds("Signature"))
    if found is None:
        return None
    _check_key_info(found)
    info = _child(found, "SignedInfo")
    reference = _child(info, "Reference")
    if reference.get("URI") != f"#{element.get('ID')}":
        told = f"covers {quoted(reference.get('URI'))} and stands in {quoted(element.get('ID'))}"
        raise SignInRejected(f"signature: covers something else than its parent: it {told}")
    if reference.get("Type") not in (None, "http://www.w3.org/2000/09/xmldsig#Object"):
        raise SignInRejected(f"signature: a Reference of the special type {quoted(reference.get('Type'))}")
    transforms = list(_child(reference, "Transforms"))
    content_c14n = _content_c14n(transforms, policy)
    info_c14n = _child(info, "CanonicalizationMethod")
    return Signature(
        element=found,
        signed_info=info,
        signature_method=_known(_child(info, "SignatureMethod"), policy.signature_methods),
        digest_method=_known(_child(reference, "DigestMethod"), policy.digest_methods),
        digest=_digest(reference),
        value=_octets(_child(found, "SignatureValue")),
        info_c14n=_known(info_c14n, policy.canonicalizations),
        info_prefixes=_prefixes(info_c14n, policy),
        content_c14n=content_c14n,
        content_prefixes=_prefixes(transforms[-1], policy),
    )


def _content_c14n(transforms: list[etree._Element], policy: Policy) -> str:
    # Exactly these two in this order: every other transform changes what was signed into something else.
    algorithms = [transform.get("Algorithm") for transform in transforms]
    if len(algorithms) != 2 or algorithms[0] != names.ENVELOPED or len(transforms[0]):  # noqa: PLR2004 - the two
        told = ", ".join(quoted(algorithm, 120) for algorithm in algorithms)
        raise SignInRejected(
            f"signature: transforms {told}; exactly enveloped-signature and exclusive C14N are accepted"
        )
    return _known(transforms[1], policy.canonicalizations)


def _known(element: etree._Element, known: Collection[str]) -> str:
    algorithm = element.get("Algorithm", "")
    if algorithm not in known:
        what = etree.QName(element).localname
        taken = ", ".join(sorted(known))
        raise SignInRejected(
            f"signature: algorithm {quoted(algorithm, 120)} of {what} is not accepted; these are: {taken}"
        )
    return str(algorithm)


def _prefixes(element: etree._Element, policy: Policy) -> tuple[str, ...]:
    inclusive = element.find(_INCLUSIVE)
    if inclusive is None:
        return ()
    words = tuple((inclusive.get("PrefixList") or "").split(" "))
    if len(words) > policy.limits.prefix_list:
        raise SignInRejected(f"signature: a long PrefixList: {len(words)} words, {policy.limits.prefix_list} at most")
    return tuple(word for word in words if word)


def _digest(reference: etree._Element) -> bytes:
    digest = _octets(_child(reference, "DigestValue"))
    if digest in EMPTY_DIGESTS:
        raise SignInRejected("signature: the digest of nothing")
    return digest


def _octets(element: etree._Element) -> bytes:
    try:
        octets = octets_of(element.text or "")
    except ValueError:
        octets = b""
    if not octets:
        raise SignInRejected("signature: an empty value or one that is not plain base64")
    return octets


def _check_key_info(signature: etree._Element) -> None:
    # What KeyInfo says is never used; but it may not lead elsewhere or carry what only encryption knows.
    for element in signature.iterfind(ds("KeyInfo") + "/*"):
        if element.tag not in (ds("X509Data"), ds("KeyName"), ds("KeyValue")):
            raise SignInRejected("signature: KeyInfo points elsewhere")
    for element in signature.iterfind(ds("KeyInfo") + "//*"):
        if element.tag in _BASE64:
            _octets(element)
        elif element.tag == ds("X509SerialNumber") and not _INTEGER.fullmatch(element.text or ""):
            raise SignInRejected("signature: a serial number that is no number")


def _child(element: etree._Element, name: str) -> etree._Element:
    child = element.find(ds(name))
    if child is None:
        raise SignInRejected(f"signature: no {name}")
    return child
