"""What must not be repeated: secrets that stand where they do not belong, masked before log and audit take them.

A client that puts a token into `client_id`, a path or a header has made a mistake, and the refusal quotes it. Whatever
is written down goes through `masked`, in the log as in the audit; `quoted` also bounds what a sentence repeats.
"""

from __future__ import annotations

import hashlib
import re
from operator import ne
from string import ascii_lowercase, ascii_uppercase, digits

_SHOWN = 6
_SHORTEST = 12
_SHORTEST_RUN = 24
_CHANGES = 0.35
"""How often neighbours in random base64 differ in kind (capital, small, digit): 0.62; in words and paths: 0.2."""
_RANDOM = 0.42
_FEW = 0.2
"""The same where letters are of one case, as in base32: 0.3; in words with numbers: 0.1."""

_KINDS = bytes.maketrans((digits + ascii_uppercase + ascii_lowercase).encode(), b"0" * 10 + b"A" * 26 + b"a" * 26)
_SIGNS = b"+/_=-"

_SHAPE = re.compile(
    r"(?P<ours>fb[a-z]_[A-Za-z0-9_-]{8,})"
    r"|(?P<user_code>(?<![A-Za-z0-9])[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}(?![A-Za-z0-9]))"
    r"|(?P<token>eyJ[A-Za-z0-9_-]{9,}(?:\.[A-Za-z0-9_-]*){0,4})"
    r"|(?P<aws>(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9]))"
    r"|(?P<pem>-----BEGIN[ A-Z0-9]+-----[^-]*(?:-----END[ A-Z0-9]+-----)?)"
)
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_HEX = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_AWS_SECRET = re.compile(r"(?=.*[0-9])(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9+/]{40}")
_IDENTIFIER = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def masked(text: str) -> str:
    """The text with everything that looks like a secret cut to six characters, its length and a piece of its hash.

    That are our own codes and tokens, JWTs, keys of AWS and in PEM, and long runs of hexadecimal digits or base64 (so
    SAML messages too). Words, paths, ARNs, addresses, numbers, and identifiers in the form of a UUID stay as they are.
    """
    return text if len(text) < _SHORTEST and "-" not in text else _RUN.sub(_run, _SHAPE.sub(_shape, text))


def quoted(text: str, most: int = 80) -> str:
    """What came from outside, as a detail may repeat it: masked first and then cut to `most` characters, in quotes."""
    return repr(masked(text)[:most])


def _shape(match: re.Match[str]) -> str:
    # No hash of a user code: eight letters are found by trying.
    return "[user code]" if match["user_code"] else _mask(match[0])


def _run(match: re.Match[str]) -> str:
    """A path keeps its honest parts: each is judged alone where all together are not random through and through."""
    run = match[0]
    if not run.startswith("/") and (_changes(run) >= _RANDOM or _AWS_SECRET.fullmatch(run)):
        return _mask(run)
    parts = run.split("/")
    secret = [_is_secret(part) for part in parts]
    # The slash is one of base64's own characters: pieces beside a secret may be more of it.
    return "/".join(
        _mask(part) if secret[place] or (any(secret[max(0, place - 2) : place + 3]) and _is_piece(part)) else part
        for place, part in enumerate(parts)
    )


def _is_secret(run: str) -> bool:
    run = _IDENTIFIER.sub("", run)
    if len(run) < _SHORTEST_RUN:
        return False
    return bool(_HEX.search(run) and not run.isdigit()) or _changes(run) >= (_CHANGES if _has_both_cases(run) else _FEW)


def _is_piece(part: str) -> bool:
    return len(part) > _SHOWN - 2 and _changes(part) >= _CHANGES


def _changes(run: str) -> float:
    """For characters of a run alone. By bytes, as a hostile client can send a million of them."""
    kinds = run.encode("ascii", "ignore").translate(_KINDS, delete=_SIGNS)
    changes: int = sum(map(ne, kinds, kinds[1:]))
    return changes / max(len(kinds), 1)


def _has_both_cases(run: str) -> bool:
    return run not in (run.lower(), run.upper())


def _mask(secret: str) -> str:
    digest = hashlib.sha256(secret.encode()).hexdigest()[:8]
    return f"{secret[:_SHOWN]}[{len(secret)} characters, sha256 {digest}]"
