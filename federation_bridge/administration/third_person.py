"""The reasons of a decision are said to the person; an administrator reads them about somebody."""

from __future__ import annotations

import re
from typing import Self

from federation_bridge.audit import printable
from federation_bridge.sentence import Sentence

_WORDS = {"you are": "they are", "you": "they", "your": "their", "您的": "此人的", "您": "此人"}
_SAID = re.compile(r"\b(you are|your|you)\b|您的|您")


class AboutThem(Sentence):
    """A sentence that is said about somebody else: its template is the one that is said to the person."""

    __slots__ = ()

    def __new__(cls, template: str, /, **values: str) -> Self:
        """The sentence; its values are about somebody else too."""
        made = str.__new__(cls, in_third_person(template) % values)
        made.template, made.values = template, values
        return made


def in_third_person(template: str) -> str:
    """The words of a template, English or Chinese, that mean the reader mean somebody else then."""
    return _SAID.sub(lambda match: _WORDS[match[0]], template)


def about_them(reason: str) -> str:
    """The sentence about somebody else. Values in it, such as names of groups, stay as they are."""
    if not isinstance(reason, Sentence):
        return str(reason)
    return AboutThem(reason.template, **{name: about_them(value) for name, value in reason.values.items()})


def shown_about_them(reason: str) -> str:
    """The same for lines that people read: what others named in it is printable."""
    if not isinstance(reason, Sentence):
        return printable(str(reason))
    return AboutThem(reason.template, **{name: shown_about_them(value) for name, value in reason.values.items()})
