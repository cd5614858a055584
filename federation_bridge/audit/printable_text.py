"""Texts of others, made so that no terminal and no log reader obeys them."""

from __future__ import annotations

import hashlib
import re

from federation_bridge.shown_text import is_shown, is_shown_text

_LONGEST_TEXT = 1024
_LAST_OF_FOUR_DIGITS = "\uffff"
_UNCLEAR = re.compile(r"\\(?=[uU])|[^\x20-\x7e]")


def printable(text: str) -> str:
    r"""The text with everything that a terminal or a log reader might obey shown as `\uXXXX`, and cut.

    What is escaped: whatever people would not see (`shown_text`: line breaks, ANSI escapes, bidirectional controls,
    zero-width characters, NUL, lone surrogates) and a backslash that could be taken for such an escape, so that two
    texts never look the same. A cut text ends with its length and hash for the same reason.
    """
    # Nearly all of them, and it takes a fifth of the time. Of ASCII, people see what is printable.
    if text.isascii() and is_shown_text(text) and "\\" not in text and len(text) <= _LONGEST_TEXT:
        return text
    if len(text) > _LONGEST_TEXT:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return f"{printable(text[: _LONGEST_TEXT - 64])}... ({len(text)} characters, sha256 {digest})"
    return _UNCLEAR.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    char = match[0]
    if char != "\\" and is_shown(char):
        return char
    return f"\\u{ord(char):04x}" if char <= _LAST_OF_FOUR_DIGITS else f"\\U{ord(char):08x}"
