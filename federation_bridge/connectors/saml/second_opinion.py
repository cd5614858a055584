"""Asks python3-saml about a message that has passed all our stages. It may only ever say no.

It shares the parser with us, and nothing of signature code and semantics. A disagreement, also about who it is and
what is said of them, refuses the sign-in under a name of its own, because one of the two has then been fooled.

It is not asked to decrypt: `_Opened` hands it what our stages decrypted. Encryption proves nothing about who wrote a
message, libxmlsec opens fewer forms than XML Encryption has, and it is given no private key. It judges the ciphertext
where that is signed, and everything in the plaintext (ADR 19).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from lxml import etree
from onelogin.saml2.errors import OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from federation_bridge.connectors.saml.onelogin import at, request_data
from federation_bridge.connectors.saml.response import VerifiedAssertion
from federation_bridge.connectors.saml.validation import Expectation
from federation_bridge.connectors.saml.xml_schema import first_finding
from federation_bridge.errors import SignInRejected, VerifiersDisagree
from federation_bridge.shown_text import quoted

_ENCRYPTED = "/samlp:Response/saml:EncryptedAssertion"


class _Opened(OneLogin_Saml2_Response):  # type: ignore[misc]  # the library ships no types
    """The library's Response, which finds in the place of the EncryptedAssertion what our stages read there."""

    def __init__(self, settings: OneLogin_Saml2_Settings, form_value: str, plaintext: bytes | None) -> None:
        self._plaintext = plaintext
        self._found: dict[tuple[object, ...], Any] = {}
        super().__init__(settings, form_value)

    def _query(self, query: str, tagid: str | None = None) -> Any:
        """What the library's own method gives, found once: the library looks for what was signed before each question,
        and the document does not change in between.
        """
        asked = (self.encrypted, query, tagid)
        if asked not in self._found:
            self._found[asked] = super()._query(query, tagid)
        return self._found[asked]

    def _decrypt_assertion(self, xml: etree._Element) -> etree._Element:
        """`xml`, a copy of the message, decrypted. The message itself keeps the ciphertext, for its own signature."""
        found = OneLogin_Saml2_XML.query(xml, _ENCRYPTED)
        if len(found) != 1 or self._plaintext is None:
            raise ValueError(f"{len(found)} EncryptedAssertions, and our stages opened none of them")
        element = _element_in(self._plaintext, found[0].nsmap)
        # As text: to move an element between trees would rename a prefix whose namespace has another one there, and
        # with it what was signed.
        xml.replace(found[0], etree.Element("opened"))
        before, _, after = etree.tostring(xml).partition(b"<opened/>")
        opened: etree._Element = OneLogin_Saml2_XML.to_etree(before + element + after)
        return opened


def _element_in(plaintext: bytes, prefixes: Mapping[str | None, str]) -> bytes:
    """The one element in this plaintext by itself, by the library's own parser. It may use the namespaces that are in
    scope at its place (XML Encryption 4.4), so they are declared on it.
    """
    declared = "".join(
        f" xmlns{f':{prefix}' if prefix else ''}={quoteattr(uri)}"
        for prefix, uri in prefixes.items()
        if prefix != "xml"
    )
    (element,) = OneLogin_Saml2_XML.to_etree(b"<scope" + declared.encode() + b">" + plaintext + b"</scope>")
    alone: bytes = etree.tostring(element, with_tail=False)
    return alone


def agree(
    form_value: str, verified: VerifiedAssertion, expected: Expectation, settings: OneLogin_Saml2_Settings
) -> None:
    """Passes if python3-saml accepts the same message and reads the same NameID and attributes from it.

    Raises VerifiersDisagree with what it said; a plain SignInRejected where the message only breaks SAML's XML schema:
    that tells nothing of who signed what, and anybody can bring it about in the parts that nobody signs.
    """
    response = None
    try:
        with at(expected.now):
            response = _Opened(settings, form_value, verified.plaintext)
            response.is_valid(request_data(expected.acs_url), expected.request_id, raise_exceptions=True)
            name_id, attributes = response.get_nameid(), response.get_attributes()
    except Exception as problem:
        if response is not None and getattr(problem, "code", None) == OneLogin_Saml2_ValidationError.INVALID_XML_FORMAT:
            raise SignInRejected(f"shape: not what SAML's XML schema allows: {_finding(response)}") from None
        raise VerifiersDisagree(f"second opinion: {type(problem).__name__}: {quoted(problem, 300)}") from None
    assertion = verified.assertion
    if name_id != (assertion.name_id.text if assertion.name_id else None):
        raise VerifiersDisagree("second opinion: reads another NameID")
    if not _are_equal(attributes, assertion.attributes):
        raise VerifiersDisagree("second opinion: reads other attributes")


def _finding(response: _Opened) -> str:
    documents = (response.document, response.decrypted_document)
    return next((told for one in documents if one is not None and (told := first_finding(one))), "")


def _are_equal(theirs: Mapping[str, Sequence[Any]], ours: Mapping[str, Sequence[str]]) -> bool:
    # Mostly they are, to the last character.
    if {name: tuple(values) for name, values in theirs.items()} == ours:
        return True
    return _comparable(theirs) == _comparable(ours)


def _comparable(attributes: Mapping[str, Iterable[Any]]) -> dict[str, list[str]]:
    """Attributes as both can tell them: it trims texts and leaves out blank ones, and we do neither."""
    texts = {name: [_text(value) for value in values] for name, values in attributes.items()}
    return {name: [text for text in values if text] for name, values in texts.items()}


def _text(value: Any) -> str:
    # Its form of a NameID as value (eduPersonTargetedID) is a dict; ours is the text.
    told = value["NameID"]["value"] if isinstance(value, dict) else value
    return str(told or "").strip()
