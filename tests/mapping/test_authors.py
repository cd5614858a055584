"""What an author may change: rules that name their accounts, and nothing that could grow beyond them."""

from __future__ import annotations

import pytest
from mapping_factories import CONNECTIONS, REGISTER_TEXT, rule, rules_text

from federation_bridge.mapping import RuleSet, foreign_changes, load_register, load_rules

OWN = frozenset({"222222222222"})
REGISTER = REGISTER_TEXT.replace(
    "    roles: [Administrator, Developer]", "    environment: development\n    roles: [Developer]"
)
LITERAL = '{role: "222222222222/Developer"}'
ALL = '{role: "*/Developer"}'
SET = "{role: {accounts: {environment: development}, role: Developer}}"
GROUP = "{group: a}"
TEMPLATE = '{group_template: "aws#{account}"}'
NAMES = "groups: {platform: g-1, finance: g-2}\n"


def loaded(*rules: str, more: str = "") -> RuleSet:
    other = rule("{group: z}", '{role: "111111111111/Administrator"}', name="other")
    return load_rules(rules_text(other, *rules) + more, load_register(REGISTER), CONNECTIONS)


def denying(deny: str) -> str:
    return rule(GROUP, deny).replace("grant:", "deny:")


@pytest.mark.parametrize(
    "text",
    [
        rule(GROUP, ALL),
        rule(GROUP, SET),
        rule(GROUP, '{roles: ["222222222222/Developer", "*/Developer"]}'),
        rule(TEMPLATE, '{role: "{account}/Developer"}').replace("111111111111", "222222222222"),
        denying(ALL),
        denying(SET),
    ],
    ids=["all", "set", "one and all", "template", "denies all", "denies a set"],
)
def test_an_author_writes_and_removes_no_rule_that_grows_with_the_register(text: str) -> None:
    """Today the set holds the author's accounts alone. Tomorrow somebody registers one more."""
    for before, after in ((loaded(), loaded(text)), (loaded(text), loaded())):
        (told,) = foreign_changes(before, after, OWN)
        assert "which can grow" in told


@pytest.mark.parametrize(
    "text",
    [
        rule(GROUP, LITERAL),
        rule('{group_template: "aws#{role}"}', '{role: "222222222222/{role}"}'),
        denying(LITERAL),
        denying('{role: "222222222222/*"}'),
    ],
    ids=["grants", "template of roles", "denies", "denies all roles"],
)
def test_an_author_writes_and_removes_rules_that_name_their_accounts(text: str) -> None:
    assert foreign_changes(loaded(), loaded(text), OWN) == ()
    assert foreign_changes(loaded(text), loaded(), OWN) == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [(SET, LITERAL), (LITERAL, SET), (SET, ALL), (SET, SET.replace("development", "[development, test]"))],
)
def test_a_set_that_comes_to_the_same_roles_today_is_a_change(before: str, after: str) -> None:
    assert foreign_changes(loaded(rule(GROUP, before)), loaded(rule(GROUP, after)), OWN)
    assert foreign_changes(loaded(denying(before)), loaded(denying(after)), OWN)


def test_names_of_groups_that_others_read_stay_as_they_are() -> None:
    """A rule that asks for another id under a name that its readers know shows them another group than it means."""
    before = loaded(rule(GROUP, LITERAL), more=NAMES)
    swapped = loaded(rule(GROUP, LITERAL), more="groups: {platform: g-2, finance: g-1}\n")
    gone = foreign_changes(before, loaded(rule(GROUP, LITERAL)), OWN)

    assert len(foreign_changes(before, swapped, OWN)) == len(gone) == 2
    assert "'finance', which stood here before the change" in gone[0]


def test_an_author_gives_no_group_a_name_and_uses_those_that_there_are() -> None:
    """Whoever calls their own group `administrators` waits until somebody who picks by names grants it."""
    before = loaded(rule(GROUP, LITERAL), more=NAMES)
    added = loaded(rule(GROUP, LITERAL), more=NAMES.replace("}", ", administrators: g-3}"))
    used = loaded(rule("{group: {named: platform}}", LITERAL), more=NAMES)

    (told,) = foreign_changes(before, added, OWN)
    line = added.definitions.places["groups", "administrators"].line
    assert told.startswith(f"line {line}: only administrators change what a group is called, here 'administrators'")
    assert foreign_changes(before, used, OWN) == ()


def test_an_author_gives_no_session_policy_a_name_and_uses_those_that_there_are() -> None:
    policy = '{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "%s", Resource: "*"}]}'
    wide, narrow = policy % "*", policy % "s3:Get*"
    mine = LITERAL.replace("}", ", session_policy: %s}")
    before = loaded(more=f"policies: {{narrow: {narrow}}}\n")
    for more in (f"policies: {{narrow: {wide}}}\n", f"policies: {{narrow: {narrow}, less: {wide}}}\n", ""):
        (told,) = foreign_changes(before, loaded(more=more), OWN)
        assert "only administrators change what a session policy is called" in told
    for written in (wide, "{named: narrow}"):
        after = loaded(rule(GROUP, mine % written), more=f"policies: {{narrow: {narrow}}}\n")
        assert foreign_changes(before, after, OWN) == ()


def test_a_named_policy_that_rules_of_others_use_is_theirs() -> None:
    policy = 'policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "%s", Resource: "*"}]}}\n'
    used = rule(GROUP, '{role: "111111111111/ReadOnly", session_policy: {named: p}}')
    before, after = (loaded(used, more=policy % action) for action in ("s3:Get*", "*"))

    assert "111111111111" in "".join(foreign_changes(before, after, OWN))
