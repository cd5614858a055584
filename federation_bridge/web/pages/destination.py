"""A console page that a link names, as a person can read it before they press the button that leads there."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

from federation_bridge.shown_text import is_shown_text

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_TURNS_THE_LINE = frozenset({"R", "AL", "AN"})


@dataclass(frozen=True, slots=True)
class Destination:
    """A page of the AWS console: the address that is followed, and its parts as they are shown."""

    address: str
    host: str
    path: str
    parameters: str
    """Query and fragment, "" where there are none: what the link tells the page to show or to fill in."""

    @classmethod
    def of(cls, address: str) -> Destination:
        """The parts of an address that `console.checked_destination` has passed."""
        parts = urlsplit(address)
        query = f"?{parts.query}" if parts.query else ""
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        return cls(address, parts.netloc, readable(parts.path), readable(query + fragment))


def readable(text: str) -> str:
    """The text with its percent escapes decoded where that gives visible characters that stand where they are read.

    What would not be seen, or would turn the direction of the line (attack: a page that reads as another one), stays
    escaped.
    """
    return _ESCAPES.sub(lambda found: _decoded(found[0]), text)


def _decoded(escapes: str) -> str:
    try:
        text = unquote_to_bytes(escapes).decode("utf-8")
    except UnicodeDecodeError:
        return escapes
    is_plain = is_shown_text(text) and not any(unicodedata.bidirectional(char) in _TURNS_THE_LINE for char in text)
    return text if is_plain else escapes
