"""What a call of AssumeRoleWithSAML asks for, read from its parameters and its assertion."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta

from federation_bridge.sandbox.aws.error_responses import invalid_identity_token
from federation_bridge.sandbox.aws.paranoid import demand_careful_statement
from federation_bridge.sandbox.aws.saml_statement import SamlStatement, read_statement
from federation_bridge.sandbox.aws.session_terms import (
    LONGEST,
    NAME,
    SHORTEST,
    SessionTags,
    read_duration,
    read_tags,
)
from federation_bridge.sandbox.aws.state import AccountState, SamlProvider, State
from federation_bridge.sandbox.aws.sts.handing_out import (
    Call,
    account_of,
    without_none,
)

_ATTRIBUTE = "https://aws.amazon.com/SAML/Attributes/"
_NAMEID_2_0 = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
_WHOLE_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Request:
    """What an assertion and a call ask for together, all of it well-formed."""

    role_arn: str
    provider: SamlProvider
    account: AccountState
    statement: SamlStatement
    session_name: str
    source_identity: str
    tags: SessionTags
    duration: timedelta | None
    attribute_duration: timedelta | None
    subject_type: str
    name_qualifier: str


def read_request(call: Call) -> Request:
    """Parameters, message, times and attributes: everything before the role itself is looked at."""
    parameters = call.parameters
    role_arn, provider_arn = parameters.arn("RoleArn"), parameters.arn("PrincipalArn")
    call.trail.request = {"roleArn": role_arn, "principalArn": provider_arn}
    text = parameters.required("SAMLAssertion", 4, 100_000)
    duration = read_duration(parameters.optional("DurationSeconds"))
    return read_verified(call, role_arn, provider_arn, text, duration)


def read_verified(call: Call, role_arn: str, provider_arn: str, text: str, duration: timedelta | None) -> Request:
    """The request of a Response for one of its roles, verified, alive and well-formed."""
    provider = find_provider(call.state, provider_arn)
    call.trail.account_id = account_of(provider_arn)
    statement = read_statement(text, provider, call.wire.request_id)
    statement.demand_live(call.wire.received_at)
    if call.is_paranoid:
        demand_careful_statement(statement, call.state)
    if (role_arn, provider_arn) not in role_pairs(statement):
        raise invalid_identity_token("SAML Assertion doesn't contain the requested Role and Metadata in the attributes")
    request = _read_attributes(statement, role_arn, provider, call.state, duration)
    _note(call, request)
    return request


def find_provider(state: State, arn: str) -> SamlProvider:
    """The SAML provider with this ARN; Refused when there is none."""
    account = state.accounts.get(account_of(arn))
    provider = account and account.saml_providers.get(arn.rpartition("/")[2])
    if not provider or provider.arn != arn:
        raise invalid_identity_token("Specified provider doesn't exist")
    return provider


def role_pairs(statement: SamlStatement) -> tuple[tuple[str, str], ...]:
    """(role ARN, provider ARN) of every Role value, whichever of the two was written first."""
    pairs = (value.split(",") for value in statement.values(f"{_ATTRIBUTE}Role"))
    return tuple(
        (one, other) if ":saml-provider/" in other else (other, one)
        for one, other in (p for p in pairs if len(p) == 2)  # noqa: PLR2004 - a pair
    )


def name_qualifier(issuer: str, account_id: str, provider_name: str) -> str:
    """BASE64(SHA1(issuer + account + "/" + provider name))."""
    digest = hashlib.sha1(f"{issuer}{account_id}/{provider_name}".encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def _read_attributes(
    statement: SamlStatement, role_arn: str, provider: SamlProvider, state: State, duration: timedelta | None
) -> Request:
    account = state.accounts[account_of(provider.arn)]
    prefix = f"{_ATTRIBUTE}PrincipalTag:"
    pairs = [
        (name[len(prefix) :], values[0] if values else "")
        for name, values in statement.attributes.items()
        if name.startswith(prefix)
    ]
    return Request(
        role_arn,
        provider,
        account,
        statement,
        _session_name(statement),
        _source_identity(statement),
        read_tags(pairs, statement.values(f"{_ATTRIBUTE}TransitiveTagKeys")),
        duration,
        _attribute_duration(statement),
        statement.subject_format.removeprefix(_NAMEID_2_0),
        name_qualifier(statement.issuer, account.id, provider.name),
    )


def _session_name(statement: SamlStatement) -> str:
    values = statement.values(f"{_ATTRIBUTE}RoleSessionName")
    if not values:
        raise invalid_identity_token("RoleSessionName is required in AuthnResponse")
    if len(values) != 1 or not NAME.fullmatch(values[0]):
        raise invalid_identity_token("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}")
    return values[0]


def _source_identity(statement: SamlStatement) -> str:
    values = statement.values(f"{_ATTRIBUTE}SourceIdentity")
    if not values:
        return ""
    if len(values) != 1 or not NAME.fullmatch(values[0]) or values[0].startswith("aws:"):
        raise invalid_identity_token('Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"')
    return values[0]


def _attribute_duration(statement: SamlStatement) -> timedelta | None:
    values = statement.values(f"{_ATTRIBUTE}SessionDuration")
    if not values:
        return None
    if len(values) != 1 or not _WHOLE_NUMBER.fullmatch(values[0]) or not SHORTEST <= int(values[0]) <= LONGEST:
        raise invalid_identity_token("SessionDuration in AuthnResponse must be an integer between 900 and 43200")
    return timedelta(seconds=int(values[0]))


def _note(call: Call, request: Request) -> None:
    subject = request.statement.subject or ""
    call.trail.identity = {
        "type": "SAMLUser",
        "principalId": f"{request.name_qualifier}:{subject}",
        "userName": subject,
        "identityProvider": request.name_qualifier,
    }
    call.trail.request = without_none(
        {
            "sAMLAssertionID": request.statement.id,
            "roleSessionName": request.session_name,
            "sourceIdentity": request.source_identity,
            "principalTags": dict(request.tags.tags),
            "transitiveTagKeys": list(request.tags.transitive),
            "durationSeconds": request.duration and int(request.duration.total_seconds()),
            "roleArn": request.role_arn,
            "principalArn": request.provider.arn,
        }
    )
    call.trail.resources.append(
        {"accountId": request.account.id, "type": "AWS::IAM::SAMLProvider", "ARN": request.provider.arn}
    )
