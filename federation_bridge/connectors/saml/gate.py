"""The first stage: bytes and structure, before any cryptography sees the message.

`decoded` and `parsed` hold for every XML that we are given (Responses, metadata, decrypted assertions); `admit` is the
gate of the assertion consumer service. Refused here: what could make two readers see two documents, what costs more
than a sign-in is worth, and every place where a second assertion or signature might hide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from lxml import etree

from federation_bridge.connectors.not_assigned import tells_not_assigned
from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.names import saml, samlp
from federation_bridge.connectors.saml.octets import is_xml_blank, octets_of
from federation_bridge.connectors.saml.policy import Limits, Policy
from federation_bridge.connectors.saml.shape import check_shape
from federation_bridge.connectors.saml.shapes import ASSERTION_SHAPES, RESPONSE_SHAPES
from federation_bridge.connectors.saml.signature import Signature, signature_of
from federation_bridge.errors import (
    InteractionRequired,
    NotAssigned,
    NotAuthenticatedAsAsked,
    RequestMismatch,
    SignInDeclined,
    SignInRejected,
)
from federation_bridge.model import Callback
from federation_bridge.shown_text import quoted, shown

_FORM = "application/x-www-form-urlencoded"
_KINDS: dict[str, type[SignInRejected]] = {
    names.NO_AUTHN_CONTEXT: NotAuthenticatedAsAsked,
    names.NO_PASSIVE: InteractionRequired,
    names.AUTHN_FAILED: SignInDeclined,
    names.REQUEST_DENIED: SignInDeclined,
    names.REQUEST_UNSUPPORTED: RequestMismatch,
    names.UNSUPPORTED_BINDING: RequestMismatch,
    names.INVALID_NAMEID_POLICY: RequestMismatch,
}
"""Second-level codes (SAML core 3.2.2.2) on which more than words hang."""
_DECLARATION = re.compile(
    rb"<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*([\"'])1\.0\1"
    rb"(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*([\"'])(?i:utf-8)\2)?"
    rb"(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*([\"'])(?:yes|no)\3)?[ \t\r\n]*\?>"
)
_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:")  # RFC 3986 3.1
_NAMESPACE_DECLARATION = re.compile(rb"xmlns(?::([^\s=:<>\"'&]+))?\s*=\s*[\"']([^\"'<]{0,512})")


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message whose structure is in order. Nothing in it is verified yet, so nothing in it may be believed."""

    response: etree._Element
    assertion: etree._Element | None
    """None: `encrypted` holds it."""
    encrypted: etree._Element | None
    response_signature: Signature | None
    assertion_signature: Signature | None


def form_value(callback: Callback, field: str = "SAMLResponse") -> str:
    """The one message in `field` that was posted as an ordinary form (SAML bindings 3.5); SignInRejected otherwise."""
    if callback.method != "POST":
        raise SignInRejected(f"form: a Response arrives by POST only, and this came by {quoted(callback.method, 20)}")
    if callback.content_type.partition(";")[0].strip().lower() != _FORM:
        raise SignInRejected(f"form: of type {quoted(callback.content_type, 80)}, not {_FORM}")
    names_given = [name for name, _ in (*callback.query, *callback.form)]
    if any(name.startswith(("SAMLResponse", "SAMLRequest")) for name, _ in callback.query):
        raise SignInRejected("form: a SAML message in the address")
    values = [value for name, value in callback.form if name == field]
    if len(values) != 1 or sum(name.startswith("SAML") for name in names_given) != 1:
        raise SignInRejected(f"form: {len(values)} {field} fields, or other SAML fields beside it")
    return values[0]


def decoded(value: str, limits: Limits) -> bytes:
    """The bytes that this base64 text stands for: canonical, only line breaks and blanks left out."""
    if len(value) > limits.message_bytes * 3 // 2:
        raise SignInRejected(
            f"bytes: {len(value)} characters are too large; at most {limits.message_bytes} bytes are read"
        )
    try:
        return octets_of(value.replace("\t", "?"))  # no form has one
    except ValueError as problem:
        raise SignInRejected(f"bytes: {problem}") from None


