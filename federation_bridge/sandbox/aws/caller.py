"""Who signed a request, and what they may do: permissions ∩ session policies, in AWS's words when they may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from federation_bridge.sandbox.aws.answers import instant
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.policy.document import Policy
from federation_bridge.sandbox.aws.policy.evaluation import Request, Verdict, decide
from federation_bridge.sandbox.aws.state import AccessKey, Session, State

_IDENTITY = "identity-based policy"


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of a signed request."""

    account_id: str
    arn: str
    user_id: str
    access_key_id: str
    identity_policies: tuple[Policy, ...] | None
    """None for an account's root, who may do everything."""
    session_policies: tuple[Policy, ...] | None = None
    """None where nothing narrows the session; an empty tuple allows nothing."""
    session: Session | None = None
    user: str = ""
    boundary: tuple[Policy, ...] | None = None
    """The permissions boundary; None where there is none."""
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def demand(self, action: str, resource: str, context: Mapping[str, tuple[str, ...]]) -> None:
        """Refused (AccessDenied, 403) unless every policy that counts allows the action and none denies it."""
        reason = self.why_not(action, resource, context)
        if reason:
            raise Refused(
                "AccessDenied",
                f'User: {self.arn} is not authorized to perform: {action} on resource: "{resource}" {reason}',
                403,
            )

    def why_not(self, action: str, resource: str, context: Mapping[str, tuple[str, ...]]) -> str:
        """Why the action is not allowed, in AWS's words; empty when it is."""
        found = self._verdicts(action, resource, context)
        for kind, verdict in found.items():
            if verdict is Verdict.DENIED:
                return f"with an explicit deny in {'an' if kind[0] == 'i' else 'a'} {kind}"
        for kind, verdict in found.items():
            if verdict is Verdict.SILENT:
                return f"because no {kind} allows the {action} action"
        return ""

    def lacks_own_policy(self, action: str, resource: str, context: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether nothing denies the action and no policy of the identity itself allows it."""
        found = self._verdicts(action, resource, context)
        return found.get(_IDENTITY) is Verdict.SILENT and Verdict.DENIED not in found.values()

    def _verdicts(self, action: str, resource: str, context: Mapping[str, tuple[str, ...]]) -> dict[str, Verdict]:
        request = Request(action, resource, {**context, **self.context})
        return {
            kind: decide(policies, request)
            for kind, policies in (
                (_IDENTITY, self.identity_policies),
                ("permissions boundary", self.boundary),
                ("session policy", self.session_policies),
            )
            if policies is not None
        }


def of_session(state: State, session: Session) -> Caller:
    """The principal behind temporary credentials."""
    account = state.accounts[session.account_id]
    narrowed: tuple[Policy, ...] | None = None
    if session.has_session_policies or session.kind == "federated-user":
        inline = () if session.policy is None else (session.policy,)
        narrowed = (*inline, *state.managed_policies(account, session.policy_arns))
    is_root = session.kind != "assumed-role" and not session.user
    return Caller(
        session.account_id,
        session.arn,
        session.user_id,
        session.access_key_id,
        None if is_root else state.identity_policies(session),
        narrowed,
        session,
        session.user,
        state.boundary(session),
        _session_context(session, state),
    )


def of_access_key(state: State, key: AccessKey) -> Caller:
    """The principal behind long-term keys: a user, or the account's root."""
    account = state.accounts[key.account_id]
    shared = {"aws:principalaccount": (key.account_id,), "aws:principalisawsservice": ("false",)}
    if not key.user:
        arn = account.arn("root")
        context = {
            **shared,
            "aws:principalarn": (arn,),
            "aws:principaltype": ("Account",),
            "aws:userid": (key.account_id,),
        }
        return Caller(key.account_id, arn, key.account_id, key.id, None, context=context)
    user = account.users[key.user]
    policies = (*user.inline.values(), *state.managed_policies(account, user.attached))
    context = {
        **shared,
        "aws:principalarn": (user.arn,),
        "aws:principaltype": ("User",),
        "aws:userid": (user.id,),
        "aws:username": (user.name,),
        **{f"aws:principaltag/{name.lower()}": (text,) for name, text in user.tags.items()},
    }
    return Caller(key.account_id, user.arn, user.id, key.id, policies, user=user.name, context=context)


_PRINCIPAL_TYPES = {"assumed-role": "AssumedRole", "federated-user": "FederatedUser", "session-token": "User"}


def _session_context(session: Session, state: State) -> dict[str, tuple[str, ...]]:
    keys: dict[str, tuple[str, ...]] = {
        **session.context,
        "aws:principalarn": (session.role_arn or session.arn,),
        "aws:principalaccount": (session.account_id,),
        "aws:principaltype": (_PRINCIPAL_TYPES[session.kind],),
        "aws:principalisawsservice": ("false",),
        "aws:userid": (session.user_id,),
        "aws:tokenissuetime": (instant(session.issued_at),),
        "aws:multifactorauthpresent": ("true" if session.has_mfa else "false",),
    }
    if session.kind == "session-token" and session.user:
        keys["aws:username"] = (session.user,)
    if session.source_identity:
        keys["aws:sourceidentity"] = (session.source_identity,)
    if session.federated_provider:
        keys["aws:federatedprovider"] = (session.federated_provider,)
    keys.update({f"aws:principaltag/{name.lower()}": (text,) for name, text in _tags(session, state).items()})
    return keys


def _tags(session: Session, state: State) -> dict[str, str]:
    # A session tag wins over a tag of the role or user with the same key, whatever its case.
    account = state.accounts[session.account_id]
    holder = account.roles.get(session.role) if session.role else account.users.get(session.user)
    own = {name.lower(): text for name, text in (holder.tags if holder else {}).items()}
    return {**own, **{name.lower(): text for name, text in session.tags.items()}}
