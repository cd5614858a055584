"""Messages in an address (SAML bindings 3.4): signed over the very octets that are sent, compressed, and bounded."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from federation_bridge.connectors.saml.names import RSA_SHA256
from federation_bridge.connectors.saml.octets import octets_of
from federation_bridge.connectors.saml.policy import Policy
from federation_bridge.connectors.saml.verifier import TrustedKey
from federation_bridge.errors import SignInRejected, UnknownSigner
from federation_bridge.shown_text import quoted
from federation_bridge.signing import SigningKey

_SIG_ALG = quote(RSA_SHA256, safe="")
_MOST_QUERY = 32_768
_MOST_INFLATED = 65_536
_NAMES = frozenset({b"SAMLRequest", b"SAMLResponse", b"RelayState", b"SigAlg", b"Signature"})

_WINDOW, _MEMORY = -12, 5
"""Raw deflate over 4 kB, more than a request is long: making room for zlib's usual 32 kB takes four times as long, and
whoever unpacks with the usual window unpacks this too."""


@dataclass(frozen=True, slots=True)
class SignedQuery:
    """A message that came in an address, and whose signature holds."""

    message: bytes
    relay_state: str


def signed_address(location: str, name: str, message: str, relay_state: str, key: SigningKey) -> str:
    """The address that takes this message there; `name`: SAMLRequest or SAMLResponse."""
    packed = zlib.compressobj(wbits=_WINDOW, memLevel=_MEMORY)
    deflated = packed.compress(message.encode()) + packed.flush()
    relayed = f"&RelayState={quote(relay_state, safe='')}" if relay_state else ""
    query = f"{name}={_quoted_base64(deflated)}{relayed}&SigAlg={_SIG_ALG}"
    signed = f"{query}&Signature={_quoted_base64(key.sign(query.encode('ascii')))}"
    return f"{location}{'&' if '?' in location else '?'}{signed}"


def read_signed_query(query: bytes, name: str, keys: Sequence[TrustedKey], policy: Policy) -> SignedQuery:
    """The message in this query, as it came over the wire; SignInRejected, UnknownSigner where it is not believed.

    Each parameter stands once and there is no other one, so what is signed and what is read cannot differ (attack
    B21). An algorithm that we do not know is refused, and never replaced by one that we know.
    """
    parts = _parts(query)
    if name.encode() not in parts or {b"SAMLRequest", b"SAMLResponse"} <= parts.keys():
        raise SignInRejected(f"redirect: not exactly one {name}")
    if b"Signature" not in parts or b"SigAlg" not in parts:
        raise SignInRejected("redirect: the message is not signed")
    covered = [one for one in (name.encode(), b"RelayState", b"SigAlg") if one in parts]
    octets = b"&".join(one + b"=" + parts[one] for one in covered)
    _verify(octets, _text(parts[b"SigAlg"]), _octets(parts[b"Signature"], "signature"), keys, policy)
    return SignedQuery(_inflated(_octets(parts[name.encode()], name)), _text(parts.get(b"RelayState", b"")))


def _parts(query: bytes) -> dict[bytes, bytes]:
    if len(query) > _MOST_QUERY:
        raise SignInRejected(f"redirect: a query of {len(query)} bytes")
    pairs = [part.partition(b"=")[::2] for part in query.split(b"&")]
    found = dict(pairs)
    if len(found) != len(pairs) or not found.keys() <= _NAMES:
        raise SignInRejected("redirect: a parameter that stands twice, or is none of this binding's")
    return found


def _verify(octets: bytes, algorithm: str, signature: bytes, keys: Sequence[TrustedKey], policy: Policy) -> None:
    check = policy.signature_methods.get(algorithm)
    if check is None:
        raise SignInRejected(f"redirect: algorithm {quoted(algorithm, 120)} is not accepted")
    for candidate in keys:
        try:
            check(candidate.key, signature, octets)
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            continue
        return
    raise UnknownSigner("redirect: signed by none of this connection's keys, or changed after it was signed")


def _octets(raw: bytes, what: str) -> bytes:
    try:
        return octets_of(_text(raw))
    except ValueError as problem:
        raise SignInRejected(f"redirect: {what}: {problem}") from None


def _text(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise SignInRejected("redirect: a parameter is not UTF-8") from None


def _inflated(deflated: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(deflated, _MOST_INFLATED)
    except zlib.error:
        raise SignInRejected("redirect: the message is not compressed (DEFLATE)") from None
    if not inflater.eof or inflater.unused_data or inflater.unconsumed_tail:
        raise SignInRejected("redirect: the message is too long, cut off, or something follows it")
    return inflated


def _quoted_base64(octets: bytes) -> str:
    # Only three of its characters mean something else in a query; `quote` would look at each of a thousand.
    text = base64.b64encode(octets).decode("ascii")
    return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
