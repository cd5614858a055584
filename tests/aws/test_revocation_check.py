"""What ends sessions in an account, held against the plan: an end that would say `could not` is told before."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aws_factories import account

from federation_bridge.aws.account_check import RealAccount, RealRole, differences
from federation_bridge.aws.onboarding import Additions, planned
from federation_bridge.aws.revocations import Deny, composed
from federation_bridge.model import Clock

NAMES = ("federation-bridge-revoker", "federation-bridge-revocations")
OURS = {"entity_id": "https://bridge.example.com/saml", "issuer": "https://bridge.example.com", "metadata": ""}
PLAN = planned(account(), additions=Additions(revoking=NAMES), **OURS)
assert PLAN.revocation is not None
WANTED = PLAN.revocation
FIRST = PLAN.roles[0].name
REVOKER = WANTED.role_name


def fine(**changes: Any) -> RealAccount:
    """The account as `aws onboard` makes it, with changes of the revoking role or, by `first`, of a granted one."""
    roles = {
        one.name: RealRole(one.path, one.trust, one.max_session_seconds, WANTED.policy_arn, (), ())
        for one in PLAN.roles
    }
    roles[FIRST] = replace(roles[FIRST], **changes.pop("first", {}))
    revoker = RealRole("/", WANTED.trust, 3_600, "", (WANTED.permissions,), ())
    roles[REVOKER] = replace(revoker, **changes)
    return RealAccount(roles, frozenset({PLAN.provider.arn}), policies={WANTED.policy_arn: WANTED.policy})


def policy(change: Callable[[list[Any]], object]) -> RealAccount:
    made = copy.deepcopy(WANTED.policy)
    change(made["Statement"])
    return replace(fine(), policies={WANTED.policy_arn: made})


def permissions(**changes: Any) -> RealAccount:
    made = copy.deepcopy(WANTED.permissions)
    made["Statement"][0].update(changes)
    return fine(inline=(made,))


def trusting(principal: str) -> Any:
    made = copy.deepcopy(WANTED.trust)
    made["Statement"].append({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"})
    return made


def without(real: RealAccount, role: str) -> RealAccount:
    return replace(real, roles={name: one for name, one in real.roles.items() if name != role})


ROWS = {
    "no boundary": (fine(first={"boundary": ""}), "fails", FIRST, "put-role-permissions-boundary"),
    "another boundary": (fine(first={"boundary": "arn:aws:iam::1:policy/x"}), "fails", FIRST, "policy/x"),
    "attached": (fine(first={"attached": (WANTED.policy_arn,)}), "wider", FIRST, "detach it"),
    "no policy": (replace(fine(), policies={}), "fails", "", "Make it"),
    "narrower": (policy(lambda all_of: all_of[0].update(Action="s3:*")), "fails", "", "Put this in"),
    "conditioned": (policy(lambda all_of: all_of[0].update(Condition={})), "fails", "", "Put this in"),
    "another deny": (
        policy(lambda all_of: all_of.append({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})),
        "unsure", "", "the bridge did not",
    ),
    "other allows": (
        policy(lambda all_of: all_of.append({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"})),
        "wider", "", "take them out",
    ),
    "no revoker": (without(fine(), REVOKER), "fails", REVOKER, "there is no such role"),
    "elsewhere": (fine(path="/x/"), "fails", REVOKER, "its path is /x/"),
    "trusts others": (fine(trust=trusting("arn:aws:iam::1:root")), "wider", REVOKER, "trusts others too"),
    "may less": (permissions(Action=["iam:GetPolicy"]), "fails", REVOKER, "it may not iam:CreatePolicyVersion"),
    "any policy": (permissions(Resource="*"), "wider", REVOKER, "it may do more"),
    "any action": (permissions(Action="iam:*"), "wider", REVOKER, "Put this on it, alone"),
    "attached to it": (fine(attached=("arn:aws:iam::aws:policy/AdministratorAccess",)), "wider", REVOKER, "detach it"),
}  # fmt: skip


@pytest.mark.parametrize("row", list(ROWS))
def test_what_would_keep_an_end_from_holding_is_told_with_what_to_do(row: str) -> None:
    real, kind, role, told = ROWS[row]
    found = differences(PLAN, real)
    subject = f"{PLAN.id}/{role}" if role else PLAN.id
    assert (kind, subject) in {(one.kind, one.subject) for one in found if told in one.sentence}, found


def test_what_was_onboarded_and_what_the_bridge_wrote_since_is_fine(clock: Clock) -> None:
    denied = composed((), [Deny(clock().replace(microsecond=0), source_identity="corp-mei")]).document
    for real in (fine(), replace(fine(), policies={WANTED.policy_arn: denied})):
        assert not [one for one in differences(PLAN, real) if "MaxSession" not in one.sentence]


def test_what_may_not_be_read_is_unsure() -> None:
    real = replace(fine(), policies=None, unread={WANTED.policy_arn: "the credentials may not call iam:GetPolicy"})
    assert [(one.kind, one.subject) for one in differences(PLAN, real)] == [("unsure", PLAN.id)]


OTHER = "arn:aws:iam::1:policy/company"
ACCEPTING = planned(account(), additions=Additions(revoking=NAMES, attached_in=frozenset({account().id})), **OURS)
assert ACCEPTING.revocation is not None
assert ACCEPTING.revocation.attached is not None
HANGING = ACCEPTING.revocation.attached
OWN = (ACCEPTING.revocation.permissions,)
BOTH = {WANTED.policy_arn: WANTED.policy, HANGING.arn: HANGING.policy}
HUNG = {"boundary": OTHER, "attached": (HANGING.arn,)}
ALLOWING = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def _accepting(**changes: Any) -> RealAccount:
    policies = changes.pop("policies", BOTH)
    return replace(fine(**{"inline": OWN, "first": HUNG, **changes}), policies=policies)


ACCEPTING_ROWS = {
    "not attached": (_accepting(first={"boundary": OTHER}), "fails", FIRST, "aws iam attach-role-policy"),
    "not known": (_accepting(first={"boundary": OTHER, "attached": None}), "unsure", FIRST, "is not known"),
    "no boundary": (
        _accepting(first={"boundary": "", "attached": (HANGING.arn,)}), "wider", FIRST, "it has no boundary",
    ),
    "no policy": (_accepting(policies={WANTED.policy_arn: WANTED.policy}), "fails", "", "Make it"),
    "allows": (_accepting(policies={**BOTH, HANGING.arn: ALLOWING}), "wider", "", "allows something"),
    "no permission": (_accepting(inline=(WANTED.permissions,)), "fails", REVOKER, "it may not iam:CreatePolicyVersion"),
}  # fmt: skip


@pytest.mark.parametrize("row", list(ACCEPTING_ROWS))
def test_where_the_risk_was_accepted_the_attached_policy_is_judged(row: str) -> None:
    real, kind, role, told = ACCEPTING_ROWS[row]
    found = differences(ACCEPTING, real)
    subject = f"{PLAN.id}/{role}" if role else PLAN.id
    assert (kind, subject) in {(one.kind, one.subject) for one in found if told in one.sentence}, found


def test_where_the_risk_was_accepted_and_all_is_there_nothing_is_told() -> None:
    assert not [one for one in differences(ACCEPTING, _accepting()) if "MaxSession" not in one.sentence]


def test_a_policy_that_nobody_accepted_is_told_and_so_is_what_would_version_it() -> None:
    found = {one.sentence for one in differences(PLAN, _accepting())}
    assert any("nobody accepted that risk" in one for one in found)
    assert any("it may do more than version" in one for one in found)
