"""What AWS would refuse is refused when files are loaded: each row of the table in docs/rules.md, beside its twin.

Each case changes one text of good files into another one that AWS takes, and into one that it does not.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from mapping_factories import CONNECTIONS, NOW, REGISTER_TEXT, identity, keys, rule, rules_text

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet, load_register, load_rules
from federation_bridge.mapping.policy_language import OPERATORS
from federation_bridge.sandbox.aws.policy import conditions
from federation_bridge.sandbox.aws.policy.document import parse_policy

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
ISSUER = "https://bridge.example.com"
RULES = rules_text(
    rule(
        "{person: s-1}",
        """
      role: "111111111111/Administrator"
      max_duration: 2h
      tags:
        team: ops
        cost: {value: "{attribute.cost}", one_of: [a, b]}
      transitive_tags: [team]
      source_identity: "{subject}"
      policy_arns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
      session_policy:
        Version: "2012-10-17"
        Statement:
          - Sid: Read
            Effect: Allow
            Action: s3:GetObject
            Resource: arn:aws:s3:::my-bucket/*
            Condition: {StringEquals: {aws:RequestedRegion: eu-central-1}}""",
    )
)


@dataclass(frozen=True)
class Case:
    """One row of the documented table."""

    row: str
    there: str
    twin: str
    """Good too, at the limit where there is one."""
    wrong: str
    reason: str
    is_register: bool = False

    def loaded(self, instead: str) -> RuleSet:
        """The files with another text in one place."""
        assert self.there in (REGISTER_TEXT if self.is_register else RULES), self.row
        register = REGISTER_TEXT.replace(self.there, instead, 1) if self.is_register else REGISTER_TEXT
        rules = RULES if self.is_register else RULES.replace(self.there, instead, 1)
        return load_rules(rules, load_register(register, ISSUER), CONNECTIONS)

    def place(self) -> tuple[int, int]:
        """Line and column where the changed text begins, from 1."""
        text = REGISTER_TEXT if self.is_register else RULES
        before = text[: text.index(self.there)]
        return before.count("\n") + 1, len(before) - before.rfind("\n")


def in_register(row: str, there: str, twin: str, wrong: str, reason: str) -> Case:
    return Case(row, there, twin, wrong, reason, is_register=True)


ROLE = "{name: ReadOnly, path: /teams/, max_session: 4h}"
ARN = "arn:aws:iam::aws:policy/ReadOnlyAccess"
RESOURCE = "arn:aws:s3:::my-bucket/*"
CONDITION = "{StringEquals: {aws:RequestedRegion: eu-central-1}}"


TEN = ", ".join(f"'{ARN[:24]}{n}'" for n in range(10))


def many(count: int) -> str:
    return f"{{cost: x, team: x, {', '.join(f'k{n}: v' for n in range(count - 2))}}}"


TAGS = RULES[RULES.index("tags:\n") : RULES.index("        transitive")]
CASES = [
    in_register("account id", '"222222222222"', "222222222222", '"2222"', "12 digits"),
    in_register("partition", "partition: aws-cn", "partition: 'aws-cn'", "partition: aws-ch", "did you mean 'aws-cn'?"),
    in_register(
        "provider",
        "arn:aws:iam::111111111111:saml-provider/bridge",
        f"arn:aws:iam::111111111111:saml-provider/{'x' * 128}",
        f"arn:aws:iam::111111111111:saml-provider/{'x' * 129}",
        "is not the ARN of an IAM SAML or OIDC provider",
    ),
    in_register(
        "provider's account",
        "arn:aws:iam::111111111111:saml-provider/bridge",
        "arn:aws:iam::111111111111:saml-provider/other",
        "arn:aws:iam::111111111112:saml-provider/bridge",
        "belongs to account 111111111112, not to 111111111111",
    ),
    in_register(
        "OIDC provider",
        "arn:aws:iam::222222222222:oidc-provider/bridge.example.com",
        "'arn:aws:iam::222222222222:oidc-provider/bridge.example.com'",
        "arn:aws:iam::222222222222:oidc-provider/bridge.example.org",
        "did you mean 'arn:aws:iam::222222222222:oidc-provider/bridge.example.com'?",
    ),
    in_register(
        "region", "eu-central-1", "eu-central-2", "eu-centrall-1", "did you mean 'eu-central-1'?"
    ),
    in_register("region's partition", "eu-central-1", "us-east-1", "cn-north-1", "it belongs to aws-cn"),
    in_register("role name", ROLE, f"{{name: {'r' * 64}}}, ReadOnly", f"{{name: {'r' * 65}}}, ReadOnly", "at most 64"),
    in_register("role path", "/teams/", f"/{'p' * 510}/", f"/{'p' * 511}/", "at most 512 characters"),
    in_register("two roles of one name", ROLE, ROLE, f"{ROLE}, readonly", "stands here twice"),
    in_register("AWS's own roles", ROLE, f"{ROLE}, AWSReserved", f"{ROLE}, AWSReservedSSO_A", "keeps for itself"),
    in_register(
        "AWS's own paths", "/teams/", "/aws-teams/", "/aws-reserved/sso.amazonaws.com/", "nobody but AWS can assume it"
    ),
    in_register("comma with a SAML provider", ROLE, f"{ROLE}, 'a+b'", f"{ROLE}, 'a,b'", "has a comma"),
    in_register("MaxSessionDuration", "max_session: 4h", "max_session: 12h", "max_session: 59m", "between 1h and 12h"),
    Case("duration", "max_duration: 2h", "max_duration: 15m", "max_duration: 14m59s", "between 15m and 12h"),
    Case("number of tags", TAGS, f"tags: {many(50)}\n", f"tags: {many(51)}\n", "AWS takes 50"),
    Case("tag key", "        cost:", f"        {'k' * 128}:", f"        {'k' * 129}:", "more than 128"),
    Case("tag key's letters", "        cost:", "        'c o:s/t':", "        'c;t':", "AWS allows in no tag"),
    Case("tag key's beginning", "        cost:", "        awscost:", "        'aws:cost':", "keeps for itself"),
    Case("two tags of one key", "        cost:", "        team2:", "        Team:", "does not tell case apart"),
    Case("tag value", "team: ops", f"team: {'v' * 256}", f"team: {'v' * 257}", "more than 256"),
    Case("tag value's letters", "team: ops", "team: 'é 九 _.:/=+-@'", "team: 'a*'", "AWS allows in no tag"),
    Case("tag value's beginning", "team: ops", "team: aws", "team: 'aws:{subject}'", "keeps for itself"),
    Case("tag value's ends", "team: ops", "team: '{subject} x'", "team: ' ops'", "blank"),
    Case("transitive tags", "[team]", "[cost]", "[Team]", "did you mean 'team'?"),
    Case("source identity", '"{subject}"', '"{connection}={subject}"', '"{connection}:{subject}"', "has ':'"),
    Case(
        "source identity's length", '"{subject}"', f'"{"x" * 61}{{subject}}"', f'"{"x" * 64}{{subject}}"', "is longer"
    ),
    Case("number of policies", f'"{ARN}"', TEN, f"{TEN}, '{ARN}'",
         "AWS takes 10"),
    Case("policy ARN", ARN, "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess", "arn:aws:iam::aws:role/x",
         "is not the ARN of a managed policy"),
    Case("policy's partition", ARN, "arn:aws:iam::111111111111:policy/own", "arn:aws-cn:iam::aws:policy/ReadOnlyAccess",
         "cannot be used in account 111111111111"),
    Case("policies' length", "Sid: Read", f"Sid: {'x' * 1700}", f"Sid: {'x' * 2000}", "AWS takes 2048 in all"),
    Case("policy's letters", "my-bucket", "my-bücket", "my-bu\u010dket", "beyond U+00FF"),
    Case("Version", '        Version: "2012-10-17"\n', "        Version: 2012-10-17\n", "", "needs Version 2012-10-17"),
    Case("Principal", "Effect: Allow", "Effect: Deny",
         "Principal: '*'\n              Effect: Allow", "names nobody"),
    Case("keys of a statement", "            Action:", "            NotAction:", "            Actions:",
         "did you mean 'Action'?"),
    Case("Effect", "Effect: Allow", "Effect: Deny", "Effect: allow", "did you mean 'Allow'?"),
    Case("Sid", "Sid: Read", "Sid: Read2", "Sid: read-it", "only A-Z a-z 0-9"),
    Case("two statements of one Sid", "- Sid: Read\n",
         "- {Sid: Reed, Effect: Deny, Action: 'x:*', Resource: '*'}\n            - Sid: Read\n",
         "- {Sid: Read, Effect: Deny, Action: 'x:*', Resource: '*'}\n            - Sid: Read\n",
         "the Sid 'Read' stands in `session_policy` twice"),
    Case("Action", "s3:GetObject", "s3:Get*", "GetObject", "did you mean 's3:GetObject'?"),
    Case("Resource", RESOURCE, '"*"', "my-bucket", "did you mean 'arn:aws:s3:::my-bucket'?"),
    Case("Resource's partition", RESOURCE, "arn:*:s3:::b", "arn:aws-cn:s3:::b", "is in partition aws-cn"),
    Case("condition operator", CONDITION, "{'ForAnyValue:StringLikeIfExists': {aws:TagKeys: a}}",
         "{StringEqual: {aws:RequestedRegion: eu-central-1}}", "did you mean 'StringEquals'?"),
    Case("condition key", CONDITION, "{Bool: {aws:SecureTransport: true}}", "{StringEquals: {SourceIp: a}}",
         "did you mean 'aws:SourceIp'?"),
    Case("condition value", CONDITION, "{StringEquals: {aws:RequestedRegion: [a, b]}}",
         "{StringEquals: eu-central-1}", "needs `key: value` lines"),
    Case("token's length", "", "", "", ""),
]  # fmt: skip
EXACT = {"provider", "OIDC provider", "region", "source identity", "Action", "Resource"}
"""Cases whose changed text is the very value that is refused."""
NOT_BY_TEXT = {"token's length"}
BY_TEXT = [case for case in CASES if case.row not in NOT_BY_TEXT]


@pytest.mark.parametrize("case", BY_TEXT, ids=lambda case: case.row)
def test_what_aws_would_refuse_is_refused_at_loading_with_its_place(case: Case) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        case.loaded(case.wrong)
    assert case.reason in refused.value.detail
    assert re.fullmatch(r"line \d+: .*\(column \d+\)", refused.value.detail, re.DOTALL)


@pytest.mark.parametrize("case", BY_TEXT, ids=lambda case: case.row)
def test_its_legal_twin_is_taken(case: Case) -> None:
    rules = case.loaded(case.twin)
    assert rules.rules
    if not case.is_register and case.twin != case.there and "attribute" not in case.twin:
        who = identity(attributes={"cost": ("a",)}, subject="s-1")
        assert keys(rules, who, NOW) == ("111111111111/Administrator",)


def test_the_documented_table_has_a_row_for_each_case_and_no_other() -> None:
    section = PAGE.partition("## What AWS would refuse\n")[2].partition("\n## ")[0]
    table = section.partition("| limit |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert rows == [case.row for case in CASES]


def test_a_json_text_is_judged_like_yaml() -> None:
    good = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}'
    for there, instead, reason in (
        ('"s3:*"', '"GetObject"', "did you mean 's3:GetObject'?"),
        ('"Allow"', '"allow"', "did you mean 'Allow'?"),
        ('"*"', "null", "must be a text"),
        ('"*"', '[["*"]]', "must be a text"),
        ('"*"}', '"*","Condition":{"Boolean":{"aws:SecureTransport":true}}}', "did you mean 'Bool'?"),
    ):
        assert there in good
        grant = "{role: '111111111111/Administrator', session_policy: '%s'}"
        load_rules(rules_text(rule("{person: x}", grant % good)), load_register(REGISTER_TEXT), CONNECTIONS)
        with pytest.raises(ConfigurationInvalid, match=re.escape(reason)):
            wrong = grant % good.replace(there, instead)
            load_rules(rules_text(rule("{person: x}", wrong)), load_register(REGISTER_TEXT), CONNECTIONS)


def test_our_operators_are_those_of_the_sandbox() -> None:
    assert OPERATORS == conditions.OPERATORS


def test_what_we_take_the_sandbox_takes_too() -> None:
    (found,) = Case("", "Sid: Read", "", "", "").loaded("Sid: Read").rules
    assert found.grant.policy is not None
    assert parse_policy(found.grant.policy.text).statements


def oidc_rules(tags: str) -> RuleSet:
    grant = f"{{role: '222222222222/Developer', tags: {tags}}}"
    return load_rules(rules_text(rule("{person: s-1}", grant)), load_register(REGISTER_TEXT), CONNECTIONS)


def test_tags_that_no_token_can_hold_are_refused_and_those_that_may_not_fit_are_a_caution() -> None:
    def of(count: int, value: str, key: str = "k") -> str:
        return f"{{{', '.join(f'{key}{n}: {value}' for n in range(count))}}}"

    with pytest.raises(ConfigurationInvalid, match=r"web identity token of \d+ characters or more; AWS takes 20000"):
        oidc_rules(of(50, "é" * 60))
    assert not [one for one in oidc_rules(of(10, "x" * 200)).cautions() if "web identity token" in one]
    assert [
        one
        for one in oidc_rules(of(50, "'{attribute.a}'", "a-key-that-is-much-longer-")).cautions()
        if "web identity token of 1" in one or "2" in one
    ]
    on_saml = load_rules(
        rules_text(rule("{person: s-1}", f"{{role: '111111111111/Administrator', tags: {of(50, 'é' * 200)}}}")),
        load_register(REGISTER_TEXT),
        CONNECTIONS,
    )
    assert not [one for one in on_saml.cautions() if "web identity token" in one]


def test_an_account_name_that_aws_takes_in_no_tag_is_refused_or_a_caution() -> None:
    register = load_register(REGISTER_TEXT.replace("name: Production", "name: R&D"))

    def of(grant: str, when: str = "{person: s-1}") -> RuleSet:
        return load_rules(rules_text(rule(when, grant)), register, CONNECTIONS)

    tag = "tags: {account: '{account_name}'}"
    with pytest.raises(ConfigurationInvalid, match=r"line 6: the value of tag 'account' has '&'"):
        of(f"{{role: '111111111111/Administrator', {tag}}}")
    assert of(f"{{role: '222222222222/Administrator', {tag}}}").rules
    reason = "the value of tag 'account' has '&', which AWS allows in no tag"
    both = of(f"{{roles: ['111111111111/Administrator', '222222222222/Administrator'], {tag}}}")
    assert [one for one in both.cautions() if "can never be granted" in one] == [
        f"rule r: 111111111111/Administrator can never be granted: {reason}"
    ]
    with pytest.raises(ConfigurationInvalid, match="the source identity has '&'"):
        of("{role: '111111111111/Administrator', source_identity: '{account_name}-{subject}'}")


def test_a_policy_that_may_not_pack_is_a_caution() -> None:
    def cautions(length: int) -> list[str]:
        digests = (hashlib.sha512(bytes([number])).digest() for number in range(30))
        letters = base64.b64encode(b"".join(digests)).decode()[:length]
        policy = f"Statement: {{Effect: Allow, Action: 's3:*', Resource: 'arn:aws:s3:::{letters}'}}"
        grant = f"{{role: '111111111111/Administrator', session_policy: {{Version: '2012-10-17', {policy}}}}}"
        rules = load_rules(rules_text(rule("{person: x}", grant)), load_register(REGISTER_TEXT), CONNECTIONS)
        return [one for one in rules.cautions() if "PackedPolicyTooLarge" in one]

    assert cautions(700) == []
    assert len(cautions(1900)) == 1


@pytest.mark.parametrize("case", [one for one in BY_TEXT if one.row in EXACT], ids=lambda case: case.row)
def test_the_place_is_that_of_the_value(case: Case) -> None:
    line, column = case.place()
    with pytest.raises(ConfigurationInvalid, match=rf"^line {line}: .*\(column {column}\)$"):
        case.loaded(case.wrong)
