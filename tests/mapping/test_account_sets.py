"""Sets of accounts name the roles that the register puts into them, and no others."""

from __future__ import annotations

import pytest
from mapping_factories import CONNECTIONS, REGISTER_TEXT, identity, keys, rule, rules_text

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet, load_register, load_rules

REGISTER = (
    REGISTER_TEXT.replace("name: Production", "name: Production\n    environment: production\n    tags: {team: data}")
    .replace("name: Development", 'name: Development\n    environment: test\n    tags: {team: web, note: ""}')
    .replace("name: Beijing", "name: Beijing\n    environment: production")
)
PRODUCTION, TEST, BEIJING = "111111111111", "222222222222", "333333333333"
ME = "{person: s-1}"


def made(*rules: str) -> RuleSet:
    return load_rules(rules_text(*rules), load_register(REGISTER), CONNECTIONS)


def granting(roles: str) -> RuleSet:
    return made(rule(ME, f"{{roles: {roles}}}"))


def in_set(accounts: str, role: str) -> str:
    return f"{{accounts: {{{accounts}}}, role: {role}}}"


@pytest.mark.parametrize(
    ("roles", "reached"),
    [
        ('"*/ReadOnly"', {f"{PRODUCTION}/ReadOnly", f"{BEIJING}/ReadOnly"}),
        (in_set("environment: production", "ReadOnly"), {f"{PRODUCTION}/ReadOnly", f"{BEIJING}/ReadOnly"}),
        (in_set("environment: production, partition: aws", "ReadOnly"), {f"{PRODUCTION}/ReadOnly"}),
        (in_set("environment: [test, other]", "Administrator"), {f"{TEST}/Administrator"}),
        (
            in_set("tags: {team: [data, web]}", "Administrator"),
            {f"{PRODUCTION}/Administrator", f"{TEST}/Administrator"},
        ),
        (in_set('tags: {team: web, note: ""}', "Developer"), {f"{TEST}/Developer"}),
        (in_set("partition: aws-cn", "ReadOnly"), {f"{BEIJING}/ReadOnly"}),
        (
            f"[{in_set('environment: test', 'Developer')}, '*/Developer', '{PRODUCTION}/ReadOnly']",
            {f"{TEST}/Developer", f"{PRODUCTION}/ReadOnly"},
        ),
        ("{accounts: {environment: test}, roles: [Developer, Administrator, ReadOnly]}",
         {f"{TEST}/Developer", f"{TEST}/Administrator"}),
    ],
)  # fmt: skip
def test_a_set_names_the_role_in_every_account_that_it_holds(roles: str, reached: set[str]) -> None:
    assert set(keys(granting(roles), identity())) == reached == set(granting(roles).reachable()["r"])


@pytest.mark.parametrize(
    "accounts",
    ["tags: {team: Data}", "tags: {Team: data}", "tags: {team: data, note: ''}", "environment: produktion"],
)
def test_what_only_resembles_a_set_holds_nothing_and_is_told(accounts: str) -> None:
    rules = granting(in_set(accounts, "Administrator"))
    assert keys(rules, identity()) == ()
    assert any("it names no role now" in one for one in rules.cautions())


def test_the_caution_names_what_was_probably_meant() -> None:
    assert any(
        "did you mean 'production'?" in one for one in granting(in_set("environment: prduction", "ReadOnly")).cautions()
    )
    assert any("did you mean 'team'?" in one for one in granting(in_set("tags: {teams: data}", "ReadOnly")).cautions())


@pytest.mark.parametrize(
    ("denied", "left"),
    [
        (in_set("environment: production", '"*"'), {f"{TEST}/Administrator"}),
        (in_set("tags: {team: web}", "Administrator"), {f"{PRODUCTION}/Administrator", f"{BEIJING}/ReadOnly"}),
        (f"[{in_set('partition: aws-cn', 'ReadOnly')}, '{TEST}/*']", {f"{PRODUCTION}/Administrator"}),
        (
            in_set("tags: {team: nobody}", '"*"'),
            {f"{PRODUCTION}/Administrator", f"{TEST}/Administrator", f"{BEIJING}/ReadOnly"},
        ),
    ],
)
def test_a_set_is_denied_whole_and_nothing_beside_it(denied: str, left: set[str]) -> None:
    everything = rule(ME, f'{{roles: ["*/Administrator", "{BEIJING}/ReadOnly"]}}')
    deny = f"- id: z\n  connection: entra\n  when: {ME}\n  deny: {{roles: {denied}}}\n"
    assert set(keys(made(everything, deny), identity())) == left


NONE = in_set("tags: {team: nobody}", '"*"')


def test_a_denied_set_that_holds_nothing_is_told() -> None:
    deny = f"- id: z\n  connection: entra\n  when: {ME}\n  deny: {{role: {NONE}}}\n"
    assert any("rule z: it names no role now" in one for one in made(rule(ME), deny).cautions())


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        ('"*/Reader"', "no role 'Reader' in any account; did you mean 'ReadOnly'?"),
        (in_set("environment: production", '"*"'), "not a role name"),
        (in_set("environment: Production", "ReadOnly"), "not an environment"),
        (in_set("enviroment: production", "ReadOnly"), "did you mean 'environment'?"),
        (in_set("partition: aws-ch", "ReadOnly"), "did you mean 'aws-cn'?"),
        (in_set("", "ReadOnly"), "needs `environment`, `tags` or `partition`"),
        (in_set("tags: {}", "ReadOnly"), "`key: value` lines"),
        (in_set("tags: {team: [data, data]}", "ReadOnly"), "names the same twice"),
        (in_set("tags: {team: {a: b}}", "ReadOnly"), "must be a list"),
        ("{accounts: {partition: aws}}", "needs either `role` or `roles`"),
        ("{role: ReadOnly}", "a set of roles needs `accounts`"),
        ("{accounts: '*', role: ReadOnly}", "`name: value` lines"),
        (in_set("partition: aws", "'{role}'"), "not a role name"),
    ],
)
def test_a_set_that_could_mean_another_one_is_refused_with_its_line(roles: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        granting(roles)
    assert refused.value.detail.startswith("line ")
    assert reason in refused.value.detail