def parsed(message: bytes, limits: Limits, *, with_comments: bool = False) -> etree._Element:
    """The root of the one UTF-8 document in `message`, with no document type, instruction or foreign encoding.

    `with_comments`: comments are left out of the tree; otherwise they refuse the message. Raises SignInRejected.
    """
    if not message or len(message) > limits.message_bytes:
        raise SignInRejected(f"bytes: {len(message)} bytes, where 1 to {limits.message_bytes} are read")
    _check_text(message, with_comments=with_comments)
    _check_namespaces(message, limits)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=with_comments,
        remove_pis=False,
    )
    try:
        root = etree.fromstring(message, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        raise SignInRejected(f"bytes: not one XML document: {quoted(problem)}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise SignInRejected("bytes: a document type")
    if root.getprevious() is not None or root.getnext() is not None:
        raise SignInRejected("bytes: something beside the root element")
    return root


def parsed_in_scope(plaintext: bytes, prefixes: Mapping[str | None, str], limits: Limits) -> etree._Element:
    """The one element in `plaintext`, parsed within nothing but these namespace declarations; SignInRejected."""
    declared = "".join(
        f" xmlns{f':{prefix}' if prefix else ''}={quoteattr(uri)}"
        for prefix, uri in prefixes.items()
        if prefix != "xml"
    )
    scope = parsed(b"<scope" + declared.encode() + b">" + plaintext + b"</scope>", limits)
    beside = (scope.text or "") + (scope[0].tail or "" if len(scope) else "")
    if len(scope) != 1 or not is_xml_blank(beside) or not isinstance(scope[0].tag, str):
        raise SignInRejected("gate: what was encrypted is not one element alone")
    return scope[0]


def _check_text(message: bytes, *, with_comments: bool) -> None:
    try:
        message.decode("utf-8")
    except UnicodeDecodeError:
        raise SignInRejected("bytes: not UTF-8") from None
    if b"\0" in message or message.startswith(b"\xef\xbb\xbf"):
        raise SignInRejected("bytes: NUL or byte order mark")
    declaration = _DECLARATION.match(message)
    if b"<?" in message[declaration.end() if declaration else 0 :]:
        raise SignInRejected("bytes: a processing instruction, or a declaration that is not XML 1.0 in UTF-8")
    # Also within CDATA or a text: no honest message has these, and no reader shall have to tell the cases apart.
    if b"<!DOCTYPE" in message or b"<!ENTITY" in message or (b"<!--" in message and not with_comments):
        raise SignInRejected("bytes: a document type, entity or comment")


def _check_namespaces(message: bytes, limits: Limits) -> None:
    # Canonicalization costs more than the square of the namespaces in scope, so they are counted before it. A name
    # cannot be written with references, so each declaration is found; a text that looks like one counts too.
    declarations = set(_NAMESPACE_DECLARATION.findall(message))
    if len({prefix for prefix, _ in declarations}) > limits.prefixes:
        raise SignInRejected(f"bytes: more than {limits.prefixes} namespace prefixes")
    uris = {uri for _, uri in declarations}
    if len(uris) > limits.namespaces:
        raise SignInRejected(f"bytes: more than {limits.namespaces} namespaces")
    for uri in uris:
        _check_namespace(uri)


def _check_namespace(uri: bytes) -> None:
    # A relative or non-ASCII namespace name makes canonicalization fail, and a failure that somebody takes for an
    # empty text makes one signature fit any content ("void canonicalization").
    if uri and (not uri.isascii() or b"&" in uri or not _SCHEME.match(uri)):
        name = quoted(uri.decode(errors="replace"), 120)
        raise SignInRejected(f"bytes: the namespace name {name} is not an absolute URI in ASCII")


def admit(message: bytes, policy: Policy) -> Admitted:
    """The Response in `message` if its structure is what SAML lets a sign-in look like; SignInRejected otherwise."""
    response = parsed(message, policy.limits)
    if response.tag != samlp("Response"):
        raise SignInRejected(f"gate: the message is no Response but {quoted(response.tag, 120)}")
    _check_status(response)
    check_shape(response, RESPONSE_SHAPES, policy.limits)
    _check_head(response)
    assertion, encrypted = response.find(saml("Assertion")), response.find(saml("EncryptedAssertion"))
    if assertion is not None:
        _check_head(assertion)
    return Admitted(
        response,
        assertion,
        encrypted,
        signature_of(response, policy),
        None if assertion is None else signature_of(assertion, policy),
    )


def admit_assertion(
    plaintext: bytes, prefixes: Mapping[str | None, str], policy: Policy
) -> tuple[etree._Element, Signature | None]:
    """The one assertion that was encrypted, through the same gate as what everybody could see.

    `prefixes`: the namespaces in scope where the ciphertext stood, of which the plaintext may make use (XML Encryption
    4.4). Nothing else of that document is there when the plaintext is parsed.
    """
    assertion = parsed_in_scope(plaintext, prefixes, policy.limits)
    if assertion.tag != saml("Assertion"):
        raise SignInRejected(f"gate: what was encrypted is no Assertion but {quoted(assertion.tag, 120)}")
    check_shape(assertion, ASSERTION_SHAPES, policy.limits)
    _check_head(assertion)
    return assertion, signature_of(assertion, policy)


def _kind_of(codes: list[str], message: str) -> type[SignInRejected]:
    """What an error Response tells its reader, by its status codes (SAML core 3.2.2.2) and its words."""
    if tells_not_assigned(message):
        return NotAssigned
    known = next((_KINDS[code] for code in codes[1:] if code in _KINDS), None)
    if known is SignInDeclined and codes[0] == names.REQUESTER and codes[1] == names.REQUEST_DENIED:
        # The provider blames our request: Google says so where another address is registered for us.
        return RequestMismatch
    return known or SignInRejected


def _check_head(element: etree._Element) -> None:
    if element.get("Version") != "2.0":
        raise SignInRejected(f"gate: Version is {quoted(element.get('Version'), 20)}, and 2.0 is expected")
    if not element.get("ID"):
        raise SignInRejected("gate: no ID")


def _check_status(response: etree._Element) -> None:
    """Refuses an error Response in its own words. They are unsigned: they may refuse, and never grant."""
    for status in response.iterchildren(samlp("Status")):
        codes = [str(code.get("Value", "")) for code in status.iter(samlp("StatusCode"))]
        if codes[:1] != [names.SUCCESS]:
            message = status.findtext(samlp("StatusMessage")) or ""
            told = " / ".join(shown(code.rpartition(":")[2][:80], "?") for code in codes[:4])
            raise _kind_of(codes, message)(f"status: {told}: {quoted(message, 300)}")
