"""Sessions as they are handed out: credentials, the assumed role's user, and where roles are looked up."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.parameters import POLICY, Parameters
from federation_bridge.sandbox.aws.session_terms import SessionPolicies, read_session_policies
from federation_bridge.sandbox.aws.state import AccountState, Role, Session, State
from federation_bridge.sandbox.aws.wire import Trail, Wire

_ROLE_ARN = re.compile(r"arn:(aws[a-z-]*):iam::([0-9]{12}):role/((?:[\x21-\x7e]+/)?)([\w+=,.@-]{1,64})")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the service: what every way to a session is given."""

    state: State
    wire: Wire
    parameters: Parameters
    trail: Trail
    region: str
    is_paranoid: bool = False


def find_role(state: State, arn: str) -> tuple[AccountState, Role] | None:
    """The role with exactly this ARN (path and case count), or None."""
    found = _ROLE_ARN.fullmatch(arn)
    account = state.accounts.get(found[2]) if found else None
    role = account.roles.get(found[4]) if account and found else None
    return (account, role) if account and role and role.arn == arn else None


def account_of(arn: str) -> str:
    """The account number in an ARN; empty when there is none."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else ""  # noqa: PLR2004 - the parts of an ARN


def policies_of(call: Call, account: AccountState) -> SessionPolicies:
    """The session policies that a call asks for."""
    inline = call.parameters.optional("Policy", 1, 2048, POLICY)
    arns = call.parameters.texts("PolicyArns", "arn")
    return read_session_policies(inline, arns, account, call.state)


def new_token(state: State) -> str:
    """A session token: opaque, long, and different each time."""
    return base64.b64encode(b"\x01local-aws" + state.randomness(240)).decode("ascii")


def assumed_role_arn(account: AccountState, role: Role, session_name: str) -> str:
    """ARN of a role's session: the role's path is not part of it."""
    return f"arn:{account.partition}:sts::{account.id}:assumed-role/{role.name}/{session_name}"


def credentials_of(session: Session) -> Value:
    """The `Credentials` element."""
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": session.expires_at,
    }


def assumed_role_of(session: Session) -> dict[str, Value]:
    """The elements that every assumed role's answer has."""
    return {
        "Credentials": credentials_of(session),
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
        "SourceIdentity": session.source_identity or None,
    }


def note_session(trail: Trail, session: Session) -> None:
    """What CloudTrail records of a session that was handed out: all but its secrets."""
    trail.account_id = session.account_id
    written = session.expires_at.strftime("%b %d, %Y, %-I:%M:%S %p")
    trail.response = {
        "credentials": {
            "accessKeyId": session.access_key_id,
            "sessionToken": "<redacted>",
            "expiration": written,
        }
    }
    if session.role:
        trail.response["assumedRoleUser"] = {"assumedRoleId": session.user_id, "arn": session.arn}
        trail.resources.append({"accountId": session.account_id, "type": "AWS::IAM::Role", "ARN": session.role_arn})
    if session.source_identity:
        trail.response["sourceIdentity"] = session.source_identity


def without_none(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value not in (None, "", {}, [], ())}
