"""AssumeRoleWithSAML (aws.md sections 1 and 2, order of checks from its section 12)."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta

from federation_bridge.sandbox.aws import context_keys
from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.paranoid import demand_careful_statement
from federation_bridge.sandbox.aws.policy.patterns import Context
from federation_bridge.sandbox.aws.refusals import invalid_identity_token, not_authorized
from federation_bridge.sandbox.aws.saml_statement import SamlStatement, read_statement
from federation_bridge.sandbox.aws.session_terms import (
    LONGEST,
    NAME,
    SHORTEST,
    SessionPolicies,
    SessionTags,
    demand_within_role,
    packed_size,
    read_duration,
    read_tags,
    session_end,
)
from federation_bridge.sandbox.aws.state import AccountState, Role, SamlProvider, Session, State
from federation_bridge.sandbox.aws.sts.handing_out import (
    Call,
    account_of,
    assumed_role_arn,
    assumed_role_of,
    find_role,
    new_token,
    note_session,
    policies_of,
    without_none,
)
from federation_bridge.sandbox.aws.trust import trusts_federated

ACTION = "sts:AssumeRoleWithSAML"
_ATTRIBUTE = "https://aws.amazon.com/SAML/Attributes/"
_NAMEID_2_0 = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
_WHOLE_NUMBER = re.compile(r"[0-9]{1,6}")

_EDU_PERSON = (
    "edupersonaffiliation",
    "edupersonnickname",
    "edupersonorgdn",
    "edupersonorgunitdn",
    "edupersonprimaryaffiliation",
    "edupersonprincipalname",
    "edupersonentitlement",
    "edupersonprimaryorgunitdn",
    "edupersonscopedaffiliation",
    "edupersontargetedid",
    "edupersonassurance",
)
_EDU_ORG = (
    "eduorghomepageuri",
    "eduorgidentityauthnpolicyuri",
    "eduorglegalname",
    "eduorgsuperioruri",
    "eduorgwhitepagesuri",
)
_XMLSOAP = "http://schemas.xmlsoap.org/"
_ATTRIBUTE_KEYS = {
    **{f"urn:oid:1.3.6.1.4.1.5923.1.1.1.{n}": f"saml:{key}" for n, key in enumerate(_EDU_PERSON, 1)},
    **{f"urn:oid:1.3.6.1.4.1.5923.1.2.1.{n}": f"saml:{key}" for n, key in enumerate(_EDU_ORG, 2)},
    "urn:oid:2.5.4.3": "saml:cn",
    f"{_XMLSOAP}ws/2005/05/identity/claims/name": "saml:name",
    f"{_XMLSOAP}claims/CommonName": "saml:commonname",
    f"{_XMLSOAP}ws/2005/05/identity/claims/givenname": "saml:givenname",
    f"{_XMLSOAP}ws/2005/05/identity/claims/surname": "saml:surname",
    f"{_XMLSOAP}ws/2005/05/identity/claims/emailaddress": "saml:mail",
    f"{_XMLSOAP}ws/2005/05/identity/claims/primarygroupsid": "saml:uid",
}


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


def assume_role_with_saml(call: Call) -> dict[str, Value]:
    """Buys a session with a SAML Response; Refused as AWS refuses."""
    request = read_request(call)
    return answer(call, request, *redeem(call, request))


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
        for one, other in (p for p in pairs if len(p) == 2)  # noqa: PLR2004
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


def redeem(call: Call, request: Request) -> tuple[Session, int]:
    """The session that a well-formed request buys, remembered, and its packed size; Refused by trust or terms."""
    found = find_role(call.state, request.role_arn)
    if found is None or found[0] is not request.account or request.statement.subject is None:
        raise not_authorized(ACTION)
    account, role = found
    if role.name.startswith("AWSReservedSSO_") or not call.state.is_known_everywhere(role, request.provider):
        raise not_authorized(ACTION)
    actions = [ACTION]
    if request.tags.tags:
        actions.append("sts:TagSession")
    if request.source_identity:
        actions.append("sts:SetSourceIdentity")
    if not trusts_federated(role.trust, request.provider.arn, actions, _trust_context(call, request)):
        raise not_authorized(ACTION)
    demand_within_role(request.duration, role)
    policies = policies_of(call, account)
    size = packed_size(policies, request.tags)
    session = _session(call, request, role, policies)
    call.state.admit(session)
    note_session(call.trail, session)
    return session, size


def _trust_context(call: Call, request: Request) -> Context:
    statement = request.statement
    keys: dict[str, tuple[str, ...]] = {
        **context_keys.of_request(call.wire, call.region),
        **context_keys.of_request_tags(request.tags),
        **_surviving_context(request),
        "saml:aud": (statement.recipient,),
        "saml:iss": (statement.issuer,),
        "saml:doc": (f"{request.account.id}/{request.provider.name}",),
        "sts:rolesessionname": (request.session_name,),
        "aws:principalaccount": (request.account.id,),
        "aws:principaltype": ("User",),
        "aws:userid": (request.provider.arn,),
        "aws:federatedprovider": (request.provider.arn,),
    }
    if request.source_identity:
        keys["sts:sourceidentity"] = (request.source_identity,)
    for name, values in statement.attributes.items():
        if name in _ATTRIBUTE_KEYS and values:
            keys[_ATTRIBUTE_KEYS[name]] = values
    return keys


def _surviving_context(request: Request) -> dict[str, tuple[str, ...]]:
    return {
        "saml:sub": (request.statement.subject or "",),
        "saml:sub_type": (request.subject_type,),
        "saml:namequalifier": (request.name_qualifier,),
    }


def _session(call: Call, request: Request, role: Role, policies: SessionPolicies) -> Session:
    state, now = call.state, call.wire.received_at
    end = request.statement.session_ends_at
    rest = None if end is None else end - now
    return Session(
        kind="assumed-role",
        access_key_id=state.new_id("ASIA"),
        secret=state.new_secret(),
        token=new_token(state),
        account_id=request.account.id,
        arn=assumed_role_arn(request.account, role, request.session_name),
        user_id=f"{role.id}:{request.session_name}",
        issued_at=now,
        expires_at=session_end(now, request.duration, request.attribute_duration, rest),
        role=role.name,
        role_arn=role.arn,
        role_id=role.id,
        policy=policies.inline,
        policy_arns=policies.arns,
        tags=request.tags.tags,
        transitive_tags=request.tags.transitive,
        source_identity=request.source_identity,
        federated_provider=request.provider.arn,
        context=_surviving_context(request),
    )


def answer(call: Call, request: Request, session: Session, size: int) -> dict[str, Value]:
    """The answer's elements."""
    if call.trail.response is not None:
        call.trail.response.update(
            subject=request.statement.subject, subjectType=request.subject_type, issuer=request.statement.issuer,
            audience=request.statement.recipient, nameQualifier=request.name_qualifier, packedPolicySize=size,
        )  # fmt: skip
    return {
        **assumed_role_of(session),
        "PackedPolicySize": size,
        "Subject": request.statement.subject,
        "SubjectType": request.subject_type,
        "Issuer": request.statement.issuer,
        "Audience": request.statement.recipient,
        "NameQualifier": request.name_qualifier,
    }


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
