"""Whether what must be denied is denied: asked of IAM before an end counts as checked (`aws.revocation_probe`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from federation_bridge.aws.revocations import written
from federation_bridge.aws.revoker import Policy
from federation_bridge.errors import CannotRevoke
from federation_bridge.model import LiveGrant, Revocation, RevocationState


def probed(policy: Policy, before: Revocation, one: Revocation, lives: Sequence[LiveGrant]) -> Revocation:
    """The same if IAM says that every session of the ledger that it covers is denied, or if it was checked before.

    Otherwise it stays `ending`, and becomes `could not` where the bridge may not ask.
    """
    if one.state is not RevocationState.ENDED or before.state is RevocationState.ENDED:
        return one
    try:
        # One session of each role is enough: the others differ in nothing that the deny looks at.
        meant = {live.role: live for live in lives if _is_meant(one, live)}
        open_to = sorted(role for role, live in meant.items() if not _is_denied(policy, one, live))
    except CannotRevoke as refused:
        told = (
            f"the policy holds it, and the probe could not be asked: {refused.detail}. Do this: give the revoking role "
            "iam:SimulatePrincipalPolicy, as `aws onboard` writes it, or set aws.revocation_probe to no"
        )
        return _unsettled(before, one, RevocationState.COULD_NOT, told)
    if not open_to:
        return one
    told = f"the policy holds it, and IAM does not deny it yet in {', '.join(open_to)}"
    return _unsettled(before, one, RevocationState.ENDING, told)


def _unsettled(before: Revocation, one: Revocation, state: RevocationState, told: str) -> Revocation:
    """The same with this state. A `could not` stays one: its instant is told, people may be let in after it."""
    if before.state is RevocationState.COULD_NOT:
        return replace(before, told=told)
    settled_at = None if state is RevocationState.ENDING else one.settled_at
    return replace(one, state=state, told=told, settled_at=settled_at)


def _is_meant(one: Revocation, live: LiveGrant) -> bool:
    named = (
        (one.source_identity, live.source_identity),
        (one.session_name, live.session_name),
        (one.role_arn, live.role_arn),
    )
    return live.made_at < one.issued_before and all(asked in ("", found) for asked, found in named)


def _is_denied(policy: Policy, one: Revocation, live: LiveGrant) -> bool:
    """Whether a session of this grant that was issued in the last denied second is denied."""
    session = {
        "aws:SourceIdentity": live.source_identity,
        "aws:userid": f"AROAPROBE:{live.session_name}",
        "aws:PrincipalArn": live.role_arn,
        "aws:TokenIssueTime": written(one.issued_before - timedelta(seconds=1)),
    }
    return policy.is_denied(live.role_arn, session)
