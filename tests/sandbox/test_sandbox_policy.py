"""The policy language of the local AWS: documents, conditions, patterns and the decision, as tables."""

# ruff: noqa: E501, RUF001 - the rows of a table stay on one line; odd digits are the point of their case

from __future__ import annotations

import json
from typing import Any

import pytest
from local_aws_factories import allow, policy
from work_factories import lines_executed

from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.policy.conditions import OPERATORS, holds, read_conditions
from federation_bridge.sandbox.aws.policy.document import parse_policy
from federation_bridge.sandbox.aws.policy.evaluation import Request, Verdict, decide
from federation_bridge.sandbox.aws.policy.patterns import arn_matches, matches

ARN = "arn:aws:s3:::reports/team/b.txt"
ROLE = "arn:aws:iam::111122223333:role/Reader"


def _holds(operator: str, wanted: Any, given: tuple[str, ...] = (), **more: tuple[str, ...]) -> bool:
    (condition,) = read_conditions({operator: {"Example:Key": wanted}})
    context = {"example:key": given, **more} if given else more
    return holds(condition, context)


# fmt: off
CASES = [
    ("StringEquals", "a", "a", True), ("StringEquals", "a", "A", False), ("StringEquals", ["b", "a"], "a", True),
    ("StringEquals", "a*", "ab", False), ("StringEquals", "${*}", "*", True),
    ("StringNotEquals", "a", "b", True), ("StringNotEquals", ["b", "a"], "a", False),
    ("StringEqualsIgnoreCase", "aB", "Ab", True), ("StringEqualsIgnoreCase", "a", "b", False),
    ("StringNotEqualsIgnoreCase", "a", "A", False), ("StringNotEqualsIgnoreCase", "a", "b", True),
    ("StringLike", "a*c?", "abbbcd", True), ("StringLike", "a*c?", "abbbc", False), ("StringLike", "A*", "ab", False),
    ("StringLike", "a${*}", "ab", False), ("StringLike", "a${?}", "a?", True), ("StringLike", "", "a", False),
    ("StringNotLike", "a*", "b", True), ("StringNotLike", "a*", "ab", False),
    ("NumericEquals", "10", "10.0", True), ("NumericEquals", 10, "11", False), ("NumericEquals", "x", "10", False),
    ("NumericNotEquals", "10", "11", True), ("NumericNotEquals", "10", "10", False),
    ("NumericLessThan", "10", "9", True), ("NumericLessThan", "10", "10", False),
    ("NumericLessThanEquals", "10", "10", True), ("NumericLessThanEquals", "10", "11", False),
    ("NumericGreaterThan", "10", "100", True), ("NumericGreaterThan", "10", "9", False),
    ("NumericGreaterThanEquals", "10", "10", True), ("NumericGreaterThanEquals", "10", "9", False),
    ("NumericEquals", "10", "１０", False),
    ("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01", True), ("DateEquals", "2026-01-01", "1767225600", True),
    ("DateEquals", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z", True), ("DateEquals", "soon", "2026-01-01", False),
    ("DateNotEquals", "2026-01-01", "2026-01-02", True), ("DateNotEquals", "2026-01-01", "2026-01-01", False),
    ("DateLessThan", "2026-01-02", "2026-01-01T23:59:59Z", True), ("DateLessThan", "2026-01-02", "2026-01-02", False),
    ("DateLessThanEquals", "2026-01-02", "2026-01-02", True), ("DateLessThanEquals", "2026-01-02", "2026-01-03", False),
    ("DateGreaterThan", "2026-01-02", "2026-01-03", True), ("DateGreaterThan", "2026-01-02", "2026-01-02", False),
    ("DateGreaterThanEquals", "2026-01-02", "2026-01-02", True), ("DateGreaterThanEquals", "2026-13-02", "2026-01-02", False),
    ("Bool", "true", "TRUE", True), ("Bool", True, "true", True), ("Bool", "false", "true", False),
    ("BinaryEquals", "YQ==", "YQ==", True), ("BinaryEquals", "YQ==", "Yg==", False), ("BinaryEquals", "?", "YQ==", False),
    ("IpAddress", "10.0.0.0/8", "10.1.2.3", True), ("IpAddress", "10.0.0.1", "10.0.0.2", False),
    ("IpAddress", "10.0.0.0/8", "::1", False), ("IpAddress", "not an address", "10.1.2.3", False),
    ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", True), ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
    ("ArnEquals", ROLE, ROLE, True), ("ArnEquals", ROLE, "arn:aws:iam::1:role/x", False), ("ArnEquals", "arn:aws:iam::*:role/*", ROLE, True),
    ("ArnLike", "arn:aws:iam::1111*:role/R?ader", ROLE, True), ("ArnLike", "arn:aws:*:role/Reader", ROLE, False),
    ("ArnLike", "*", ROLE, False),
    ("ArnNotEquals", ROLE, ROLE, False), ("ArnNotEquals", "arn:aws:iam::2:role/Other", ROLE, True),
    ("ArnNotLike", "arn:aws:iam::*:role/*", ROLE, False), ("ArnNotLike", "arn:aws:sts::*:role/*", ROLE, True),
    ("Null", "false", "a", True), ("Null", "true", "a", False),
]
# fmt: on


@pytest.mark.parametrize(("operator", "wanted", "given", "expected"), CASES)
def test_an_operator_compares_as_iam_documents_it(operator: str, wanted: Any, given: str, expected: bool) -> None:
    assert _holds(operator, wanted, (given,)) is expected


def test_every_operator_is_in_the_table_with_a_yes_and_a_no() -> None:
    assert {(operator, expected) for operator, _, _, expected in CASES} >= {
        (operator, expected) for operator in OPERATORS for expected in (True, False)
    }


NEGATIVE = [name for name in OPERATORS if "Not" in name]
POSITIVE = [name for name in OPERATORS if "Not" not in name and name != "Null"]


@pytest.mark.parametrize("operator", sorted(POSITIVE))
def test_an_absent_key_fails_a_positive_operator_unless_it_says_if_exists(operator: str) -> None:
    assert not _holds(operator, "1")
    assert _holds(f"{operator}IfExists", "1")
    assert not _holds(f"ForAnyValue:{operator}", "1")
    assert _holds(f"ForAllValues:{operator}", "1")


@pytest.mark.parametrize("operator", sorted(NEGATIVE))
def test_an_absent_key_meets_a_negated_operator(operator: str) -> None:
    assert _holds(operator, "1")
    assert _holds(f"{operator}IfExists", "1")
    assert not _holds(f"ForAnyValue:{operator}", "1")


def test_null_asks_whether_the_key_is_there() -> None:
    assert _holds("Null", "true")
    assert not _holds("Null", "false")


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("ForAnyValue:StringEquals", ["a", "b"], ("b", "c"), True),
        ("ForAnyValue:StringEquals", ["a", "b"], ("c", "d"), False),
        ("ForAllValues:StringEquals", ["a", "b"], ("b", "a"), True),
        ("ForAllValues:StringEquals", ["a", "b"], ("b", "c"), False),
        ("ForAllValues:StringNotEquals", ["a", "b"], ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ["a", "b"], ("c", "a"), False),
        ("ForAnyValue:StringNotEquals", ["a", "b"], ("a", "c"), True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], ("a", "b"), False),
        ("foranyvalue:stringlike", ["x*"], ("xy",), True),
        ("StringEqualsIfExists", "a", ("b",), False),
    ],
)
def test_set_operators_look_at_each_value_of_the_request(
    operator: str, wanted: list[str], given: tuple[str, ...], expected: bool
) -> None:
    assert _holds(operator, wanted, given) is expected


