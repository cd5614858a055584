"""Grant → statement: what AWS is shown of a grant, signed by the key for the account's provider type."""

from __future__ import annotations

from datetime import datetime

from federation_bridge.aws import assertion, id_token
from federation_bridge.aws.statement import Statement
from federation_bridge.model import Grant
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing, Purpose


def signed_statement(grant: Grant, keys: KeyRing, settings: Settings, now: datetime) -> Statement:
    """An assertion or a JWT for this grant; OutsideAwsLimits where its terms are outside AWS's limits."""
    if grant.account.road == "saml":
        key = keys.current(Purpose.AWS_SAML)
        return assertion.build(grant, key=key, issuer_entity_id=settings.saml_entity_id, now=now)
    # Counted from the decision, which looked at how long the token can be redeemed (`Grant.left_to_the_call`).
    return id_token.build(grant, key=keys.current(Purpose.AWS_OIDC), issuer=settings.issuer, now=grant.decided_at)
