"""What a careful issuer never sends, though AWS takes it: refused in `paranoid` mode, each with its own sentence."""

from __future__ import annotations

import re
from datetime import timedelta

from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.saml_signature import SHA1_ALGORITHMS
from federation_bridge.sandbox.aws.saml_statement import SamlStatement
from federation_bridge.sandbox.aws.state import State
from federation_bridge.sandbox.aws.web_identity import WebIdentity

_REGION = r"(?:[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}\.)"
_ADDRESSED = {
    "aws": (rf"{_REGION}?signin\.aws\.amazon\.com", "urn:amazon:webservices"),
    "aws-cn": (r"signin\.amazonaws\.cn", "urn:amazon:webservices:cn-north-1"),
    "aws-us-gov": (r"(?:us-gov-(?:east|west)-1\.)?signin\.amazonaws-us-gov\.com", "urn:amazon:webservices:govcloud"),
    "aws-eusc": (rf"{_REGION}signin\.amazonaws-eusc\.eu", "urn:amazon:webservices"),
}
"""The hosts and the audience of each partition's sign-in service."""
_LONGEST_LIFE = timedelta(minutes=10)
_ROLES = "https://aws.amazon.com/SAML/Attributes/Role"


def demand_careful_statement(statement: SamlStatement, state: State) -> None:
    """Refused (ParanoidRefusal) for an assertion that AWS would take and a careful issuer would not have sent."""
    if len(statement.values(_ROLES)) != 1:
        raise _refused("the statement is good for more than one role")
    partition = statement.values(_ROLES)[0].removeprefix("arn:").partition(":")[0]
    host, audience = _ADDRESSED.get(partition, ("", ""))
    if set(statement.audiences) != {audience}:
        raise _refused("the Audience is not that of AWS in the role's partition")
    if not re.fullmatch(rf"https://{host}/saml(?:/acs/SAMLSP[A-Z0-9]+)?", statement.recipient):
        raise _refused("the Recipient is not AWS's sign-in address in the role's partition")
    if statement.algorithms & SHA1_ALGORITHMS:
        raise _refused("it is signed with SHA-1")
    if len(statement.ends) < 2 or max(statement.ends) - statement.issued_at > _LONGEST_LIFE:  # noqa: PLR2004 - a beginning and an end
        raise _refused("the statement lives longer than 10 minutes")
    if any(begin > state.now() for begin in statement.begins):
        raise _refused("the statement is not valid yet")
    if statement.session_ends_at is None:
        raise _refused("SessionNotOnOrAfter is missing: its holder may ask for the longest session")
    _demand_first_use(f"saml {statement.issuer} {statement.id}", state)


def demand_careful_token(identity: WebIdentity, state: State) -> None:
    """Refused (ParanoidRefusal) for a token that AWS would take and a careful issuer would not have sent."""
    claims = identity.claims
    if not identity.id:
        raise _refused("the token has no jti")
    if int(claims["exp"]) - int(claims["iat"]) > _LONGEST_LIFE.total_seconds():
        raise _refused("the token lives longer than 10 minutes")
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1:
        raise _refused("the token is good for more than one audience")
    _demand_first_use(f"oidc {identity.issuer} {identity.id}", state)


def _demand_first_use(name: str, state: State) -> None:
    with state.lock:
        if name in state.spent:
            raise _refused("it was used before")
        state.spent.add(name)


def _refused(reason: str) -> Refused:
    return Refused("ParanoidRefusal", f"AWS would take this, a careful issuer would not send it: {reason}", 400)
