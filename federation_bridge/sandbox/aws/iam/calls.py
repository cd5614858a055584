"""What every action of IAM is given, and the small things that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.error_responses import Refused, no_such_entity
from federation_bridge.sandbox.aws.parameters import Parameters
from federation_bridge.sandbox.aws.policy.document import Policy
from federation_bridge.sandbox.aws.state import AccountState, OidcProvider, Role, SamlProvider, State, User

T = TypeVar("T")
_MOST_ATTACHED = 10


@dataclass(frozen=True, slots=True)
class IamCall:
    """One call, by somebody who may make it, on the account that is their own."""

    state: State
    account: AccountState
    parameters: Parameters

    def role(self) -> Role:
        """The role that `RoleName` names; Refused (NoSuchEntity) when there is none."""
        name = self.parameters.required("RoleName", 1, 64)
        return _found(self.account.roles, name, f"The role with name {name} cannot be found.")

    def user(self) -> User:
        """The user that `UserName` names; Refused (NoSuchEntity) when there is none."""
        name = self.parameters.required("UserName", 1, 128)
        return _found(self.account.users, name, f"The user with name {name} cannot be found.")

    def saml_provider(self) -> SamlProvider:
        """The provider that `SAMLProviderArn` names; Refused (NoSuchEntity) when there is none."""
        arn = self.parameters.arn("SAMLProviderArn")
        by_arn = {one.arn: one for one in self.account.saml_providers.values()}
        return _found(by_arn, arn, f"Manifest not found for arn {arn}")

    def oidc_provider(self) -> OidcProvider:
        """The provider that `OpenIDConnectProviderArn` names; Refused (NoSuchEntity) when there is none."""
        arn = self.parameters.arn("OpenIDConnectProviderArn")
        by_arn = {one.arn: one for one in self.account.oidc_providers.values()}
        return _found(by_arn, arn, f"OpenIDConnect Provider not found for arn {arn}")


def _found(known: Mapping[str, T], name: str, sentence: str) -> T:
    if name not in known:
        raise no_such_entity(sentence)
    return known[name]


def tag_list(tags: Mapping[str, str]) -> list[Value]:
    """Tags as IAM answers them."""
    return [{"Key": key, "Value": text} for key, text in tags.items()]


def document(policy: Policy) -> str:
    """A policy as IAM answers it: percent-encoded."""
    return quote(policy.text, safe="")


def inline_policy(name: str, policies: Mapping[str, Policy], holder: str) -> Policy:
    """An inline policy by name; Refused (NoSuchEntity) when there is none."""
    return _found(policies, name, f"The {holder} policy with name {name} cannot be found.")


def without(policies: Mapping[str, Policy], name: str) -> dict[str, Policy]:
    """The policies but this one."""
    return {key: policy for key, policy in policies.items() if key != name}


def with_attached(call: IamCall, attached: tuple[str, ...], quota: str) -> tuple[str, ...]:
    """The ARNs with the one that `PolicyArn` names; Refused for a policy that is not there, or one too many."""
    arn = call.parameters.arn("PolicyArn")
    if call.state.managed_policy(call.account, arn) is None:
        raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")
    found = (*(one for one in attached if one != arn), arn)
    if len(found) > _MOST_ATTACHED:
        raise Refused("LimitExceeded", f"Cannot exceed quota for {quota}: {_MOST_ATTACHED}", 409)
    return found


def without_attached(call: IamCall, attached: tuple[str, ...]) -> tuple[str, ...]:
    """The ARNs without the one that `PolicyArn` names; Refused (NoSuchEntity) where it is not among them."""
    arn = call.parameters.arn("PolicyArn")
    if arn not in attached:
        raise no_such_entity(f"Policy {arn} was not found.")
    return tuple(one for one in attached if one != arn)


def attached_list(attached: tuple[str, ...]) -> dict[str, Value]:
    """Attached policies as IAM answers them."""
    told: list[Value] = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in attached]
    return {"AttachedPolicies": told, "IsTruncated": False}
