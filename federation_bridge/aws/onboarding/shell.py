"""Commands of the AWS CLI, as a script for a POSIX shell: one for each account."""

from __future__ import annotations

import json
import shlex

from federation_bridge.aws.onboarding.plan import AccountPlan, RolePlan, SamlProvider, compact


def commands(plan: AccountPlan) -> tuple[tuple[str, ...], ...]:
    """The words of each command, in their order. A value stands in the word of its option: it may begin with `-`."""
    made = [_provider(plan), *_revocation(plan)]
    for role in plan.roles:
        made.append(_role(plan, role))
        made.extend(
            ("aws", "iam", "attach-role-policy", f"--role-name={role.name}", f"--policy-arn={arn}")
            for arn in role.policy_arns
        )
    return tuple(made)


def script(plan: AccountPlan) -> str:
    """The commands behind a question whether the credentials are those of this account."""
    head = (
        "#!/bin/sh\n"
        f"# Federation bridge: provider and roles of account {plan.id}. Stops at the first refusal.\n"
        "set -eu\n"
        f'[ "$(aws sts get-caller-identity --query Account --output text)" = {plan.id} ] ||\n'
        f"  {{ echo 'these credentials are not those of account {plan.id}' >&2; exit 1; }}\n"
    )
    return head + "".join(f"{shlex.join(words)}\n" for words in commands(plan))


def _provider(plan: AccountPlan) -> tuple[str, ...]:
    one = plan.provider
    if isinstance(one, SamlProvider):
        named = ("create-saml-provider", f"--name={one.name}", f"--saml-metadata-document={one.metadata}")
    else:
        clients = f"--client-id-list={json.dumps(one.client_ids)}"
        named = ("create-open-id-connect-provider", f"--url={one.url}", clients)
    return ("aws", "iam", *named, _tags(plan))


def _role(plan: AccountPlan, role: RolePlan) -> tuple[str, ...]:
    return (
        "aws",
        "iam",
        "create-role",
        f"--role-name={role.name}",
        f"--path={role.path}",
        f"--max-session-duration={role.max_session_seconds}",
        f"--assume-role-policy-document={compact(role.trust)}",
        *((f"--permissions-boundary={plan.revocation.policy_arn}",) if plan.revocation else ()),
        _tags(plan),
    )


def _revocation(plan: AccountPlan) -> tuple[tuple[str, ...], ...]:
    """The policy that bounds the roles, and the role that versions it."""
    one = plan.revocation
    if one is None:
        return ()
    named = f"--role-name={one.role_name}"
    policy = (f"--policy-name={one.policy_name}", f"--policy-document={compact(one.policy)}")
    own = ("--policy-name=version-the-revocation-policy", f"--policy-document={compact(one.permissions)}")
    trust = f"--assume-role-policy-document={compact(one.trust)}"
    attached = [
        ("aws", "iam", "create-policy", f"--policy-name={other.name}", f"--policy-document={compact(other.policy)}")
        for other in (one.attached,)
        if other
    ]
    return (
        ("aws", "iam", "create-policy", *policy),
        *attached,
        ("aws", "iam", "create-role", named, trust, _tags(plan)),
        ("aws", "iam", "put-role-policy", named, *own),
    )


def _tags(plan: AccountPlan) -> str:
    return f"--tags={compact([{'Key': key, 'Value': value} for key, value in plan.tags.items()])}"
