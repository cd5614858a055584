"""Wildcards and variables of the policy language, and how ARNs compare. Linear in the text: no pattern can stall."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

Context = Mapping[str, tuple[str, ...]]
"""Context keys of a request, in lower case, each with its values; a key that is not there is absent."""

_VARIABLE = re.compile(r"\$\{([^}]{1,256})\}")
_WITH_DEFAULT = re.compile(r"([^,]+?)\s*,\s*'([^']*)'")
_ARN_PARTS = 6


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether `*` (any text) and `?` (one character) in `pattern` can stand for all of `text`."""
    return _compiled(pattern, ignore_case).fullmatch(text) is not None


def arn_matches(pattern: str, arn: str) -> bool:
    """Whether an ARN fits, part by part: a wildcard does not reach over a colon, but for the last part."""
    wanted, given = pattern.split(":", _ARN_PARTS - 1), arn.split(":", _ARN_PARTS - 1)
    if len(wanted) != _ARN_PARTS or len(given) != _ARN_PARTS:
        return False
    return all(matches(one, other) for one, other in zip(wanted, given, strict=True))


def filled(pattern: str, context: Context) -> str | None:
    """The pattern with its `${...}` variables filled from the context; None when one is absent and has no default.

    What is filled in is literal: a tag whose value is `*` does not become a wildcard.
    """
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        name = found[1]
        if name in ("*", "?", "$"):
            return _literal(name)
        with_default = _WITH_DEFAULT.fullmatch(name)
        key, default = (with_default[1], with_default[2]) if with_default else (name, None)
        values = context.get(key.strip().lower(), ())
        if len(values) == 1:
            return _literal(values[0])
        missing = missing or default is None
        return _literal(default or "")

    text = _VARIABLE.sub(value, pattern)
    return None if missing else text


_LITERAL = {"*": "\ue000", "?": "\ue001"}
"""Private-use stand-ins for a `*` or `?` that is no wildcard; `plain` and `matches` turn them back."""


def _literal(text: str) -> str:
    return text.replace("*", _LITERAL["*"]).replace("?", _LITERAL["?"])


def plain(text: str) -> str:
    """The text that a filled pattern stands for where wildcards have no meaning."""
    return text.replace(_LITERAL["*"], "*").replace(_LITERAL["?"], "?")


@lru_cache(maxsize=4096)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    pieces = re.split(r"\*+", pattern)
    texts = [plain_regex(piece) for piece in pieces]
    # Atomic groups: what a `*` has skipped is never tried again, so no pattern costs more than its length times
    # the text's.
    body = texts[0]
    if len(texts) > 1:
        body += "".join(f"(?>.*?{text})" for text in texts[1:-1] if text) + ".*" + texts[-1]
    return re.compile(body, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def plain_regex(piece: str) -> str:
    """A regular expression for one piece between wildcards, where `?` is any one character."""
    return ".".join(re.escape(plain(part)) for part in piece.split("?"))
