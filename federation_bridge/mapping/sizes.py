"""How large a rule's terms become on their way to AWS: what is sure is refused, what may be is a caution."""

from __future__ import annotations

import json
import zlib

from federation_bridge.aws_limits import LONGEST_TAG_VALUE, LONGEST_WEB_IDENTITY_TOKEN
from federation_bridge.mapping.session_tags import Tag

_PACKED = 1_024
"""A guess: AWS publishes neither how it packs session policies and tags nor how much it takes."""
_AROUND_TAGS = 900
"""Characters of a web identity token without tags: header, signature and the other claims, at the least."""
_AROUND_A_TAG = 9


def least_token(tags: tuple[Tag, ...]) -> int:
    """So many characters a web identity token with these tags has at least, whatever is filled in."""
    return _token(tags, 1)


def longest_token(tags: tuple[Tag, ...]) -> int:
    """So many it can have, where every placeholder is filled with as much as AWS takes in ASCII."""
    return _token(tags, LONGEST_TAG_VALUE)


def _token(tags: tuple[Tag, ...], filled: int) -> int:
    octets = sum(len(json.dumps(tag.key)) + _value(tag, filled) + _AROUND_A_TAG - 2 for tag in tags)
    return _AROUND_TAGS + octets * 4 // 3


def _value(tag: Tag, filled: int) -> int:
    pieces = tag.value.pieces
    literal = sum(len(json.dumps(piece.text)) - 2 for piece in pieces if not piece.is_placeholder)
    open_parts = sum(piece.is_placeholder for piece in pieces)
    return min(literal + open_parts * filled, max(literal, LONGEST_TAG_VALUE)) if open_parts else literal


def doubt_about_token(tags: tuple[Tag, ...]) -> str | None:
    """A caution where a person with long values could get a token that AWS does not take; None where nobody can."""
    longest = longest_token(tags)
    if longest <= LONGEST_WEB_IDENTITY_TOKEN:
        return None
    return (
        f"its tags can make a web identity token of {longest} characters, and AWS takes {LONGEST_WEB_IDENTITY_TOKEN}: "
        "whoever has such long values gets no session"
    )


def doubt_about_packing(policy: str, arns: tuple[str, ...], tags: tuple[Tag, ...]) -> str | None:
    """A caution where policies and tags are large enough for AWS to answer PackedPolicyTooLarge; an estimate."""
    parts = [policy, *arns, *(f"{tag.key}={tag.value.written}" for tag in tags)]
    packed = len(zlib.compress("\n".join(parts).encode(), 9))
    if packed <= _PACKED:
        return None
    return (
        "session policies and tags are so large that AWS may refuse them once packed (PackedPolicyTooLarge; an "
        "estimate, as AWS publishes no formula)"
    )
