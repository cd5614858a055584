"""A rule that denies wins over every rule that grants, and what is not known counts as met."""

from __future__ import annotations

from datetime import timedelta

import pytest
from mapping_factories import NOW, identity, keys, rule, rule_set, why

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Caller, Identity, RequestOrigin, Session

ADMIN = "111111111111/Administrator"
READER = "111111111111/ReadOnly"
GRANT = f'{{roles: ["{ADMIN}", "{READER}"]}}'
EVERYBODY = rule("{person: s-1}", GRANT)


def deny(when: str, roles: str = f'{{role: "{ADMIN}"}}', name: str = "z", connection: str = "entra") -> str:
    return f"- id: {name}\n  connection: {connection}\n  when: {when}\n  deny: {roles}\n"


def denied(when: str, roles: str = f'{{role: "{ADMIN}"}}') -> RuleSet:
    return rule_set(EVERYBODY, deny(when, roles))


@pytest.mark.parametrize("name", ["a", "z"])
def test_a_denial_wins_whatever_the_order_and_takes_nothing_else(name: str) -> None:
    rules = rule_set(EVERYBODY, deny("{group: leavers}", name=name))
    assert keys(rules, identity(("leavers",))) == (READER,)
    assert keys(rules, identity(("staff",))) == (ADMIN, READER)


@pytest.mark.parametrize(
    ("when", "who"),
    [
        ("{group: leavers}", identity((), groups_gap="too many")),
        ("{group: leavers}", identity(("staff",), groups_gap="too many")),
        ("{group: leavers}", identity(("staff",), groups_left_out="a line break")),
        ("{all: [{group: leavers}, {person: s-1}]}", identity((), groups_gap="too many")),
        ("{any: [{group: leavers}, {person: other}]}", identity((), groups_gap="too many")),
        ("{not: {group: staff}}", identity((), groups_gap="too many")),
        ("{attribute: {name: state, equals: leaving}}", identity()),
        ("{any: [{group: leavers}, {attribute: {name: state, equals: leaving}}]}", identity()),
        ("{authentication_method: pwd}", identity()),
        ("{not: {authentication_method: mfa}}", identity()),
        ("{email_domain: example.com}", identity(email="kim@example.com", email_is_verified=False)),
        ("{source_network: [192.0.2.0/24]}", identity()),
    ],
)
def test_what_is_not_known_denies(when: str, who: Identity) -> None:
    assert keys(denied(when), who) == (READER,)


@pytest.mark.parametrize(
    ("when", "who"),
    [
        ("{group: leavers}", identity(("staff",))),
        ("{all: [{group: leavers}, {person: other}]}", identity((), groups_gap="too many")),
        ("{attribute: {name: state, equals: leaving}}", identity(attributes={"state": ("active",)})),
        ("{authentication_method: pwd}", identity(authn_methods=("mfa",))),
        ("{not: {authentication_method: mfa}}", identity(authn_methods=("mfa",))),
        ("{dates: {not_after: 2026-01-31}}", identity()),
    ],
)
def test_what_is_known_not_to_hold_denies_nothing(when: str, who: Identity) -> None:
    assert keys(denied(when), who) == (ADMIN, READER)


def test_a_denial_of_another_connection_denies_nothing() -> None:
    assert keys(rule_set(EVERYBODY, deny("{person: s-1}", connection="okta")), identity()) == (ADMIN, READER)


@pytest.mark.parametrize(
    ("roles", "left"),
    [
        ('{role: "*/*"}', ()),
        ('{role: "111111111111/*"}', ()),
        ('{role: "*/Administrator"}', (READER,)),
        ('{roles: ["*/ReadOnly", "222222222222/*"]}', (ADMIN,)),
    ],
)
def test_a_star_stands_for_all_accounts_or_all_roles(roles: str, left: tuple[str, ...]) -> None:
    assert keys(denied("{person: s-1}", roles), identity()) == left


def test_no_session_outlives_the_beginning_of_a_denial() -> None:
    rules = denied("{dates: {not_before: 2026-03-10T13:00:00Z}}")
    (admin, _) = rules.entitlements(identity(), NOW)
    assert admin.ends_at == NOW + timedelta(hours=1)
    assert keys(rules, identity(), NOW + timedelta(minutes=46)) == (READER,)


def test_the_person_is_told_which_rule_denies() -> None:
    rules = denied("{group: leavers}")
    gap = identity((), groups_gap="too many")
    assert f"{ADMIN} is denied by rule z" in why(rules, gap)
    assert why(rules, gap, "z") == (
        "the rule denies roles; what is not known counts as met; your groups are incomplete: too many"
    )
    assert rules.withheld(gap, NOW, ADMIN) == (("z", f"{ADMIN} is denied by rule z"),)
    assert rules.withheld(gap, NOW, "222222222222/Administrator") == ()


def test_who_is_denied_everything_has_no_role_and_who_only_lacks_the_network_may_have_one() -> None:
    everything = '{role: "*/*"}'
    assert not denied("{person: s-1}", everything).may_have_a_role(identity(), NOW)
    rules = denied("{not: {source_network: [192.0.2.0/24]}}", everything)
    assert rules.may_have_a_role(identity(), NOW)
    session = Session("k", identity(), NOW, NOW, NOW + timedelta(hours=1))
    for address, roles in (("192.0.2.7", {ADMIN, READER}), ("198.51.100.7", set())):
        caller = Caller(session, RequestOrigin("ref", address), address)
        assert {one.key for one in rules.entitlements(identity(), NOW, caller)} == roles


def test_a_denial_by_group_is_not_looked_at_for_people_whose_groups_are_complete() -> None:
    rules = rule_set(*(deny(f"{{group: g{number}}}", name=f"d{number}") for number in range(100)))
    assert rules.candidates(identity(("g7",))) == (next(one for one in rules.rules if one.id == "d7"),)
    assert len(rules.candidates(identity(("g7",), groups_gap="too many"))) == 100


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (deny("{person: s-1}", "{}"), "needs either `role` or `roles`"),
        (deny("{person: s-1}", '{role: "*"}'), "is not a role to deny"),
        (deny("{person: s-1}", '{role: "11*/Administrator"}'), "is not a role to deny"),
        (deny("{person: s-1}", '{role: "111111111112/Administrator"}'), "did you mean '111111111111'?"),
        (deny("{person: s-1}", '{role: "*/Adminstrator"}'), "did you mean 'Administrator'?"),
        (deny("{person: s-1}", '{role: "{account}/Administrator"}'), "is not a role to deny"),
        (deny("{person: s-1}", f'{{role: "{ADMIN}", max_duration: 1h}}'), "unknown key 'max_duration' in `deny`"),
        (deny('{group_template: "aws#{account}"}'), "no group_template"),
        (f"{EVERYBODY}  deny: {{role: '{ADMIN}'}}\n", "either `grant` or `deny`"),
        ("- id: r\n  connection: entra\n  when: {person: s-1}\n", "either `grant` or `deny`"),
    ],
)
def test_a_denial_that_could_miss_what_it_means_is_refused_with_its_line(written: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        rule_set(written)
    assert refused.value.detail.startswith("line ")
    assert reason in refused.value.detail
