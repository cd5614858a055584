"""What the revoking role may do: version the bridge's own policies of the account, and nothing else. Pure."""

from __future__ import annotations

from federation_bridge.model import JsonObject

PERMISSIONS = (
    "iam:CreatePolicyVersion",
    "iam:DeletePolicyVersion",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:ListEntitiesForPolicy",
    "iam:ListPolicyVersions",
)
"""All that the revoking role may, on the bridge's policies (docs/revocation.md says why each)."""


def permissions_on(policy_arn: str, probed: str = "", attached_arn: str = "") -> JsonObject:
    """The policy of the revoking role. `probed`: the roles whose denies it may ask IAM to simulate.

    `attached_arn`: the policy for roles with another boundary, where the operator accepted that risk.
    """
    versioned: str | list[str] = [policy_arn, attached_arn] if attached_arn else policy_arn
    own: JsonObject = {"Effect": "Allow", "Action": list(PERMISSIONS), "Resource": versioned}
    probe: JsonObject = {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": probed}
    return {"Version": "2012-10-17", "Statement": [own, *([probe] if probed else [])]}
