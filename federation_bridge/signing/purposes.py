"""What a key is for: one that signs for one purpose is never used for another."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """What a key is for."""

    AWS_SAML = "aws-saml"
    """Signs the assertions that AWS believes."""
    AWS_OIDC = "aws-oidc"
    """Signs the JWTs that AWS believes."""
    SERVICE_PROVIDER = "service-provider"
    """Signs our AuthnRequests."""
    DECRYPTION = "decryption"
    """Opens the assertions that identity providers encrypt to us."""
    CLIENT_ASSERTION = "client-assertion"
    """Authenticates us at token endpoints (private_key_jwt, RFC 7523)."""
    TOKENS = "tokens"
    """Signs what our own authorization server hands out."""
    AUDIT = "audit"
    """Signs the seals of the audit."""
