"""A session policy that has a name narrows as the same text would; what is not one is refused where it stands."""

from __future__ import annotations

import pytest
from mapping_factories import CONNECTIONS, NOW, identity, register, rule, rules_text

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet, load_rules

POLICY = '{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:Get*", Resource: "*"}]}'
ABROAD = POLICY.replace('"*"', '"arn:aws-cn:s3:::bucket"')
ME, ADMIN = "{person: s-1}", "111111111111/Administrator"


def made(policy: str = "{named: read}", policies: str = f"{{read: {POLICY}}}", role: str = ADMIN) -> RuleSet:
    grant = f'{{role: "{role}", session_policy: {policy}}}'
    return load_rules(f"policies: {policies}\n{rules_text(rule(ME, grant))}", register(), CONNECTIONS)


def test_a_named_policy_narrows_as_the_same_text_does() -> None:
    (by_name,) = made().entitlements(identity(), NOW)
    (by_text,) = made(POLICY).entitlements(identity(), NOW)
    assert by_name.policy == by_text.policy
    assert by_name.policy is not None


def test_a_named_policy_of_another_partition_is_taken_where_the_role_is() -> None:
    (one,) = made(policies=f"{{read: {ABROAD}}}", role="333333333333/ReadOnly").entitlements(identity(), NOW)
    assert "aws-cn" in str(one.policy)


def test_a_policy_that_no_rule_uses_is_told() -> None:
    assert made(policies=f"{{read: {POLICY}, other: {ABROAD}}}").cautions() == (
        "no rule uses the session policy named 'other'",
    )


@pytest.mark.parametrize(
    ("policy", "policies", "reason"),
    [
        ("{named: raed}", f"{{read: {POLICY}}}", "did you mean 'read'?"),
        ("read", f"{{read: {POLICY}}}", "is not JSON"),
        ("{named: read, Version: '2012-10-17'}", f"{{read: {POLICY}}}", "unknown key 'Version'"),
        ("{named: read}", "{read: {Version: '2012-10-17'}}", "needs a Statement"),
        ("{named: read}", "{read: read everything}", "is not JSON"),
        ("{named: read}", f"{{read: {ABROAD}}}", "names resources in partition aws-cn"),
        ("{named: read}", f"{{read: {POLICY.replace('s3:Get', 's3:' + 'G' * 2048)}}}", "AWS takes 2048"),
        ("{named: read}", f"{{read: {POLICY}, 'a b': {POLICY}}}", "at most 64 of A-Z"),
    ],
)
def test_what_is_no_policy_of_these_roles_is_refused_with_its_line(policy: str, policies: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        made(policy, policies)
    assert refused.value.detail.startswith("line ")
    assert reason in refused.value.detail
