"""Proof key for code exchange (RFC 7636), S256 only: who redeems a code is who asked for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from federation_bridge.errors import OAuthRefused

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def challenge_of(code_verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 4.2)."""
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def check_challenge(method: str, challenge: str) -> None:
    """Nothing for a challenge that we serve; OAuthRefused (`invalid_request`, 4.4.1) otherwise (attack I17)."""
    if method != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise OAuthRefused("a request without a S256 code challenge")


def why_not_proven(code_verifier: str, challenge: str) -> str | None:
    """Why this verifier does not answer the challenge (4.6), or None where it does."""
    if not _VERIFIER.fullmatch(code_verifier):
        return "no code verifier"
    if not hmac.compare_digest(challenge_of(code_verifier), challenge):
        return "another code verifier"
    return None