def test_a_variable_takes_its_value_from_the_request() -> None:
    assert _holds("StringEquals", "${aws:PrincipalTag/team}", ("red",), **{"aws:principaltag/team": ("red",)})
    assert not _holds("StringEquals", "${aws:PrincipalTag/team}", ("red",), **{"aws:principaltag/team": ("blue",)})
    assert not _holds("StringEquals", "${aws:PrincipalTag/team}", ("red",))
    assert _holds("StringEquals", "${aws:PrincipalTag/team, 'red'}", ("red",))


def test_what_a_variable_brings_is_never_a_wildcard() -> None:
    assert not _holds("StringLike", "${aws:PrincipalTag/team}", ("blue",), **{"aws:principaltag/team": ("*",)})
    assert _holds("StringLike", "${aws:PrincipalTag/team}", ("*",), **{"aws:principaltag/team": ("*",)})


def test_documents_of_the_old_version_have_no_variables() -> None:
    old = {"Version": "2008-10-17", "Statement": [allow("s3:*", resource="arn:aws:s3:::${aws:username}/*")]}
    request = Request("s3:GetObject", "arn:aws:s3:::alice/x", {"aws:username": ("alice",)})
    assert decide([parse_policy(json.dumps(old))], request) is Verdict.SILENT
    new = {**old, "Version": "2012-10-17"}
    assert decide([parse_policy(json.dumps(new))], request) is Verdict.ALLOWED


# ------------------------------------------------------------------------------------------------------------ decision


