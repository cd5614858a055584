"""What a rule grants: role names, durations, tags, source identities and session policies, in AWS's terms."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from mapping_factories import NOW, identity, keys, rule, rule_set, why

from federation_bridge.errors import ConfigurationInvalid

ME = "{person: s-1}"
ADMIN = '"111111111111/Administrator"'
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}'


def granted(grant: str, **facts: Any):
    (entitlement,) = rule_set(rule(ME, f"{{role: {ADMIN}, {grant}}}")).entitlements(identity(**facts), NOW)
    return entitlement


def test_a_session_lasts_as_long_as_rule_and_role_both_allow() -> None:
    rules = rule_set(
        rule(ME, f'{{roles: [{ADMIN}, "111111111111/ReadOnly"], max_duration: 8h}}'),
        rule(ME, '{role: "222222222222/Developer"}', name="usual"),
    )

    spans = {entitlement.key: entitlement.max_duration for entitlement in rules.entitlements(identity(), NOW)}

    assert spans == {
        "222222222222/Developer": timedelta(hours=1),
        "111111111111/Administrator": timedelta(hours=8),
        "111111111111/ReadOnly": timedelta(hours=4),
    }


def test_entitlements_are_sorted_by_account_name_and_role() -> None:
    rules = rule_set(rule(ME, f'{{roles: ["111111111111/ReadOnly", {ADMIN}, "222222222222/Developer"]}}'))

    found = [(each.account.name, each.role) for each in rules.entitlements(identity(), NOW)]

    assert found == [("Development", "Developer"), ("Production", "Administrator"), ("Production", "ReadOnly")]


@pytest.mark.parametrize(
    ("written", "facts", "value"),
    [
        ("fixed", {}, "fixed"),
        ("{subject}@{connection}", {}, "s-1@entra"),
        ("{account}/{role}", {}, "111111111111/Administrator"),
        ("{account_name}", {}, "Production"),
        ("{name}", {"name": "Zoë Ångström"}, "Zoë Ångström"),
        ("{email}", {"email": "k@example.com", "email_is_verified": True}, "k@example.com"),
        ("t-{attribute.urn:x/dep.1}", {"attributes": {"urn:x/dep.1": ("ops",)}}, "t-ops"),
        ("{attribute.a}", {"attributes": {"a": ("x" * 256,)}}, "x" * 256),
    ],
)
def test_a_tag_is_filled_from_claims(written, facts, value) -> None:
    assert granted(f'tags: {{Team: "{written}"}}', **facts).tags == {"Team": value}


@pytest.mark.parametrize(
    ("written", "facts", "reason"),
    [
        ("{attribute.a}", {}, "carries no attribute 'a'"),
        ("{attribute.a}", {"attributes": {"a": ("",)}}, "carries no attribute 'a'"),
        ("{attribute.a}", {"attributes": {"a": ("x", "y")}}, "has 2 values"),
        ("{attribute.a}", {"attributes": {"a": ("x;y",)}}, "AWS allows in no tag"),
        (
            "{attribute.a}",
            {"attributes": {"a": ("x\u200by",)}},
            "U+200B (ZERO WIDTH SPACE), which AWS allows in no tag",
        ),
        ("{attribute.a}", {"attributes": {"a": ("x\u3000y",)}}, "U+3000 (IDEOGRAPHIC SPACE), which AWS would take"),
        ("{attribute.a}", {"attributes": {"a": ("AWS:x",)}}, "keeps for itself"),
        ("{attribute.a}", {"attributes": {"a": (" x",)}}, "blank"),
        ("{attribute.a}", {"attributes": {"a": ("x" * 257,)}}, "more than 256"),
        ("{email}", {"email": "k@example.com"}, "not verified"),
        ("{email}", {"email": "k@example.com", "email_is_verified": "true"}, "not verified"),
        ("{name}", {"name": ""}, "carries no name"),
    ],
)
def test_a_role_whose_tag_cannot_be_filled_is_not_granted_and_says_so(written, facts, reason) -> None:
    rules = rule_set(rule(ME, f'{{role: {ADMIN}, tags: {{Team: "{written}"}}}}'))

    assert keys(rules, identity(**facts)) == ()
    assert reason in why(rules, identity(**facts))


@pytest.mark.parametrize(("value", "is_granted"), [("ops", True), ("dev", True), ("admin", False), ("Ops", False)])
def test_a_tag_may_take_its_value_from_a_closed_set_only(value, is_granted) -> None:
    closed = 'tags: {Team: {value: "{attribute.a}", one_of: [ops, dev]}}'
    rules = rule_set(rule(ME, f"{{role: {ADMIN}, {closed}}}"))

    assert bool(keys(rules, identity(attributes={"a": (value,)}))) is is_granted


def test_a_tag_may_be_written_empty_and_is_never_filled_with_nothing() -> None:
    assert granted("tags: {Team: '', Cost: {value: '', one_of: [x, '']}}").tags == {"Team": "", "Cost": ""}
    for written in ("tags: {Team: }", "tags: {Team: ~}", "tags: {'': x}", "source_identity: ''"):
        with pytest.raises(ConfigurationInvalid, match="empty"):
            granted(written)


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("'a;{subject}'", "has ';', which AWS allows in no tag"),
        ("'aws:{subject}'", "begins with aws:"),
        ("'AWS:{subject}'", "begins with aws:"),
        (f"'{'x' * 256}{{subject}}'", "longer than AWS takes, whatever is filled in"),
        ("{value: 'team-{subject}', one_of: [team-a, b]}", "tag 'Team' can never be 'b'"),
        ("{value: '{subject}@x', one_of: ['a@y']}", "tag 'Team' can never be 'a@y'"),
        ("{value: a, one_of: [b]}", "tag 'Team' can never be 'b'"),
    ],
)
def test_a_tag_that_can_never_be_filled_is_refused_at_loading(tag: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=re.escape(reason)):
        rule_set(rule(ME, f"{{role: {ADMIN}, tags: {{Team: {tag}}}}}"))


def test_a_tag_that_can_be_filled_is_taken_with_the_same_parts() -> None:
    assert granted("tags: {Team: 'a:{subject}', Other: '{connection}aws:'}").tags == {
        "Team": "a:s-1",
        "Other": "entraaws:",
    }
    longest = granted(f"tags: {{Team: '{'x' * 253}{{subject}}'}}").tags["Team"]
    assert len(longest) == 256


def test_a_source_identity_is_filled_from_claims() -> None:
    assert granted('source_identity: "{connection}={subject}"').source_identity == "entra=s-1"
    assert granted("max_duration: 1h").source_identity is None


@pytest.mark.parametrize("subject", ["s/1", "x" * 65, "é", "x", "a:b"])
def test_a_source_identity_that_aws_would_refuse_is_not_repaired(subject) -> None:
    rules = rule_set(rule("{attribute: {name: a, equals: b}}", f'{{role: {ADMIN}, source_identity: "{{subject}}"}}'))
    who = identity(subject=subject, attributes={"a": ("b",)})

    assert keys(rules, who) == ()
    assert "the source identity cannot be filled" in why(rules, who)


@pytest.mark.parametrize(
    "written",
    [
        f"'{POLICY}'",
        "{Version: 2012-10-17, Statement: [{Effect: Allow, Action: 's3:Get*', Resource: '*'}]}",
    ],
)
def test_a_session_policy_is_written_as_json_or_as_yaml(written) -> None:
    assert granted(f"session_policy: {written}").policy == POLICY


def test_terms_reach_the_entitlement_as_written() -> None:
    entitlement = granted(
        "tags: {Team: ops, Cost: '1'}, transitive_tags: [Cost], policy_arns: ['arn:aws:iam::aws:policy/ReadOnlyAccess']"
    )

    assert entitlement.transitive_tags == ("Cost",)
    assert entitlement.policy_arns == ("arn:aws:iam::aws:policy/ReadOnlyAccess",)


def policy_of(length: int) -> str:
    filler = length - len(POLICY) - len('"Sid":"",')
    return POLICY.replace('{"Effect"', f'{{"Sid":"{"x" * filler}","Effect"')


def test_session_policies_have_2048_characters_in_all_and_not_one_more() -> None:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    fits = f"session_policy: '{policy_of(2048 - len(arn))}', policy_arns: [{arn}]"

    assert len(granted(fits).policy) == 2048 - len(arn)
    with pytest.raises(ConfigurationInvalid, match="2049 characters; AWS takes 2048"):
        granted(f"session_policy: '{policy_of(2049 - len(arn))}', policy_arns: [{arn}]")


def test_a_template_into_several_partitions_grants_only_where_the_policy_exists() -> None:
    grant = "{role: '{account}/ReadOnly', policy_arns: ['arn:aws-cn:iam::aws:policy/ReadOnlyAccess']}"
    rules = rule_set(rule('{group_template: "read#{account}"}', grant))
    who = identity(groups=("read#111111111111", "read#333333333333"))

    assert keys(rules, who) == ("333333333333/ReadOnly",)
    assert "111111111111/ReadOnly: the policy arn:aws-cn:iam::aws:policy/ReadOnlyAccess cannot be used" in why(
        rules, who
    )


BAD_POLICIES = [
    ("'{'", "is not JSON"),
    ("'[]'", "must be an object"),
    ('\'{"Version":"2012-10-17","Version":"2012-10-17"}\'', "twice"),
    ("{Statement: [{Effect: Allow, Action: a, Resource: b}]}", "needs Version 2012-10-17"),
    ("{Version: 2012-10-17, Statement: []}", "needs a Statement"),
    ("{Version: 2012-10-17, Statement: [{Effect: allow, Action: a, Resource: b}]}", "needs Effect"),
    ("{Version: 2012-10-17, Statement: [{Effect: Allow, Resource: b}]}", "either Action or NotAction"),
    ("{Version: 2012-10-17, Statement: [{Effect: Allow, Action: a}]}", "either Resource or NotResource"),
    (
        "{Version: 2012-10-17, Statement: [{Effect: Allow, Action: a, Resource: b, Principal: c}]}",
        "'Principal' is not allowed in",
    ),
    ("{Version: 2012-10-17, Statement: [{Effect: Allow, Action: [], Resource: b}]}", "text or a list of texts"),
    ("{Version: 2012-10-17, Statement: [{Effect: Allow, Acton: a, Resource: b}]}", "did you mean 'Action'?"),
    (
        "{Version: 2012-10-17, Statement: [{Effect: Allow, Action: 's3:*', Resource: 'arn:aws:s3:::\u0436'}]}",
        "beyond U+00FF",
    ),
    ("'" + "[" * 100_000 + "'", "is not JSON"),
]


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        ("{}", "either `role` or `roles`"),
        (f"{{role: {ADMIN}, roles: [{ADMIN}]}}", "either `role` or `roles`"),
        ("{roles: []}", "must not be empty"),
        ("{role: '111111111111'}", "is not a role"),
        ("{role: '11111111111/Administrator'}", "is not a role"),
        ("{role: '*/*'}", "names no role"),
        ("{role: '111111111111/*'}", "names no role"),
        ("{role: '*/Admin*'}", "is not a role"),
        ("{role: '1*/Administrator'}", "is not a role"),
        ("{role: '999999999999/Administrator'}", "is not in the register"),
        ("{role: '111111111111/Administrater'}", "did you mean 'Administrator'?"),
        ("{role: '111111111111/administrator'}", "allows no role"),
        ("{role: '{account}/Administrator'}", "{account} is not bound"),
        ("{role: '111111111111/{role}'}", "{role} is not bound"),
        (f"{{role: {ADMIN}, max_duraton: 1h}}", "did you mean 'max_duration'?"),
        (f"{{role: {ADMIN}, max_duration: 14m}}", "between 15m and 12h"),
        (f"{{role: {ADMIN}, max_duration: 12h1s}}", "between 15m and 12h"),
        (f"{{role: {ADMIN}, tags: [a]}}", "`key: value` lines"),
        (f"{{role: {ADMIN}, tags: {{Team: a, team: b}}}}", "does not tell case apart"),
        (f"{{role: {ADMIN}, tags: {{'Aws:x': a}}}}", "keeps for itself"),
        (f"{{role: {ADMIN}, tags: {{'a;b': a}}}}", "AWS allows in no tag"),
        (f"{{role: {ADMIN}, tags: {{{'k' * 129}: a}}}}", "more than 128"),
        (f"{{role: {ADMIN}, tags: {{a: 'x;y'}}}}", "AWS allows in no tag"),
        (f"{{role: {ADMIN}, tags: {{a: '{{nam}}'}}}}", "did you mean 'name'?"),
        (f"{{role: {ADMIN}, tags: {{a: '{{attribute.}}'}}}}", "unknown placeholder"),
        (f"{{role: {ADMIN}, tags: {{{', '.join(f'k{n}: v' for n in range(51))}}}}}", "AWS takes 50"),
        (f"{{role: {ADMIN}, tags: {{a: b}}, transitive_tags: [A]}}", "not among `tags`"),
        (f"{{role: {ADMIN}, source_identity: everybody}}", "must name the person"),
        (f"{{role: {ADMIN}, source_identity: '{{connection}}'}}", "must name the person"),
        (f"{{role: {ADMIN}, policy_arns: ['arn:aws:iam::aws:role/x']}}", "not the ARN of a managed policy"),
        (f"{{role: {ADMIN}, policy_arns: ['arn:aws:iam::aws:policy/*']}}", "not the ARN of a managed policy"),
        (f"{{role: {ADMIN}, policy_arns: ['arn:aws-cn:iam::aws:policy/x']}}", "cannot be used in account 111111111111"),
        (f"{{role: {ADMIN}, policy_arns: ['arn:aws:iam::222222222222:policy/x']}}", "cannot be used in account"),
        (
            f"{{role: {ADMIN}, policy_arns: [{', '.join(f'arn:aws:iam::aws:policy/{n}' for n in range(11))}]}}",
            "takes 10",
        ),
        *((f"{{role: {ADMIN}, session_policy: {policy}}}", reason) for policy, reason in BAD_POLICIES),
    ],
)
def test_a_mistaken_grant_is_refused_with_its_line_and_reason(grant, reason) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        rule_set(rule(ME, grant))

    assert refused.value.detail.startswith("line 6: ")
    assert reason in refused.value.detail


def test_a_session_policy_stays_a_policy_after_its_compaction() -> None:
    policy = granted(
        "session_policy: {Version: 2012-10-17, Statement: {Effect: Deny, NotAction: 's3:*', Resource: '*'}}"
    ).policy

    assert json.loads(policy)["Statement"] == {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}
