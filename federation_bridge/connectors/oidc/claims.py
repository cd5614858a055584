"""What every token of a provider is asked, whatever kind it is: by whom, for whom, and when. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from federation_bridge.claimed import is_plain
from federation_bridge.connectors.oidc.compact_token import VerifiedToken
from federation_bridge.errors import SignInRejected
from federation_bridge.model import JsonObject
from federation_bridge.shown_text import quoted

SUBJECT = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")
"""What a `sub` looks like: 1 to 255 plain characters."""
LONGEST_LIFE = timedelta(hours=24)
_LAST_SECOND = 32_503_680_000  # the year 3000: far enough from the last instant that a clock's skew can be added
LONGEST_TOKEN_ID = 255


def checked_issuer(claims: JsonObject, verified: VerifiedToken, issuers: Collection[str], what: str) -> str:
    """The issuer: one of these spellings exactly, and the one to whom the key is bound; else SignInRejected.

    `what`: the kind of token, for the refusal.
    """
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or issuer not in issuers:
        wanted = " or ".join(quoted(one) for one in issuers)
        raise SignInRejected(f"{what}: issuer {quoted(issuer)} is not this connection's, which is {wanted}")
    bound_to = verified.key.issuer
    if bound_to is not None and bound_to.replace("{tenantid}", str(claims.get("tid"))) != issuer:
        raise SignInRejected(
            f"{what}: signed by a key of another issuer: the key is for {quoted(bound_to)} (tid"
            f" {quoted(claims.get('tid'), 80)}), the token from {quoted(issuer)}"
        )
    return issuer


def bare_issuer(issuer: str) -> str:
    """The issuer as older tokens of Google write it: both spellings are one issuer."""
    return issuer.removeprefix("https://")


def are_ours(audience: object, client_id: str, others: Collection[str]) -> bool:
    """Whether a list names us, and beside us only `others`, each once (attack I08)."""
    if not isinstance(audience, list) or not all(isinstance(one, str) for one in audience):
        return False
    named = set(audience)
    is_each_once = len(named) == len(audience)
    return is_each_once and client_id in named and named <= {client_id, *others}


def instant(claims: JsonObject, name: str, what: str) -> datetime:
    """A NumericDate, which may have a fraction (RFC 7519 2); SignInRejected where it is none."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_SECOND:
        raise SignInRejected(f"{what}: `{name}` is {quoted(value, 40)}, no number of seconds before the year 3000")
    return datetime.fromtimestamp(value, UTC)


def token_id(claims: JsonObject, verified: VerifiedToken) -> str:
    """`jti` where it is a short plain text, else the hash of what was signed."""
    found = claims.get("jti")
    if isinstance(found, str) and 0 < len(found) <= LONGEST_TOKEN_ID and is_plain(found):
        return found
    return "sha256:" + hashlib.sha256(verified.signing_input.encode()).hexdigest()