def _decide(*statements: dict[str, Any], action: str = "s3:GetObject", resource: str = ARN, **keys: str) -> Verdict:
    context = {name.replace("_", ":").lower(): (text,) for name, text in keys.items()}
    return decide([parse_policy(json.dumps(policy(*statements)))], Request(action, resource, context))


DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}


def test_silence_is_a_no() -> None:
    assert _decide(allow("s3:PutObject")) is Verdict.SILENT


def test_an_explicit_deny_wins_wherever_it_stands() -> None:
    assert _decide(allow("s3:*"), DENY) is Verdict.DENIED
    assert _decide(DENY, allow("s3:*")) is Verdict.DENIED


def test_a_deny_whose_condition_is_not_met_denies_nothing() -> None:
    unmet = {**DENY, "Condition": {"StringEquals": {"aws:SourceIdentity": "bob"}}}
    assert _decide(allow("s3:*"), unmet, aws_SourceIdentity="alice") is Verdict.ALLOWED
    assert _decide(allow("s3:*"), unmet, aws_SourceIdentity="bob") is Verdict.DENIED


def test_all_conditions_of_a_statement_must_hold() -> None:
    both = {"StringEquals": {"a:b": "1", "a:c": "2"}, "Bool": {"a:d": "true"}}
    assert _decide(allow("s3:*", Condition=both), a_b="1", a_c="2", a_d="true") is Verdict.ALLOWED
    assert _decide(allow("s3:*", Condition=both), a_b="1", a_c="2", a_d="false") is Verdict.SILENT


@pytest.mark.parametrize(
    ("action", "fits"),
    [("S3:getobject", True), ("s3:Get*", True), ("*", True), ("s3:?etObject", True), ("s3:GetObjects", False)],
)
def test_actions_are_compared_without_regard_to_case(action: str, fits: bool) -> None:
    assert (_decide(allow(action)) is Verdict.ALLOWED) is fits


@pytest.mark.parametrize(
    ("resource", "fits"),
    [
        (ARN, True),
        ("arn:aws:s3:::reports/*", True),
        ("arn:aws:s3:::Reports/*", False),
        ("arn:aws:s3:::reports", False),
        ("arn:aws-cn:s3:::reports/*", False),
    ],
)
def test_resources_are_compared_part_by_part_and_with_case(resource: str, fits: bool) -> None:
    assert (_decide(allow("s3:*", resource=resource)) is Verdict.ALLOWED) is fits


def test_not_action_and_not_resource_mean_everything_else() -> None:
    other = {"Effect": "Allow", "NotAction": "s3:Put*", "NotResource": "arn:aws:s3:::secret/*"}
    assert _decide(other) is Verdict.ALLOWED
    assert _decide(other, action="s3:PutObject") is Verdict.SILENT
    assert _decide(other, resource="arn:aws:s3:::secret/x") is Verdict.SILENT


# ----------------------------------------------------------------------------------------------------------- documents


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "NaN",
        "[" * 5000,
        '{"Statement": []}',
        '{"Statement": 1}',
        '{"Version": "2013-01-01", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}',
        '{"Other": 1, "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "allow", "Action": "s3:*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "GetObject", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": [], "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": [1], "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "NotAction": "s3:*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "s3:*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "reports"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Like": {"a:b": "c"}}}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"ab": "c"}}}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a:b": {}}}}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"NullIfExists": {"a:b": "true"}}}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": []}]}',
    ],
    ids=lambda text: text[:90],
)
def test_a_document_that_iam_would_not_take_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_policy(text)
    assert refused.value.code == "MalformedPolicyDocument"


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}, "Resource": "*"},
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Person": "alice"}},
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "alice"},
    ],
)
def test_a_trust_policy_names_principals_and_no_resource(statement: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        parse_policy(json.dumps(policy(statement)), "trust")


# ------------------------------------------------------------------------------------------------------------ patterns


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a**b", "ab", True),
        ("*", "", True),
        ("?", "", False),
        ("a.c", "abc", False),
        ("a\nb", "a\nb", True),
        ("a", "a\n", False),
    ],
)
def test_only_star_and_question_mark_are_wildcards(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


def test_an_arn_with_too_few_parts_fits_nothing() -> None:
    assert not arn_matches("arn:aws:s3", "arn:aws:s3")


def test_no_pattern_stalls() -> None:
    assert lines_executed(lambda: matches("*a" * 1000 + "b", "a" * 6000)) < 500_000
    assert lines_executed(lambda: matches("*?" * 300 + "b", "a" * 3000)) < 500_000
    assert not matches("*a" * 1000 + "b", "a" * 6000)
