"""AssumeRoleWithSAML (aws.md sections 1 and 2, order of checks from its section 12)."""

from __future__ import annotations

from federation_bridge.sandbox.aws import context_keys
from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.error_responses import not_authorized
from federation_bridge.sandbox.aws.policy.patterns import Context
from federation_bridge.sandbox.aws.session_terms import (
    SessionPolicies,
    demand_within_role,
    packed_size,
    session_end,
)
from federation_bridge.sandbox.aws.state import Role, Session
from federation_bridge.sandbox.aws.sts.handing_out import (
    Call,
    assumed_role_arn,
    assumed_role_of,
    find_role,
    new_token,
    note_session,
    policies_of,
)
from federation_bridge.sandbox.aws.sts.saml_request import Request, read_request
from federation_bridge.sandbox.aws.trust import trusts_federated

ACTION = "sts:AssumeRoleWithSAML"

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


def assume_role_with_saml(call: Call) -> dict[str, Value]:
    """Issues a session for a SAML Response; Refused as AWS refuses."""
    request = read_request(call)
    return answer(call, request, *redeem(call, request))


def redeem(call: Call, request: Request) -> tuple[Session, int]:
    """The session that a well-formed request brings, remembered, and its packed size; Refused by trust or terms."""
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
