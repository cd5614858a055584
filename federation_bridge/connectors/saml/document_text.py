"""Metadata as text: which encoding it is in, decided as XML 1.0 says (appendix F), before the gate sees any of it.

An administrator cannot change what a provider publishes: ADFS and Entra ID write a byte order mark, Windows tools write
UTF-16. The gate goes on to see UTF-8 and nothing else, and so also sees a DOCTYPE that other octets would have hidden
from it (attack A07). Messages never come here: of them we take UTF-8 alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from federation_bridge.errors import ConfigurationInvalid

_DECLARATION = re.compile(
    r"<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?P<q1>[\"'])1\.0(?P=q1)"
    r"[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?P<q2>[\"'])(?P<encoding>[A-Za-z][A-Za-z0-9._-]{0,40})(?P=q2)"
    r"(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?P<q3>[\"'])(?:yes|no)(?P=q3))?[ \t\r\n]*\?>"
)


@dataclass(frozen=True, slots=True)
class _Family:
    """What the first octets tell: how the declaration is to be read, and what it may say then (XML 1.0 4.3.3)."""

    mark: bytes
    reading: str
    """The codec with which the declaration can be read, whatever follows."""
    may_declare: dict[str, str]
    """Names of encodings that fit these octets, in lower case, and the codec of each."""
    undeclared: str
    """The codec where nothing is declared; "" where something must be."""
    name: str


_UTF_8 = {"utf-8": "utf-8"}
_LIKE_ASCII = {**_UTF_8, "us-ascii": "ascii", "iso-8859-1": "latin-1"}
_LITTLE = {"utf-16": "utf-16-le", "utf-16le": "utf-16-le"}
_BIG = {"utf-16": "utf-16-be", "utf-16be": "utf-16-be"}

_FAMILIES = (
    _Family(b"\xff\xfe\0\0", "", {}, "", "UTF-32"),
    _Family(b"\0\0\xfe\xff", "", {}, "", "UTF-32"),
    _Family(b"\xef\xbb\xbf", "utf-8", _UTF_8, "utf-8", "UTF-8 with a byte order mark"),
    _Family(b"\xff\xfe", "utf-16-le", _LITTLE, "utf-16-le", "UTF-16, little end first"),
    _Family(b"\xfe\xff", "utf-16-be", _BIG, "utf-16-be", "UTF-16, big end first"),
)
"""Known by a byte order mark; the longer marks first."""
_UNMARKED = (
    _Family(b"<\0", "utf-16-le", _LITTLE, "", "UTF-16, little end first, without a byte order mark"),
    _Family(b"\0<", "utf-16-be", _BIG, "", "UTF-16, big end first, without a byte order mark"),
    _Family(b"", "latin-1", _LIKE_ASCII, "utf-8", "one octet for each ASCII character"),
)
_LONGEST_DECLARATION = 400
"""Octets."""
_WITHOUT_ENCODING = '<?xml version="1.0"?>'


def metadata_text(octets: bytes) -> str:
    """The text of an XML document that a provider publishes, without mark and without the name of an encoding.

    Taken: UTF-8, UTF-16, US-ASCII and ISO-8859-1; a byte order mark decides first, then the declaration, then it is
    UTF-8. ConfigurationInvalid for any other encoding, where octets and declaration contradict each other, and where
    the octets are not what they say.
    """
    family = next(one for one in (*_FAMILIES, *_UNMARKED) if octets.startswith(one.mark))
    if not family.reading:
        raise ConfigurationInvalid(f"metadata: is in {family.name}; taken are {_taken()}")
    body = octets[len(family.mark) :] if family in _FAMILIES else octets
    head = body[:_LONGEST_DECLARATION].decode(family.reading, "replace")
    declaration = _DECLARATION.match(head)
    codec = family.undeclared if declaration is None else _declared(declaration["encoding"], family)
    if not codec:
        raise ConfigurationInvalid(f"metadata: is in {family.name}, and does not declare it")
    try:
        text = body.decode(codec)
    except UnicodeDecodeError as problem:
        raise ConfigurationInvalid(f"metadata: is not in {codec} from octet {problem.start} on") from None
    # What is declared is true of the octets that came, and the gate gets others. A declaration stays in its place: else
    # a second one behind it would look like the first.
    return text if declaration is None else _WITHOUT_ENCODING + text[declaration.end() :]


def _declared(name: str, family: _Family) -> str:
    codec = family.may_declare.get(name.lower())
    if codec is None:
        known = {known for one in (*_FAMILIES, *_UNMARKED) for known in one.may_declare}
        if name.lower() not in known:
            raise ConfigurationInvalid(f"metadata: declares the encoding {name!r}; taken are {_taken()}")
        raise ConfigurationInvalid(f"metadata: declares the encoding {name!r}, but its octets are {family.name}")
    return codec


def _taken() -> str:
    return "UTF-8, UTF-16, US-ASCII and ISO-8859-1"
