"""What holds for any rules at all: the index hides nothing, order decides nothing, more never takes away."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from mapping_factories import NOW, identity, keys, rule, rule_set

GROUPS = ("a", "b", "c", "aws#111111111111#ReadOnly", "aws#222222222222#Developer", "aws#9#x")
LEAVES = (
    *(f"{{group: '{name}'}}" for name in ("a", "b", "c")),
    "{person: s-1}",
    "{authentication_method: mfa}",
    "{attribute: {name: dep, equals: ops}}",
    "{email_domain: example.com}",
    "{dates: {not_after: 2026-03-10T12:20:00Z}}",
    "{dates: {not_before: 2026-03-11}}",
    '{group_template: "aws#{account}#{role}"}',
)


def conditions(*, with_not: bool = True) -> st.SearchStrategy[str]:
    def wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        several = st.lists(inner, min_size=1, max_size=3).map(", ".join)
        kinds = [several.map("{{any: [{}]}}".format), several.map("{{all: [{}]}}".format)]
        return st.one_of(*kinds, *([inner.map("{{not: {}}}".format)] if with_not else []))

    return st.recursive(st.sampled_from(LEAVES), wider, max_leaves=6).filter(lambda text: text.count("template") < 2)


def rule_lists(*, with_not: bool = True) -> st.SearchStrategy[list[str]]:
    roles = ("111111111111/Administrator", "111111111111/ReadOnly", "222222222222/Developer")
    terms = (
        "",
        ", max_duration: 15m",
        ", tags: {dep: '{attribute.dep}'}",
        ", policy_arns: ['arn:aws:iam::aws:policy/x']",
    )
    grants = st.builds("{{role: '{}'{}}}".format, st.sampled_from(roles), st.sampled_from(terms))
    pairs = st.lists(st.tuples(conditions(with_not=with_not), grants), min_size=1, max_size=6)
    return pairs.map(lambda found: [rule(when, grant, name=f"r{n}") for n, (when, grant) in enumerate(found)])


identities = st.builds(
    identity,
    subject=st.sampled_from(("s-1", "s-2")),
    groups=st.lists(st.sampled_from(GROUPS), unique=True).map(tuple),
    groups_gap=st.sampled_from((None, None, None, "overage")),
    groups_left_out=st.sampled_from((None, None, None, "a line break")),
    authn_methods=st.sampled_from(((), ("pwd",), ("pwd", "mfa"))),
    attributes=st.sampled_from(({}, {"dep": ("ops",)}, {"dep": ("ops", "dev")}, {"dep": ("dev",)})),
    email=st.sampled_from((None, "k@example.com", "k@example.org")),
    email_is_verified=st.booleans(),
)


@given(rule_lists(), identities)
def test_the_index_never_hides_a_rule_that_would_have_granted(written, who) -> None:
    rules = rule_set(*written)

    assert rules.entitlements(who, NOW) == rules.explain(who, NOW).entitlements


@given(rule_lists(), identities)
def test_an_explanation_accounts_for_every_entitlement_and_every_rule(written, who) -> None:
    explanation = rule_set(*written).explain(who, NOW)

    assert sorted(key for outcome in explanation.outcomes for key in outcome.granted) == sorted(
        entitlement.key for entitlement in explanation.entitlements
    )
    assert all(outcome.reasons for outcome in explanation.outcomes)
    assert all(entitlement.because for entitlement in explanation.entitlements)


@given(rule_lists(), identities, st.randoms(use_true_random=False))
def test_the_order_of_the_file_and_of_the_groups_decides_nothing(written, who, shuffler: random.Random) -> None:
    shuffled = list(written)
    shuffler.shuffle(shuffled)
    backwards = replace(
        who, groups=replace(who.groups, names=who.groups.names[::-1]), authn_methods=who.authn_methods[::-1]
    )

    assert rule_set(*written).entitlements(who, NOW) == rule_set(*shuffled).entitlements(backwards, NOW)


@given(rule_lists(with_not=False), identities, st.sampled_from(GROUPS))
def test_without_not_one_more_group_never_takes_a_role_away(written, who, group) -> None:
    rules = rule_set(*written)
    more = replace(who, groups=replace(who.groups, names=(*who.groups.names, group)))

    assert set(keys(rules, who)) <= set(keys(rules, more))


@given(rule_lists(), identities)
def test_no_rule_grants_beyond_what_it_can_reach(written, who) -> None:
    rules = rule_set(*written)

    for entitlement in rules.entitlements(who, NOW):
        assert entitlement.key in rules.reachable()[entitlement.rule]
