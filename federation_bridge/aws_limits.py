"""What AWS takes: its limits on texts, counts and spans, once for rules, register, settings and statements.

The numbers are those of the service models of STS and IAM. The sandbox has its own, because it judges us; a test
compares both over all of Unicode. Where we take less than AWS, the text says so, and never that AWS would refuse.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

from federation_bridge.sentence import Sentence
from federation_bridge.shown_text import first_hidden, is_shown

SHORTEST_SESSION = timedelta(seconds=900)
"""The least that STS issues (DurationSeconds)."""
LONGEST_SESSION = timedelta(seconds=43_200)
LEAST_MAX_SESSION = timedelta(hours=1)
"""The least that a role's MaxSessionDuration can be."""

ACCOUNT_ID = re.compile(r"[0-9]{12}", re.ASCII)
ROLE_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}", re.ASCII)
ROLE_WITH_PATH = re.compile(r"(?:[A-Za-z0-9_+=,.@-]{1,64}/){0,8}[A-Za-z0-9_+=,.@-]{1,64}", re.ASCII)
ROLE_PATH = re.compile(r"/(?:[!-~]{1,510}/)?", re.ASCII)
"""A path begins and ends with a slash; between are any printable characters of ASCII but the blank."""
PERSON_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)
"""RoleSessionName and SourceIdentity. No colon, so nothing can begin with `aws:`."""
PERSON_NAME_CHARACTER = re.compile(r"[A-Za-z0-9_+=,.@-]", re.ASCII)
SHORTEST_PERSON_NAME, LONGEST_PERSON_NAME = 2, 64

MOST_TAGS = 50
LONGEST_TAG_KEY, LONGEST_TAG_VALUE = 128, 256
_TAG_SIGNS = frozenset("_.:/=+-@")
_TAG_CATEGORIES = frozenset("LZN")

MOST_POLICY_ARNS = 10
LONGEST_POLICIES = 2048
"""Characters of the inline session policy and the ARNs together."""
LONGEST_ARN = 2048

LONGEST_ASSERTION = 100_000
"""SAMLAssertion, in characters of base64."""
LONGEST_WEB_IDENTITY_TOKEN = 20_000


def is_taken_in_tags(character: str) -> bool:
    r"""Whether AWS takes this one character in tag keys and values: `[\p{L}\p{Z}\p{N}_.:/=+\-@]`."""
    return character in _TAG_SIGNS or unicodedata.category(character)[0] in _TAG_CATEGORIES


def tag_key_mistake(key: str) -> Sentence | None:
    """Why this cannot be a session tag's key; None where it can."""
    if not key:
        return Sentence("is empty, and AWS takes no tag without a key")
    return tag_text_mistake(key) or _ends_mistake(key) or _length_mistake(key, LONGEST_TAG_KEY)


def tag_value_mistake(value: str) -> Sentence | None:
    """Why this cannot be a session tag's value; None where it can. AWS takes an empty value too."""
    return tag_text_mistake(value) or _ends_mistake(value) or _length_mistake(value, LONGEST_TAG_VALUE)


def tag_text_mistake(text: str) -> Sentence | None:
    """Why no tag's key or value can hold this text anywhere; None where one can."""
    for character in text:
        if not is_taken_in_tags(character):
            return Sentence("has %(sign)s, which AWS allows in no tag", sign=_named(character))
        if not is_shown(character):
            # AWS tells these values apart and people cannot: a tag that decides must show what it is.
            return Sentence(
                "has %(sign)s, which AWS would take, but which people cannot tell from another blank or from nothing; "
                "the bridge puts it in no tag",
                sign=_named(character),
            )
    return None


def _ends_mistake(text: str) -> Sentence | None:
    if text.lower().startswith("aws:"):
        return Sentence("begins with aws:, which AWS keeps for itself")
    if text != text.strip():
        return Sentence("begins or ends with a blank")
    return None


def _length_mistake(text: str, longest: int) -> Sentence | None:
    if len(text) <= longest:
        return None
    return Sentence(
        "has %(count)s characters, more than %(most)s, which is all that AWS takes",
        count=str(len(text)),
        most=str(longest),
    )


def source_identity_mistake(value: str) -> Sentence | None:
    """Why AWS would not take this as a source identity (2 to 64 of A-Z a-z 0-9 and _+=,.@-); None where it would."""
    for character in value:
        if not PERSON_NAME_CHARACTER.fullmatch(character):
            return Sentence("has %(sign)s, and AWS takes only A-Z a-z 0-9 and _+=,.@- there", sign=_named(character))
    if not SHORTEST_PERSON_NAME <= len(value) <= LONGEST_PERSON_NAME:
        return Sentence("has %(count)s characters, and AWS takes 2 to 64 there", count=str(len(value)))
    return None


def _named(character: str) -> str:
    return first_hidden(character) or repr(character)
