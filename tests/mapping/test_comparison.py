"""What a proposed rule set changes: who gains and loses what, in as few lines as there are kinds of change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from mapping_factories import CONNECTIONS, NOW, REGISTER_TEXT, identity, register, rule, rule_set, rules_text

from federation_bridge.mapping import RuleSet, load_register, load_rules
from federation_bridge.mapping.comparison import Comparison, Kind, compare
from federation_bridge.model import Entitlement, Identity

ADMIN = rule("{group: admins}", name="admins")
READER = rule("{group: readers}", '{role: "111111111111/ReadOnly"}', name="readers")


def people(count: int, *groups: str) -> list[Identity]:
    return [replace(identity(groups), subject=f"s-{number}") for number in range(count)]


def compared(before: RuleSet, after: RuleSet, who: list[Identity]) -> Comparison:
    return compare(before, after, who, NOW)


def test_three_thousand_people_who_gain_alike_are_one_line() -> None:
    found = compared(rule_set(ADMIN), rule_set(ADMIN, READER), [*people(3_000, "readers"), *people(1, "others")])
    (line,) = found.lines
    assert (found.people, found.changed_people, len(line.people)) == (3_001, 3_000, 3_000)
    assert (line.kind, line.rule, line.roles) == (Kind.GAINS, "readers", {"111111111111/ReadOnly"})
    assert line.causes == {("you are in group 'readers'",): 3_000}


def test_a_loss_names_the_rule_that_granted_and_why() -> None:
    (line,) = compared(rule_set(ADMIN, READER), rule_set(ADMIN), people(2, "readers")).lines
    assert (line.kind, line.rule, list(line.people)) == (Kind.LOSES, "readers", ["entra/s-0", "entra/s-1"])


@pytest.mark.parametrize(
    ("grant", "terms"),
    [
        ('{role: "111111111111/Administrator", max_duration: 4h}', "1h -> 4h"),
        ('{role: "111111111111/Administrator", tags: {team: blue}}', "1h, other tags"),
        ('{role: "111111111111/Administrator", source_identity: "{subject}"}', "1h, other source identity"),
    ],
)
def test_other_terms_of_the_same_role_are_a_change(grant: str, terms: str) -> None:
    (line,) = compared(rule_set(ADMIN), rule_set(rule("{group: admins}", grant, "admins")), people(1, "admins")).lines
    assert (line.kind, line.terms) == (Kind.CHANGES, terms)


def test_a_rule_that_only_moves_or_is_described_changes_nothing() -> None:
    assert not compared(rule_set(ADMIN, READER), rule_set(READER, ADMIN), people(2, "admins", "readers")).lines


def test_the_register_alone_can_take_a_role_away() -> None:
    text = rules_text(rule("{group_template: 'aws#{account}#{role}'}", '{role: "{account}/{role}"}'))
    without = load_register(REGISTER_TEXT.replace("[Administrator, Developer]", "[Administrator]"))
    before, after = (load_rules(text, one, CONNECTIONS) for one in (load_register(REGISTER_TEXT), without))
    (line,) = compared(before, after, people(1, "aws#222222222222#Developer")).lines
    assert (line.kind, line.roles) == (Kind.LOSES, {"222222222222/Developer"})


def test_people_with_the_same_groups_are_told_apart_where_a_rule_names_one_of_them() -> None:
    named = rule("{all: [{group: admins}, {not: {person: s-1}}]}", name="admins")
    (line,) = compared(rule_set(ADMIN), rule_set(named), people(3, "admins")).lines
    assert (line.kind, list(line.people)) == (Kind.LOSES, ["entra/s-1"])


def test_a_gap_in_the_groups_gains_nothing() -> None:
    gap = identity(("readers",), "an overage")
    assert not compared(rule_set(ADMIN), rule_set(ADMIN, READER), [gap]).lines


def test_only_people_whom_a_changed_rule_may_reach_are_decided_about(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Identity] = []
    decide = RuleSet.entitlements

    def counted(rules: RuleSet, who: Identity, now: datetime) -> tuple[Entitlement, ...]:
        asked.append(who)
        return decide(rules, who, now)

    monkeypatch.setattr(RuleSet, "entitlements", counted)
    compared(rule_set(ADMIN), rule_set(ADMIN, READER), [*people(500, "admins"), *people(500, "readers")])
    # One decision by each of the two sets, for all who have the same facts.
    assert len(asked) == 2


def test_who_would_administer_the_bridge_is_part_of_it() -> None:
    text = rules_text(ADMIN)
    named = "administration:\n  - {id: chief, as: administrator, connection: entra, when: {group: chiefs}}\n"
    before, after = (load_rules(one, register(), CONNECTIONS) for one in (text, text + named))
    (line,) = compared(before, after, [*people(2, "chiefs"), *people(2, "admins")]).lines
    assert (line.kind, line.rule, line.roles, len(line.people)) == (Kind.GAINS, "chief", {"administrator"}, 2)


def test_a_rule_about_the_request_is_named_as_not_foreseen() -> None:
    office = rule("{all: [{group: readers}, {source_network: [192.0.2.0/24]}]}", name="office")
    found = compared(rule_set(ADMIN), rule_set(ADMIN, office), people(2, "readers"))
    assert (found.lines, found.not_foreseen) == ((), ("office",))
    assert compared(rule_set(office), rule_set(office), people(2, "readers")).not_foreseen == ()
