"""A name that only looks like a known one is another name: it grants nothing to the twin, and reviewers are told."""

from __future__ import annotations

import pytest
from mapping_factories import identity, keys, rule, rule_set

HONEST = rule("{group: platform-admins}", "{role: '111111111111/ReadOnly'}", name="honest")


def both(name: str, kind: str = "group") -> list[str]:
    rules = rule_set(HONEST.replace("group:", f"{kind}:"), rule(f'{{{kind}: "{name}"}}', name="other"))
    return [one for one in rules.cautions() if "only look alike" in one]


@pytest.mark.parametrize(
    "name",
    ["pl\u0430tform-admins", "platform-\u0430dmins", "platform-adm\u0456ns", "platf\u03bfrm-admins", "p1atform-admins",
     "platf0rm-admins", "Platform-Admins", "platform-adm\u00edns", "\uff50latform-admins", "platform-adm\u0131ns"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["group", "person"])
def test_a_name_that_only_looks_like_another_is_told_with_both_rules(name: str, kind: str) -> None:
    (told,) = both(name, kind)
    assert told.startswith(f"{kind}s that only look alike: ")
    assert "(rule honest)" in told
    assert "(rule other)" in told
    assert "'platform-admins'" in told
    assert told.isascii()


@pytest.mark.parametrize("name", ["platform-admin", "platform-owners", "platform-admins"])
def test_names_that_people_tell_apart_and_one_name_twice_are_not_told(name: str) -> None:
    assert both(name) == []


def test_the_twin_is_another_group_and_its_members_have_nothing_of_the_first() -> None:
    assert keys(rule_set(HONEST), identity(("pl\u0430tform-admins",))) == ()
    assert keys(rule_set(HONEST), identity(("platform-admins",))) == ("111111111111/ReadOnly",)


def test_names_of_two_connections_are_two_names() -> None:
    other = rule('{group: "pl\u0430tform-admins"}', name="other", connection="okta")
    assert not [one for one in rule_set(HONEST, other).cautions() if "only look alike" in one]
