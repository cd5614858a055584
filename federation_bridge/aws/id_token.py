"""The statement for an OIDC provider: a JWT for one person and one role, as AssumeRoleWithWebIdentity takes it."""

from __future__ import annotations

from datetime import datetime

from federation_bridge.aws.statement import LIFE, Statement, check_length, check_terms
from federation_bridge.aws_limits import LONGEST_WEB_IDENTITY_TOKEN
from federation_bridge.model import Grant, JsonObject
from federation_bridge.signing import SigningKey, jws

AUDIENCE = "sts.amazonaws.com"
"""The client id under which IAM's OIDC provider knows us; AWS's own choice for tokens that only STS reads."""

_AWS = "https://aws.amazon.com/"


def build(grant: Grant, *, key: SigningKey, issuer: str, now: datetime) -> Statement:
    """The signed JWT (RS256, RFC 7519) for this grant; OutsideAwsLimits where its terms are outside AWS's limits."""
    check_terms(grant)
    now = now.replace(microsecond=0)
    text = jws.signed(claims_of(grant, issuer, now), key)
    check_length("web identity token", text, LONGEST_WEB_IDENTITY_TOKEN, grant)
    return Statement(text, grant.id, now + LIFE)


def subject_of(account_id: str, role: str, session_name: str) -> str:
    """`sub`: account, role, and the session name that is this person's for good.

    Trust policies pin the first two, so that a token made for one role opens no other, and may pin the third: then the
    token opens the role under that name alone (ADR 0008). None of the parts can hold a slash, so this is injective
    (attack J03).
    """
    return f"{account_id}/{role}/{session_name}"


def claims_of(grant: Grant, issuer: str, now: datetime) -> JsonObject:
    """The claims of the JWT (IAM: session tags in AssumeRoleWithWebIdentity, nested form)."""
    claims: JsonObject = {
        "iss": issuer,
        "sub": subject_of(grant.account.id, grant.role, grant.session_name),
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int((now + LIFE).timestamp()),
        "jti": grant.id,
        f"{_AWS}source_identity": grant.source_identity,
    }
    if grant.tags:
        tags: JsonObject = {"principal_tags": {name: [value] for name, value in sorted(grant.tags.items())}}
        if grant.transitive_tags:
            tags["transitive_tag_keys"] = sorted(grant.transitive_tags)
        claims[f"{_AWS}tags"] = tags
    return claims
