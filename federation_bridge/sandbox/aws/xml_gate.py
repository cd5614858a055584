"""The structural gate: from bytes to a tree in which nothing ambiguous or costly is left, before any cryptography.

A cryptographic library digests, fetches and expands what a message tells it to, before it looks at a signature. So
no library but the parser sees a document that has not passed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

MAX_BYTES = 100_000
_MAX_ELEMENTS = 5_000
_MAX_DEPTH = 24
_MAX_ATTRIBUTES = 32
_MAX_NAMESPACES = 64
_ID_NAMES = frozenset({"ID", "Id", "id", "AssertionID", "{http://www.w3.org/XML/1998/namespace}id"})
_FORBIDDEN = re.compile(rb"<!(?!\[CDATA\[)|<\?(?!xml[ \t\r\n])|\x00")
_DECLARED_ENCODING = re.compile(r"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']+)[\"']")


class Unreadable(ValueError):
    """A document that does not pass the gate; the message says why."""


def read_document(data: bytes, *, max_bytes: int = MAX_BYTES, is_metadata: bool = False) -> etree._Element:
    """The root of a document that passed the gate; Unreadable otherwise.

    Metadata may carry comments, which are dropped, as nothing in it is signed here; a message may not.
    """
    if len(data) > max_bytes:
        raise Unreadable("more bytes than any honest sender needs")
    text = _text(data)
    if not is_metadata and _FORBIDDEN.search(data):
        raise Unreadable("a document type, comment or processing instruction")
    if is_metadata and re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise Unreadable("a document type")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=is_metadata,
        remove_pis=is_metadata,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        raise Unreadable(f"not well-formed: {problem}") from None
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise Unreadable("a document type")
    _walk(root, max_elements=_MAX_ELEMENTS * (100 if is_metadata else 1))
    return root


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("not UTF-8") from None
    declared = _DECLARED_ENCODING.match(text)
    if declared and declared[1].lower() not in ("utf-8", "utf8"):
        raise Unreadable("declares another encoding than UTF-8")
    return text


def _walk(root: etree._Element, *, max_elements: int) -> None:
    seen: set[str] = set()
    namespaces: set[tuple[str | None, str]] = set()
    for elements, (element, depth) in enumerate(_descend(root), 1):
        if not isinstance(element.tag, str):
            raise Unreadable("a comment, processing instruction or entity")
        if elements > max_elements or depth > _MAX_DEPTH or len(element.attrib) > _MAX_ATTRIBUTES:
            raise Unreadable("too many elements, levels or attributes")
        if len(element.nsmap) > _MAX_NAMESPACES:
            raise Unreadable("too many namespaces")
        namespaces.update(element.nsmap.items())
        for name in _ID_NAMES.intersection(map(str, element.attrib)):
            value = str(element.attrib[name])
            if value in seen:
                raise Unreadable("an identifier stands twice")
            seen.add(value)
    if len(namespaces) > _MAX_NAMESPACES:
        raise Unreadable("too many namespaces")


def _descend(root: etree._Element) -> Iterator[tuple[etree._Element, int]]:
    waiting = [(root, 1)]
    while waiting:
        element, depth = waiting.pop()
        yield element, depth
        waiting.extend((child, depth + 1) for child in element)
