"""The published schemas and the documentation of rules say what the code does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from mapping_factories import REGISTER_TEXT, identity, keys, rule, rules_text

from federation_bridge.mapping import CONDITIONS, RuleSet, load_register, load_rules, register_schema, rules_schema
from federation_bridge.mapping.filling import FILLINGS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "rules.md").read_text(encoding="utf-8")
SCHEMAS = {"rules.schema.json": rules_schema, "accounts.schema.json": register_schema}


EXAMPLES = [block.partition("```")[0] for block in PAGE.split("```yaml rules\n")[1:]]


def example(kind: str) -> str:
    return PAGE.split(f"```yaml {kind}\n")[1].partition("```")[0]


def example_with(word: str) -> str:
    """The first example of rules that has this word."""
    return next(one for one in EXAMPLES if word in one)


def shown(word: str) -> RuleSet:
    """The rules of the example with this word."""
    return load_rules(example_with(word), load_register(example("accounts")), ("entra", "okta"))


def is_valid(schema: dict[str, Any], text: str) -> bool:
    # Every scalar as a text, as an editor with YAML 1.2's failsafe schema and our own reader see it.
    return jsonschema.Draft202012Validator(schema).is_valid(yaml.load(text, Loader=yaml.BaseLoader))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_the_one_that_the_code_makes(name: str) -> None:
    """To publish a change: write `json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False)` there."""
    assert json.loads((DOCS / "schemas" / name).read_text(encoding="utf-8")) == SCHEMAS[name]()


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name]())


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_has_a_heading_in_the_documentation(name: str) -> None:
    assert f"\n### {name}\n" in PAGE


@pytest.mark.parametrize("name", FILLINGS)
def test_every_placeholder_is_named_in_the_documentation(name: str) -> None:
    assert f"`{{{name}}}`" in PAGE


@pytest.mark.parametrize("name", rules_schema()["$defs"]["grant"]["properties"])
def test_every_key_of_a_grant_is_named_in_the_documentation(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_the_documentations_examples_are_good_rules_and_fit_their_schemas() -> None:
    rules = load_rules(example("rules"), load_register(example("accounts")), ("entra", "okta"))

    assert [found.id for found in rules.rules] == ["auditor-of-the-year", "by-group-name", "platform-admins"]
    assert is_valid(rules_schema(), example("rules"))
    assert is_valid(register_schema(), example("accounts"))
    assert is_valid(register_schema(), REGISTER_TEXT)


@pytest.mark.parametrize("text", EXAMPLES, ids=range(1, len(EXAMPLES) + 1))
def test_every_example_of_rules_is_good_and_fits_the_schema(text: str) -> None:
    assert load_rules(text, load_register(example("accounts")), ("entra", "okta")).rules
    assert is_valid(rules_schema(), text)


def test_the_example_of_what_a_rule_denies_means_what_is_said_beside_it() -> None:
    rules = shown("id: leavers")

    everything = {f"{account.id}/{role}" for account in rules.register.accounts.values() for role in account.roles}
    assert {one.id for one in rules.rules if one.denied} == {"leavers", "production-asks-for-mfa"}
    assert next(one.denied for one in rules.rules if one.id == "leavers") == everything
    assert not is_valid(rules_schema(), example_with("id: leavers").replace("    deny: {role", "    grant: {role"))


def test_the_example_of_sets_of_accounts_means_what_is_said_beside_it() -> None:
    rules = shown("id: staff-reads-everywhere")

    assert rules.reachable()["staff-reads-everywhere"] == ("111111111111/ReadOnly",)
    (denies,) = (one for one in rules.rules if one.id == "personal-data-asks-for-mfa")
    assert denies.denied == {"111111111111/Administrator", "111111111111/ReadOnly"}


def test_the_example_of_named_groups_means_what_is_said_beside_it() -> None:
    rules = shown("named: platform")

    assert list(rules.cautions()) == []
    assert keys(rules, identity(("6f1b2c3d-0000-4000-8000-000000000001",))) == ("111111111111/Administrator",)


def test_the_example_of_who_administers_means_what_is_said_beside_it() -> None:
    rules = shown("administration:")

    assert [entry.role.value for entry in rules.administration] == ["auditor", "administrator", "author"]


@pytest.mark.parametrize(
    "when",
    [
        "{grup: a}",
        "{}",
        "{group: a, person: b}",
        "{group: ''}",
        "{all: []}",
        "{attribute: {name: a}}",
        "{dates: {not_after: soon}}",
        "{group_template: plain}",
        "{not: {group: [a]}}",
    ],
)
def test_the_schema_refuses_what_the_code_refuses(when: str) -> None:
    assert is_valid(rules_schema(), rules_text(rule("{group: a}")))
    assert not is_valid(rules_schema(), rules_text(rule(when)))
