"""Which changes wait for a second person: what is marked, the marks, and who administers. Nothing else waits."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml
from mapping_factories import CONNECTIONS, REGISTER_TEXT, rule, rules_text

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet, load_register, load_rules, reasons_to_wait, rules_schema

ADMINISTRATORS = "administration: [{id: a, as: administrator, connection: entra, when: {group: identity-team}}]\n"
PRODUCTION = rule("{group: a}", '{role: "111111111111/Administrator"}', name="production")
READING = rule("{group: a}", '{role: "111111111111/ReadOnly"}', name="reading")
DEVELOPERS = rule("{group: d}", '{role: "222222222222/Developer"}', name="developers")
DENIED = (
    '- id: denied\n  connection: entra\n  when: {group: contractors}\n  deny: {role: "111111111111/Administrator"}\n'
)
TEMPLATE = rule('{group_template: "aws-{account}-{role}"}', '{role: "{account}/{role}"}', name="by-name")
MARKED_ACCOUNT = 'second_person: {accounts: "111111111111"}\n'
MARKED_ROLE = 'second_person: {roles: "*/Administrator"}\n'
MARKED_RULE = "second_person: {rules: [reading]}\n"


def read(*parts: str, marks: str = "", more: str = ADMINISTRATORS, register: str = REGISTER_TEXT) -> RuleSet:
    return load_rules(rules_text(*parts) + more + marks, load_register(register), CONNECTIONS)


def other(written: str) -> str:
    return written.replace("group: a}", "group: b}").replace("group: d}", "group: e}")


@pytest.mark.parametrize(
    ("marks", "before", "after", "waits_for"),
    [
        ("", (PRODUCTION,), (other(PRODUCTION),), ""),
        (MARKED_ACCOUNT, (PRODUCTION, DEVELOPERS), (PRODUCTION, other(DEVELOPERS)), ""),
        (MARKED_ACCOUNT, (PRODUCTION,), (other(PRODUCTION),), "rule production changes what it says of role 111"),
        (MARKED_ACCOUNT, (DEVELOPERS,), (DEVELOPERS, READING), "rule reading changes"),
        (MARKED_ACCOUNT, (DEVELOPERS, READING), (DEVELOPERS,), "rule reading changes"),
        (MARKED_ROLE, (PRODUCTION, READING), (PRODUCTION, other(READING)), ""),
        (MARKED_ROLE, (PRODUCTION, READING), (other(PRODUCTION), READING), "rule production changes"),
        (MARKED_ROLE, (PRODUCTION,), (PRODUCTION, TEMPLATE), "rule by-name changes"),
        (MARKED_ROLE, (PRODUCTION, DENIED), (PRODUCTION,), "rule denied changes"),
        (MARKED_RULE, (READING, DEVELOPERS), (other(READING), DEVELOPERS), "rule reading is marked"),
        (MARKED_RULE, (READING, DEVELOPERS), (READING, other(DEVELOPERS)), ""),
    ],
)
def test_a_change_waits_where_it_touches_what_is_marked_and_nowhere_else(marks, before, after, waits_for) -> None:
    reasons = reasons_to_wait(read(*before, marks=marks), read(*after, marks=marks))

    assert [str(reason).startswith(waits_for) for reason in reasons] == ([True] if waits_for else [])


def test_a_rule_or_an_administrator_that_moves_to_another_file_waits_for_nobody() -> None:
    def split(*texts: str) -> RuleSet:
        documents = [(f"{number}.yaml", text) for number, text in enumerate(texts)]
        return load_rules(documents, load_register(REGISTER_TEXT), CONNECTIONS)

    who = f"version: 1\n{ADMINISTRATORS}"
    marked = rules_text(READING) + MARKED_RULE
    before = split(rules_text(PRODUCTION) + ADMINISTRATORS, marked)
    assert reasons_to_wait(before, split(rules_text(PRODUCTION, READING) + MARKED_RULE, who)) == ()
    assert reasons_to_wait(before, split(rules_text(PRODUCTION, other(READING)) + MARKED_RULE, who))


def test_a_rule_that_only_moves_or_gets_a_comment_waits_for_nobody() -> None:
    before = read(PRODUCTION, DEVELOPERS, marks=MARKED_ACCOUNT)
    after = read("# why\n", DEVELOPERS, PRODUCTION, marks=MARKED_ACCOUNT)

    assert reasons_to_wait(before, after) == ()


@pytest.mark.parametrize("marks", ["", MARKED_ROLE, MARKED_ACCOUNT + "# more\n"], ids=["gone", "others", "same"])
def test_whoever_changes_the_marks_changes_what_waits(marks: str) -> None:
    before, after = read(PRODUCTION, marks=MARKED_ACCOUNT), read(PRODUCTION, marks=marks)

    told = reasons_to_wait(before, after)
    assert told == (() if marks.startswith(MARKED_ACCOUNT) else ("the change is about what waits for a second person",))


def test_the_first_marks_wait_too() -> None:
    assert reasons_to_wait(read(PRODUCTION), read(PRODUCTION, marks=MARKED_ACCOUNT)) != ()


@pytest.mark.parametrize("more", ["", ADMINISTRATORS.replace("identity-team", "friends")], ids=["nobody", "friends"])
def test_who_administers_changes_by_two_where_anything_is_marked(more: str) -> None:
    marked = reasons_to_wait(read(PRODUCTION, marks=MARKED_ROLE), read(PRODUCTION, marks=MARKED_ROLE, more=more))

    assert marked == ("the change is about who administers",)
    assert reasons_to_wait(read(PRODUCTION), read(PRODUCTION, more=more)) == ()


@pytest.mark.parametrize(
    ("marks", "account", "waits"),
    [
        (MARKED_ACCOUNT, "111111111111", True),
        (MARKED_ACCOUNT, "222222222222", False),
        (MARKED_ROLE, "222222222222", True),
        (MARKED_RULE.replace("reading", "production"), "111111111111", False),
    ],
)
def test_a_marked_account_changes_in_the_register_by_two(marks: str, account: str, waits: bool) -> None:
    name = {"111111111111": "Production", "222222222222": "Development"}[account]
    changed = REGISTER_TEXT.replace(f"name: {name}", "name: Another")

    reasons = reasons_to_wait(read(PRODUCTION, marks=marks), read(PRODUCTION, marks=marks, register=changed))
    assert reasons == ((f"account {account} is marked, and changes in the register",) if waits else ())


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        ("second_person: {}", "names accounts, roles or rules"),
        ('second_person: {accounts: "999999999999"}', "there is no account '999999999999'"),
        ("second_person: {rules: productoin}", "there is no rule 'productoin'; did you mean 'production'"),
        ('second_person: {roles: "*/Administator"}', "did you mean 'Administrator'"),
        ('second_person: {roles: "111111111111/*"}', "is not a role to mark"),
        ('second_person: {roles: "999999999999/ReadOnly"}', "the register has no role"),
        ("second_person: {groups: a}", "groups"),
        ("second_person: yes", "must be written as"),
    ],
)
def test_a_mark_of_nothing_is_refused_with_its_line(marks: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=rf"line \d+: .*{reason}".replace("*/", r"\*/")):
        read(PRODUCTION, marks=marks + "\n")


def test_the_schema_takes_marks_and_refuses_empty_ones() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(json.dumps(rules_schema())))

    def valid(marks: str) -> bool:
        return schema.is_valid(yaml.load(rules_text(PRODUCTION) + marks, Loader=yaml.BaseLoader))

    assert all(valid(marks) for marks in (MARKED_ACCOUNT, MARKED_ROLE, MARKED_RULE, ""))
    assert not valid("second_person: {}\n")
    assert not valid('second_person: {roles: "*/*"}\n')
