"""How an OpenID provider lies in one thing: each of these changes one part of what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openid_provider import OpenIdProvider, World, public_jwk, rsa_key

Lie = Callable[[OpenIdProvider], None]


def header_without(name: str) -> Lie:
    return lambda provider: provider.headers.pop(name) and None


def answer(**parameters: str | None) -> Lie:
    return lambda provider: provider.answer.update(parameters)


def discovery(**members: Any) -> Lie:
    return lambda provider: provider.discovery.update(members)


OTHERS_JWK = public_jwk(rsa_key("attacker"), kid="attacker")

HINTS: dict[str, Any] = {
    "jwk": OTHERS_JWK,
    "jku": "https://attacker.example.test/keys",
    "x5u": "https://attacker.example.test/chain",
    "x5c": ["MIIB" + "A" * 4000],
}
"""Header members that name a key (RFC 7515 4.1.2, 4.1.3, 4.1.5, 4.1.6)."""


def key_fetches(asked: World) -> int:
    return sum(url.endswith("/keys") for url in asked.provider.fetched)
