"""The reasons of a decision are said to the person; an administrator reads them about somebody."""

from __future__ import annotations

import re

from federation_bridge.sentence import Sentence

_WORDS = {"you are": "they are", "you": "they", "your": "their"}
_SAID = re.compile(r"\b(you are|your|you)\b")


def about_them(reason: str) -> str:
    """The sentence about somebody else. Values in it, such as names of groups, stay as they are."""
    if not isinstance(reason, Sentence):
        return str(reason)
    template = _SAID.sub(lambda match: _WORDS[match[0]], reason.template)
    return template % {name: about_them(value) for name, value in reason.values.items()}
