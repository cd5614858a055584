"""Every condition: who meets it, who does not, who cannot be known to, and what each is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from mapping_factories import NOW, identity, keys, rule, rule_set, why

from federation_bridge.errors import ConfigurationInvalid

GAP = {"groups_gap": "there are more than 150"}
LEFT_OUT = {"groups_left_out": "one has U+000A"}
CASES = [
    ("{group: admins}", {"groups": ("admins",)}, True, "you are in group 'admins'"),
    ("{group: admins}", {"groups": ("Admins",)}, False, "you are not in group 'admins'"),
    ("{group: admins}", {}, False, "you are not in group 'admins'"),
    ("{group: admins}", GAP, False, "your groups are incomplete: there are more than 150"),
    ("{group: admins}", {"groups": ("admins",), **GAP}, False, "your groups are incomplete"),
    ("{group: admins}", {"groups": ("admins",), **LEFT_OUT}, True, "you are in group 'admins'"),
    ("{group: admins}", {"groups": ("users",), **LEFT_OUT}, False, "your groups are incomplete: one has U+000A"),
    ("{group_template: 'aws#{account}#{role}'}", LEFT_OUT, False, "your groups are incomplete: one has U+000A"),
    ("{not: {group: guests}}", {"groups": ("admins",), **LEFT_OUT}, False, "your groups are incomplete"),
    ("{not: {group: guests}}", {"groups": ("guests",), **LEFT_OUT}, False, "which the rule excludes"),
    ("{not: {not: {group: guests}}}", {"groups": ("guests",), **LEFT_OUT}, True, "guests"),
    ("{not: {group: guests}}", {"groups": ("admins",)}, True, "you are not in group 'guests'"),
    ("{not: {group: guests}}", {"groups": ("guests",)}, False, "which the rule excludes"),
    ("{not: {group: guests}}", GAP, False, "your groups are incomplete"),
    ("{not: {not: {group: guests}}}", GAP, False, "your groups are incomplete"),
    ("{attribute: {name: dep, equals: ops}}", {"attributes": {"dep": ("dev", "ops")}}, True, "your attribute 'dep'"),
    ("{attribute: {name: dep, one_of: [a, ops]}}", {"attributes": {"dep": ("ops",)}}, True, "is 'ops'"),
    ("{attribute: {name: dep, equals: ops}}", {"attributes": {"dep": ("dev",)}}, False, "is not 'ops'"),
    ("{attribute: {name: dep, equals: ops}}", {}, False, "carries no attribute 'dep'"),
    ("{not: {attribute: {name: dep, equals: ops}}}", {}, False, "carries no attribute 'dep'"),
    ("{not: {attribute: {name: dep, equals: ops}}}", {"attributes": {"dep": ("dev",)}}, True, "is not 'ops'"),
    ("{person: s-1}", {}, True, "you are the person 's-1'"),
    ("{person: [s-2, s-1]}", {}, True, "you are the person 's-1'"),
    ("{person: s-2}", {}, False, "names other people"),
    ("{email_domain: example.com}", {"email": "k@Example.com", "email_is_verified": True}, True, "at example.com"),
    ("{email_domain: example.com}", {"email": "k@example.com"}, False, "is not verified"),
    ("{email_domain: example.com}", {"email": "k@example.com", "email_is_verified": "false"}, False, "not verified"),
    ("{email_domain: example.com}", {"email": "k@a.example.com", "email_is_verified": True}, False, "is not at"),
    ("{email_domain: example.com}", {"email": "k@x@example.com", "email_is_verified": True}, False, "not verified"),
    ("{not: {email_domain: example.com}}", {"email": "k@example.org"}, False, "is not verified"),
    ("{authentication_method: [mfa, hwk]}", {"authn_methods": ("pwd", "mfa")}, True, "you signed in with 'mfa'"),
    ("{authentication_method: mfa}", {"authn_methods": ("pwd",)}, False, "you did not sign in with 'mfa'"),
    ("{not: {authentication_method: pwd}}", {}, False, "does not say how you authenticated"),
    ("{dates: {not_before: 2026-03-11}}", {}, False, "begins at 2026-03-11 00:00:00 UTC"),
    ("{dates: {not_before: 2026-03-10}}", {}, True, "has begun"),
    ("{dates: {not_after: 2026-01-31}}", {}, False, "the rule ended on 2026-01-31"),
    ("{dates: {not_after: 2026-03-10}}", {}, True, "holds until 2026-03-11 00:00:00 UTC"),
    ("{all: [{group: a}, {person: s-1}]}", {"groups": ("a",)}, True, "you are in group 'a'; you are the person"),
    ("{all: [{group: a}, {person: s-2}]}", {"groups": ("a",)}, False, "names other people"),
    ("{any: [{group: a}, {person: s-1}]}", {}, True, "you are the person"),
    ("{any: [{group: a}, {person: s-2}]}", {}, False, "not in group 'a'; the rule names other people"),
    ("{any: [{group: a}, {person: s-1}]}", GAP, True, "you are the person"),
    ("{not: {all: [{group: a}, {person: s-2}]}}", GAP, True, "names other people"),
    ("{not: {any: [{group: a}, {person: s-2}]}}", GAP, False, "incomplete"),
]


@pytest.mark.parametrize(("when", "facts", "is_met", "sentence"), CASES)
def test_a_condition_grants_to_those_who_meet_it_and_tells_everybody_why(when, facts, is_met, sentence) -> None:
    rules = rule_set(rule(when))
    who = identity(**facts)

    assert keys(rules, who) == (("111111111111/Administrator",) if is_met else ())
    assert sentence in why(rules, who)


@pytest.mark.parametrize(
    ("bound", "moment", "holds"),
    [
        ("not_before: 2026-03-10T12:00:00Z", NOW, True),
        ("not_before: 2026-03-10T12:00:00Z", NOW - timedelta(microseconds=1), False),
        ("not_before: 2026-03-10T13:00:00+01:00", NOW, True),
        ("not_after: 2026-03-10T12:00:00Z", NOW, False),
        ("not_after: 2026-03-10", datetime(2026, 3, 11, tzinfo=UTC), False),
        ("not_after: 2026-03-10", datetime(2026, 3, 10, 23, 45, tzinfo=UTC), True),
    ],
)
def test_the_first_instant_of_a_span_belongs_to_it_and_its_end_does_not(bound, moment, holds) -> None:
    assert bool(keys(rule_set(rule(f"{{dates: {{{bound}}}}}")), identity(), moment)) is holds


def test_at_its_end_a_rule_has_ended_and_not_merely_too_little_left() -> None:
    assert why(rule_set(rule("{dates: {not_after: 2026-03-10T12:00:00Z}}")), identity()) == (
        "the rule ended on 2026-03-10T12:00:00Z"
    )


def test_an_entitlement_knows_when_the_rules_dates_end_it() -> None:
    rules = rule_set(rule("{all: [{dates: {not_after: 2026-03-12}}, {dates: {not_after: 2026-03-11}}]}"))

    (entitlement,) = rules.entitlements(identity(), NOW)

    assert entitlement.ends_at == datetime(2026, 3, 12, tzinfo=UTC)


def test_of_several_ways_to_meet_a_rule_the_one_that_lasts_longest_counts() -> None:
    rules = rule_set(rule("{any: [{dates: {not_after: 2026-03-11}}, {person: s-1}]}"))

    assert rules.entitlements(identity(), NOW)[0].ends_at is None


def test_a_rule_under_not_ends_when_what_it_excludes_begins() -> None:
    rules = rule_set(rule("{not: {dates: {not_before: 2026-03-11}}}"))

    assert rules.entitlements(identity(), NOW)[0].ends_at == datetime(2026, 3, 11, tzinfo=UTC)


def test_less_than_fifteen_minutes_before_its_end_a_rule_grants_nothing_that_aws_would_refuse() -> None:
    rules = rule_set(rule("{dates: {not_after: 2026-03-10T12:14:59Z}}"))

    assert keys(rules, identity()) == ()
    assert "ends in less than 15m" in why(rules, identity())


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ("{}", "exactly one name"),
        ("{group: a, person: b}", "exactly one name"),
        ("[group]", "must be written as"),
        ("{grup: a}", "did you mean 'group'?"),
        ("{group: ''}", "must not be empty"),
        ("{group: }", "must not be empty"),
        ("{group: [a]}", "must be a text"),
        ("{group: ' a'}", "begins or ends with a blank"),
        ('{group: "a\\u200bb"}', "U+200B"),
        ('{group: "a\\u3164"}', "U+3164"),
        ('{group: "a\\nb"}', "U+000A"),
        ("{all: []}", "must not be empty"),
        ("{any: {group: a}}", "must be a list"),
        ("{person: [a, a]}", "names the same twice"),
        ("{email_domain: Example.com}", "lower case"),
        ("{email_domain: com}", "not a domain"),
        ("{attribute: {name: a}}", "either `equals` or `one_of`"),
        ("{attribute: {name: a, equals: b, one_of: [c]}}", "either `equals` or `one_of`"),
        ("{attribute: {equals: b}}", "needs `name`"),
        ("{dates: {}}", "needs `not_before`"),
        ("{dates: {not_after: 2026-02-30}}", "is not a date"),
        ("{dates: {not_after: 2026-03-01T10:00:00}}", "neither a date"),
        ("{dates: {not_after: 9999-12-31}}", "is not a date"),
        ("{dates: {not_before: 2026-03-02, not_after: 2026-03-01}}", "ends before it begins"),
        ('{group_template: "aws-admins"}', "needs {account} or {role}"),
        ('{group_template: "aws#{acount}"}', "did you mean 'account'?"),
        ('{group_template: "{role}-{role}"}', "each placeholder once"),
        ('{group_template: "aws{account"}', "opens a brace"),
        ('{group_template: "aws}{account}"}', "did not open"),
        ('{all: [{group_template: "a{role}"}, {group_template: "b{role}"}]}', "bind {role}"),
        ("{all: [" * 30 + "{group: a}" + "]}" * 30, "nested more than"),
    ],
)
def test_a_mistaken_condition_is_refused_with_its_line_and_reason(when, reason) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        rule_set(rule("{group: fine}", name="first"), rule(when))

    assert refused.value.detail.startswith("line 9: ")
    assert reason in refused.value.detail
