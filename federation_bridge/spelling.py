"""How two names differ that ought to be the same, in words: what an administrator has to change (level 0).

Issuers and entityIDs are compared letter for letter. "Not equal" sends nobody to the slash that is missing.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from urllib.parse import urlsplit, urlunsplit

from federation_bridge.shown_text import quoted

_NEAR = 0.6


def differing(setting: str, expected: str, found: str) -> str:
    """One clause: what `setting` says, what was found, and how they differ where that can be said in words."""
    told = f"`{setting}` says {quoted(expected)}, found is {quoted(found)}"
    how = difference(expected, found)
    return f"{told}: they differ {how}" if how else told


def difference(expected: str, found: str) -> str:
    """How they differ ("by a slash at the end"); "" where it is more than one such thing, or nothing."""
    if expected == found:
        return ""
    words = (
        (expected.strip() == found.strip(), "by a blank around them"),
        (expected.rstrip("/") == found.rstrip("/"), "by a slash at the end"),
        (expected.lower() == found.lower(), "by capital letters"),
        (_without_scheme(expected) == _without_scheme(found), "by http and https"),
        (_without_port(expected) == _without_port(found), "by the port"),
        (_bare(expected) == _bare(found), "by what stands before or after: compare them letter by letter"),
    )
    return next((how for is_so, how in words if is_so), "")


def nearest(wanted: str, known: Collection[str]) -> str | None:
    """The one of these that `wanted` was most likely meant to be, or None where nothing is near."""
    small = [one for one in known if difference(wanted, one)]
    return small[0] if small else next(iter(difflib.get_close_matches(wanted, list(known), n=1, cutoff=_NEAR)), None)


def _without_scheme(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return rest if separator and scheme in ("http", "https") else url


def _without_port(url: str) -> str:
    try:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=parts.hostname or "")) if parts.port else url
    except ValueError:
        return url


def _bare(text: str) -> str:
    return _without_scheme(text.strip().lower()).strip("/")
