"""Text that may be shown: the one definition of what people can see, for subjects, names, labels, rules and logs.

A text that holds anything else can look like another text and differ from it, change the order in which the text
beside it is read, or steer a terminal. What decides is refused for it; what is only for people is shown without it.
"""

from __future__ import annotations

import unicodedata

_DRAWS_NOTHING = (
    frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U00016fe4\U0001d159")
    | frozenset(map(chr, range(0xFE00, 0xFE10)))
    | frozenset(map(chr, range(0xE0100, 0xE01F0)))
)
"""Letters, marks and signs by category that draw nothing all the same: fillers, the blank of Braille, and variation
selectors."""


def is_shown(character: str) -> bool:
    """Whether people see this one character as what it is.

    No control, no format character (directions, zero-width, soft hyphen, tags), no line or paragraph separator, no
    blank but U+0020, no surrogate, nothing private or unassigned, no filler.
    """
    return character.isprintable() and character not in _DRAWS_NOTHING


def is_shown_text(text: str) -> bool:
    """Whether every character of the text is one that people see; true of the empty text."""
    return text.isprintable() and (text.isascii() or _DRAWS_NOTHING.isdisjoint(text))


def shown(text: str, instead: str = "") -> str:
    """The text with `instead` for each character that people would not see."""
    return text if is_shown_text(text) else "".join(one if is_shown(one) else instead for one in text)


def quoted(value: object, most: int = 200) -> str:
    """A value that somebody sent, as a private detail may repeat it: in quotes, cut after `most` characters, each that
    people would not see written as its code point, each that could end the quotes escaped. None is told as `nothing`.
    """
    if value is None:
        return "nothing"
    text = str(value)
    told = text[:most]
    if not is_shown_text(told) or "'" in told or "\\" in told:
        told = "".join(map(_told, told))
    return f"'{told}{'…' if len(text) > most else ''}'"


def _told(character: str) -> str:
    if character in "'\\":
        return f"\\{character}"
    return character if is_shown(character) else f"\\u{{{ord(character):04x}}}"


def first_hidden(text: str) -> str:
    """The first character that people would not see, as `U+200B (ZERO WIDTH SPACE)`; "" where there is none."""
    if is_shown_text(text):
        return ""
    for character in text:
        if not is_shown(character):
            return f"U+{ord(character):04X} ({unicodedata.name(character, 'a control character')})"
    return ""
