"""The second factor of the example company: one press that stands for the person's phone, asked for where wanted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

PASSWORD_CONTEXTS = frozenset(
    "urn:oasis:names:tc:SAML:2.0:ac:classes:" + name
    for name in ("Password", "PasswordProtectedTransport", "unspecified")
)
MFA_CONTEXT = "https://refeds.org/profile/mfa"
"""AuthnContextClassRef of a sign-in with a second factor (REFEDS MFA Profile)."""
MFA_ACR = "urn:okta:loa:2fa:any"
"""The same as `acr` of OpenID Connect, as Okta calls it."""
Wanted = Literal["nothing", "second factor", "unknown"]


def wanted_by(contexts: Collection[str]) -> Wanted:
    """What these authentication contexts ask for: any one of them does (SAML core 3.3.2.2.1, Comparison `exact`)."""
    if not contexts or PASSWORD_CONTEXTS.intersection(contexts):
        return "nothing"
    return "second factor" if {MFA_CONTEXT, MFA_ACR}.intersection(contexts) else "unknown"
