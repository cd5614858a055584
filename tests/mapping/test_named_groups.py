"""A group that has a name is the same group: the name is for people, and no literal group can be taken for it."""

from __future__ import annotations

import pytest
from mapping_factories import CONNECTIONS, NOW, identity, keys, register, rule, rules_text, why

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet, load_rules

ID = "6f1b2c3d-0000-4000-8000-000000000001"
ADMIN = ("111111111111/Administrator",)
NAMED = "{group: {named: platform}}"


def made(when: str = NAMED, groups: str = f"{{platform: {ID}}}", more: str = "") -> RuleSet:
    return load_rules(f"groups: {groups}\n{rules_text(rule(when))}{more}", register(), CONNECTIONS)


def test_the_id_decides_and_the_name_does_not() -> None:
    assert keys(made(), identity((ID,))) == ADMIN
    assert keys(made(), identity(("platform",))) == ()


def test_a_literal_group_of_that_name_stays_literal_and_is_told() -> None:
    rules = made("{any: [{group: platform}, {all: [{group: {named: platform}}, {person: nobody}]}]}")
    assert keys(rules, identity(("platform",))) == ADMIN
    assert keys(rules, identity((ID,))) == ()
    (told,) = rules.cautions()
    assert "'platform' is taken as what the connection sends" in told


def test_people_are_shown_the_name_and_the_id() -> None:
    assert why(made(), identity((ID,))) == f"you are in group platform ('{ID}')"
    assert why(made(), identity(())) == f"you are not in group platform ('{ID}')"


def test_a_gap_of_a_named_group_grants_nothing_as_of_any_other() -> None:
    assert keys(made("{not: {group: {named: platform}}}"), identity((), groups_gap="too many")) == ()


def test_who_administers_can_be_said_by_a_named_group() -> None:
    entry = f"administration: [{{id: a, as: auditor, connection: entra, when: {NAMED}}}]\n"
    rights = made("{person: s-1}", more=entry).administrative_rights(identity((ID,)), NOW)
    assert rights is not None
    assert "platform" in rights.because[0]


def test_a_name_that_nothing_uses_is_told() -> None:
    assert made("{person: s-1}").cautions() == ("no rule uses the group named 'platform'",)


@pytest.mark.parametrize(
    ("when", "groups", "reason"),
    [
        ("{group: {named: platfrom}}", f"{{platform: {ID}}}", "did you mean 'platform'?"),
        ("{group: {name: platform}}", f"{{platform: {ID}}}", "did you mean 'named'?"),
        ("{group: {named: [platform]}}", f"{{platform: {ID}}}", "must be a text"),
        (NAMED, "{}", "`name: value` lines"),
        (NAMED, "[platform]", "`name: value` lines"),
        (NAMED, f"{{platform: {ID}, other: {ID}}}", "has two names, 'platform' and 'other'"),
        (NAMED, f"{{platform: {ID}, platform: other}}", "stands here twice"),
        (NAMED, "{platform: ''}", "must not be empty"),
        (NAMED, f"{{'plat form': {ID}}}", "at most 64 of A-Z"),
        (NAMED, "{platform: 'a\u200bb'}", "cannot be seen"),
    ],
)
def test_a_name_that_could_mean_another_group_is_refused_with_its_line(when: str, groups: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        made(when, groups)
    assert refused.value.detail.startswith("line ")
    assert reason in refused.value.detail
