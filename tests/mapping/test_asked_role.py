"""A role that somebody asks about: what would give it and whom to ask, without other people's rules and accounts."""

from __future__ import annotations

from typing import Any

import pytest
from mapping_factories import identity as someone

from federation_bridge.mapping import RuleSet, load_register, load_rules
from federation_bridge.mapping.asked_role import RoleAnswer, about_role, rules_of_others
from federation_bridge.mapping.verdicts import Facts
from federation_bridge.model import Caller, Identity, RequestOrigin, Session

LIVE, LAB, SECRET = "111111111111", "222222222222", "333333333333"
REGISTER = f"""
version: 1
accounts:
  - {{id: "{LIVE}", name: Production, aliases: [live], provider: "arn:aws:iam::{LIVE}:saml-provider/b",
     roles: [Administrator, Developer, ReadOnly, Owner]}}
  - {{id: "{LAB}", name: Lab, provider: "arn:aws:iam::{LAB}:saml-provider/b", roles: [Developer]}}
  - {{id: "{SECRET}", name: Merger, provider: "arn:aws:iam::{SECRET}:saml-provider/b", roles: [Developer]}}
"""
RULES = f"""
version: 1
rules:
  - {{id: developers, connection: okta, when: {{group: developers}}, grant: {{role: "{LIVE}/Developer"}}}}
  - id: admins
    description: Never shown to who misses it.
    owner: platform@example.com
    connection: okta
    when: {{all: [{{group: admins}}, {{authentication_method: mfa}}]}}
    grant: {{role: "{LIVE}/Administrator"}}
  - {{id: by-name, connection: okta, when: {{group_template: "aws#{{account}}#{{role}}"}},
     grant: {{role: "{{account}}/{{role}}"}}}}
  - {{id: the-boss, connection: okta, when: {{person: boss-4711}}, grant: {{role: "{LIVE}/Administrator"}}}}
  - {{id: elsewhere, connection: other, when: {{group: others}}, grant: {{role: "{LIVE}/Administrator"}}}}
  - {{id: merger, connection: okta, when: {{group: merger}}, grant: {{role: "{SECRET}/Developer"}}}}
  - id: no-leavers
    owner: people@example.com
    connection: okta
    when: {{group: leavers}}
    deny: {{role: "{LIVE}/Developer"}}
"""


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load_rules(RULES, load_register(REGISTER), ("okta", "other"))


def caller_of(identity: Identity, now: Any) -> Caller:
    return Caller(Session("key", identity, now, now, now), RequestOrigin("r"))


@pytest.fixture
def ask(rules: RuleSet, clock: Any) -> Any:
    def asked(name: str, *groups: str) -> RoleAnswer:
        identity = someone(groups, connection="okta")
        return about_role(rules, identity, clock(), caller_of(identity, clock()), name)

    return asked


def lacks(answer: RoleAnswer) -> list[tuple[list[str], str]]:
    return [([str(reason) for reason in one.reasons], one.owner) for one in answer.lacks]


@pytest.mark.parametrize("name", ["production/administrator", "Live/Administrator", f"{LIVE}/Administrator"])
def test_what_would_give_a_role_is_said_in_the_words_of_its_conditions_with_whom_to_ask(ask: Any, name: str) -> None:
    told = lacks(ask(name, "developers"))
    assert told[0][1] == "platform@example.com"
    assert told[0][0][0] == "you are not in group 'admins'"
    assert ([f"you are not in group 'aws#{LIVE}#Administrator'"], "") in told
    # Neither the rule for one person by name, nor what another connection's people would need.
    assert len(told) == 2
    assert "boss" not in str(told)
    assert "others" not in str(told)


def test_who_has_the_role_is_told_why(ask: Any) -> None:
    answer = ask("production/developer", "developers")
    assert answer.entitlement is not None
    assert not answer.lacks


def test_a_denial_stands_first_with_its_owner(ask: Any) -> None:
    answer = ask("production/Developer", "developers", "leavers")
    assert (answer.lacks[0].is_denial, answer.lacks[0].owner) == (True, "people@example.com")


@pytest.mark.parametrize("name", ["Merger/Developer", f"{SECRET}/Developer", "merger/Developr", "Merge/Developer"])
def test_an_account_that_no_rule_for_somebody_names_is_as_unknown_to_them_as_one_that_is_not_there(
    ask: Any, name: str
) -> None:
    found = ask(name, "developers")
    assert (found.account, found.lacks) == (None, ())
    assert "Merger" not in str(found.near)
    assert ask("Merger/Developer", "merger").entitlement is not None


def test_in_a_known_account_a_role_that_is_not_registered_is_answered_as_one_that_nothing_gives(ask: Any) -> None:
    made_up = ask("Production/Nothing", "developers")
    assert (made_up.account.id, made_up.lacks) == (LIVE, ())


@pytest.mark.parametrize("typed", ["Owner", "owner", "OWNER", "Developers", "developers"])
def test_a_registered_role_that_no_rule_for_somebody_reaches_is_answered_as_one_that_is_not_there(
    clock: Any, typed: str
) -> None:
    few = "\n".join(line for line in RULES.splitlines() if "by-name" not in line and "{account}/{role}" not in line)
    assert "by-name" not in few
    with_it = REGISTER.replace("ReadOnly, Owner]", "ReadOnly, Owner, Developers]")
    without = REGISTER.replace("ReadOnly, Owner]", "ReadOnly]")
    identity = someone(("developers",), connection="okta")
    told = [
        about_role(
            load_rules(few, load_register(one), ("okta", "other")),
            *(identity, clock(), caller_of(identity, clock()), f"Production/{typed}"),
        )
        for one in (with_it, without)
    ]
    assert [(one.role, one.near, one.lacks, one.entitlement) for one in told] == [
        (typed, told[0].near, (), None),
        (typed, told[0].near, (), None),
    ]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Produktion/Developer", ("Production/Developer",)),
        ("Production/Developr", ("Production/Developer",)),
        ("Developer", ("Production/Developer",)),
        ("Lab/Developer", ()),
        ("zzz/zzz", ()),
        ("/", ()),
        ("", ()),
        ("//", ()),
    ],
)
def test_the_nearest_names_are_those_that_a_person_may_know(ask: Any, name: str, near: tuple[str, ...]) -> None:
    assert ask(name, "developers").near == near


def test_rules_that_name_others_are_told_to_those_alone(rules: RuleSet, clock: Any) -> None:
    stranger = someone(("developers",), connection="okta")
    boss = someone(("developers",), connection="okta", subject="boss-4711")
    hidden = [rules_of_others(rules, Facts.of(one, clock(), rules.register)) for one in (stranger, boss)]
    assert hidden == [frozenset({"the-boss"}), frozenset()]
