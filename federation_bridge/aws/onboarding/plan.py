"""What one account needs: the provider that stands for the bridge, and each registered role with its trust policy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from federation_bridge.aws import revocations, trust_policies
from federation_bridge.aws.id_token import AUDIENCE
from federation_bridge.aws.revoker import SUBJECT
from federation_bridge.aws.revoking_permissions import permissions_on
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Account, JsonObject

USUAL_TRUST, LONGEST_TRUST = 2_048, 4_096
"""Characters of a trust policy: what an account allows, and the most that its quota can be raised to."""
OWN_TAGS = {"managed-by": "federation-bridge"}


@dataclass(frozen=True, slots=True)
class SamlProvider:
    """An IAM SAML provider."""

    arn: str
    name: str
    metadata: str


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """An IAM OIDC provider."""

    arn: str
    url: str
    client_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RolePlan:
    """One role as it has to be. Without `policy_arns` it may do nothing: what it may do is the operator's to say."""

    name: str
    path: str
    max_session_seconds: int
    trust: JsonObject
    policy_arns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AttachedPlan:
    """The policy that somebody attaches to roles that have another permissions boundary."""

    name: str
    arn: str
    policy: JsonObject
    """As it is made: it denies nobody, and allows nothing."""


@dataclass(frozen=True, slots=True)
class RevocationPlan:
    """What lets the bridge end sessions: the policy that bounds each role, and the role that versions it."""

    policy_name: str
    policy_arn: str
    policy: JsonObject
    """As it is made; from then on the bridge writes its versions, and nothing else may."""
    role_name: str
    trust: JsonObject
    permissions: JsonObject
    attached: AttachedPlan | None = None
    """Where the operator accepted that risk for this account."""


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """All that one account needs, roles by name."""

    id: str
    name: str
    partition: str
    region: str
    provider: SamlProvider | OidcProvider
    roles: tuple[RolePlan, ...]
    tags: Mapping[str, str]
    revocation: RevocationPlan | None = None


@dataclass(frozen=True, slots=True)
class Additions:
    """What the operator adds: tags, and managed policies by `ROLE` or by `ACCOUNT/ROLE`, which goes before."""

    tags: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    revoking: tuple[str, str] | None = None
    """Names of the revoking role and of the revocation policy; None: nothing is made that could end sessions."""
    is_probing: bool = False
    """Whether the revoking role may ask IAM what roles are denied (`aws.revocation_probe`)."""
    attached_in: frozenset[str] = frozenset()
    """Accounts with a policy for roles that have another boundary (`aws.attached_revocations`)."""

    def policy_arns(self, account: Account, role: str) -> tuple[str, ...]:
        """The managed policies of this role, with `{partition}` and `{account}` filled in."""
        found = self.policies.get(f"{account.id}/{role}", self.policies.get(role, ()))
        return tuple(
            one.replace("{partition}", account.partition).replace("{account}", account.id) for one in found
        )  # fmt: skip


def planned(account: Account, *, entity_id: str, issuer: str, metadata: str, additions: Additions) -> AccountPlan:
    """The plan of a registered account; `metadata` is ours for IAM, and not looked at on the OIDC road.

    ConfigurationInvalid where a trust policy is longer than IAM ever takes.
    """
    roles = tuple(
        RolePlan(
            name,
            role.path,
            int(role.max_session.total_seconds()),
            _trust(account, name, entity_id, issuer),
            additions.policy_arns(account, name),
        )
        for name, role in sorted(account.roles.items())
    )
    tags = dict(sorted({**OWN_TAGS, **additions.tags}.items()))
    provider = _provider(account, issuer, metadata)
    place = (account.id, account.name, account.partition, account.region)
    revocation = _revocation(account, additions, entity_id, issuer)
    return AccountPlan(*place, provider, roles, tags, revocation)


def compact(document: object) -> str:
    """JSON without blanks, as IAM counts it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def warnings(plan: AccountPlan) -> tuple[str, ...]:
    """What the operator has to know before this plan is carried out."""
    return tuple(f"{plan.id}/{role.name}: {said}" for role in plan.roles for said in _warnings(role))


def _warnings(role: RolePlan) -> Iterator[str]:
    if not role.policy_arns:
        yield "no permissions policy; it may do nothing"
    if (length := len(compact(role.trust))) > USUAL_TRUST:
        yield (
            f"the trust policy has {length} characters; first raise the account's quota RoleTrustPolicyLength, "
            f"which is {USUAL_TRUST}"
        )


def _trust(account: Account, role: str, entity_id: str, issuer: str) -> JsonObject:
    trust = trust_policies.for_role(account, role, entity_id=entity_id, issuer=issuer)
    if (length := len(compact(trust))) > LONGEST_TRUST:
        raise ConfigurationInvalid(
            f"the trust policy of {account.id}/{role} has {length} characters, and IAM takes {LONGEST_TRUST} at most: "
            "name fewer `sign_in_regions`, or a shorter address of the bridge"
        )
    return trust


def _revocation(account: Account, additions: Additions, entity_id: str, issuer: str) -> RevocationPlan | None:
    if additions.revoking is None:
        return None
    role, policy = additions.revoking
    probed = f"arn:{account.partition}:iam::{account.id}:role/*" if additions.is_probing else ""
    arn = f"arn:{account.partition}:iam::{account.id}:policy/{policy}"
    attached = None
    if account.id in additions.attached_in:
        attached = AttachedPlan(f"{policy}-attached", f"{arn}-attached", revocations.first_attached_policy())
    return RevocationPlan(
        policy,
        arn,
        revocations.first_policy(),
        role,
        trust_policies.for_revoker(account, role, SUBJECT, entity_id=entity_id, issuer=issuer),
        permissions_on(arn, probed, attached.arn if attached else ""),
        attached,
    )


def _provider(account: Account, issuer: str, metadata: str) -> SamlProvider | OidcProvider:
    if account.road == "oidc":
        return OidcProvider(account.provider_arn, issuer, (AUDIENCE,))
    return SamlProvider(account.provider_arn, account.provider_arn.partition(":saml-provider/")[2], metadata)
