"""What a person can reach: nothing of it is left out, and nothing of it is more than rules give."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from mapping_factories import NOW, identity, rule, rule_set

from federation_bridge import mapping
from federation_bridge.mapping import RuleSet
from federation_bridge.mapping.equal_facts import facts_of
from federation_bridge.mapping.reach import Reach, Reaching, rules_reaching
from federation_bridge.model import Identity

ADMIN = "111111111111/Administrator"
READ = "111111111111/ReadOnly"
DENY = "- {{id: {name}, connection: entra, when: {when}, deny: {{role: {role}}}}}\n"


def reached(who: Identity, *rules: str) -> list[tuple[str, str, str, str]]:
    found = Reaching(rule_set(*rules), NOW).of(who)
    return [(one.reach.value, one.role, one.rule, one.denied_by) for one in found]


def denying(when: str, role: str = ADMIN, name: str = "never") -> str:
    return DENY.format(name=name, when=when, role=role)


def test_a_role_is_told_with_its_rule_its_terms_and_the_groups_that_lead_to_it() -> None:
    rules = rule_set(rule("{any: [{group: admins}, {group: ops}]}", name="admins"))
    (one,) = Reaching(rules, NOW).of(identity(("staff", "admins", "ops")))
    assert (one.reach, one.role, one.rule, one.terms) == (Reach.HAS, ADMIN, "admins", "1h")
    assert one.groups == ("admins", "ops")


def test_a_group_that_names_its_role_is_told() -> None:
    rules = rule_set(rule("{group_template: 'aws#{account}#{role}'}", '{role: "{account}/{role}"}', "byname"))
    (one,) = Reaching(rules, NOW).of(identity(("aws#222222222222#Developer", "staff")))
    assert (one.role, one.groups) == ("222222222222/Developer", ("aws#222222222222#Developer",))


def test_what_another_rule_denies_is_told_as_denied_and_not_as_access() -> None:
    rules = (rule("{group: admins}", name="admins"), denying("{group: interns}"))
    assert reached(identity(("admins", "interns")), *rules) == [("denied", ADMIN, "admins", "never")]
    assert reached(identity(("admins",)), *rules) == [("has", ADMIN, "admins", "")]


def test_what_a_network_opens_is_access_from_elsewhere_and_never_left_out() -> None:
    office = "{all: [{group: admins}, {source_network: [192.0.2.0/24]}]}"
    assert reached(identity(("admins",)), rule(office, name="office")) == [("from-elsewhere", ADMIN, "office", "")]
    assert reached(identity(("staff",)), rule(office, name="office")) == []


def test_a_denial_that_hangs_on_the_network_hides_no_access() -> None:
    """Nobody asks here, so the network is not known, and what is not known denies: the review would say `denied`."""
    rules = (rule("{group: admins}", name="admins"), denying("{source_network: [198.51.100.0/24]}"))
    assert reached(identity(("admins",)), *rules) == [("from-elsewhere", ADMIN, "admins", "")]


def test_a_sure_denial_stays_one_for_roles_that_a_network_would_open() -> None:
    office = rule("{all: [{group: admins}, {source_network: [192.0.2.0/24]}]}", name="office")
    assert reached(identity(("admins", "interns")), office, denying("{group: interns}")) == []


def test_a_gap_in_the_groups_gives_nothing() -> None:
    assert reached(identity(("admins",), "an overage"), rule("{group: admins}", name="admins")) == []


def test_it_is_decided_once_for_all_whom_the_rules_cannot_tell_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Identity] = []
    decide = Reaching._decided

    def counted(self: Reaching, who: Identity, rules: object) -> object:
        asked.append(who)
        return decide(self, who, rules)  # type: ignore[arg-type]

    monkeypatch.setattr(Reaching, "_decided", counted)
    reaching = Reaching(rule_set(rule("{group: admins}", name="admins")), NOW)
    for number in range(1_000):
        reaching.of(replace(identity(("admins",)), subject=f"s-{number}", authenticated_at=NOW))
    reaching.of(identity(("others",)))
    assert len(asked) == 2


def test_people_are_told_apart_where_a_rule_names_one_of_them() -> None:
    reaching = Reaching(rule_set(rule("{all: [{group: admins}, {person: s-1}]}", name="admins")), NOW)
    assert [len(reaching.of(replace(identity(("admins",)), subject=f"s-{n}"))) for n in range(3)] == [0, 1, 0]


def _named(name: str, value: Any) -> dict[str, Any]:
    return {name: value}


def test_what_equal_facts_leave_out_no_condition_reads() -> None:
    """Otherwise somebody would be told to have what another person has."""
    one = identity(("admins",))
    left_out: set[str] = {"authenticated_at", "answered_after", "session_ends_at"}
    for name in left_out:
        assert facts_of(replace(one, **_named(name, NOW)), is_personal=True) == facts_of(one, is_personal=True)
    text = "".join(path.read_text() for path in Path(mapping.__file__).parent.glob("*.py"))
    assert not re.search(r"identity\.(authenticated_at|answered_after|session_ends_at)", text)
    others: dict[str, Any] = {
        "connection": "x",
        "subject": "x",
        "name": "x",
        "email": "x@y.z",
        "email_is_verified": True,
    }
    others |= {"email_is_verified": True}
    others |= {"groups": replace(one.groups, names=("x",)), "attributes": {"x": ("y",)}, "authn_methods": ("x",)}
    assert others.keys() | left_out == {member.name for member in fields(Identity)}
    for name, value in others.items():
        changed = replace(one, **_named(name, value))
        if changed != one:
            assert facts_of(changed, is_personal=True) != facts_of(one, is_personal=True), name


def test_a_rule_set_without_rules_reaches_nothing() -> None:
    rules: RuleSet = rule_set(rule("{group: admins}", name="admins"))
    assert Reaching(rules, NOW).of(replace(identity(("admins",)), connection="other")) == ()


def test_the_rules_that_reach_a_role_are_those_whose_reach_has_it() -> None:
    rules = rule_set(
        rule("{group: a}", '{role: "*/ReadOnly"}', name="a"),
        rule("{group: b}", '{role: "111111111111/ReadOnly"}', name="b"),
        rule("{group: c}", '{role: "111111111111/ReadOnly"}', name="c"),
        rule("{group: d}", '{role: "111111111111/*"}', name="d").replace("grant:", "deny:"),
    )
    reachable = rules.reachable()
    keys = {key for names in reachable.values() for key in names} | {"111111111111/Nothing"}
    assert len(keys) > 2
    for key in keys:
        assert rules_reaching(rules, key) == {name for name, names in reachable.items() if key in names}, key
