"""A rule as the fields of a form, and back: what was not changed stays as it was written."""

from __future__ import annotations

from typing import Any

import pytest

from federation_bridge.administration.rule_form import field_at, fields_of, rule_of
from federation_bridge.mapping.document import read_document
from federation_bridge.mapping.plain import plain_of

NAMES = {"platform"}


def written(text: str) -> Any:
    return plain_of(read_document(text))


RULES = {
    "all of it": """
        id: a
        description: What it is for
        owner: Platform team
        note: Asked for in change 4711
        connection: corp
        when:
          all:
            - any: [{group: x}, {group: {named: platform}}]
            - not: {group: leavers}
            - person: [p1, p2]
            - attribute: {name: department, one_of: [web, data]}
            - email_domain: example.com
            - authentication_method: [mfa]
            - signed_in_within: 15m
            - source_network: [192.0.2.0/24]
            - hours: {days: [mon-fri], from: "08:00", to: "18:00", zone: Europe/Berlin}
            - dates: {not_before: 2026-01-01, not_after: 2026-12-31}
        grant:
          roles:
            - "111111111111/Reader"
            - "*/ReadOnly"
            - {accounts: {environment: [dev, test], tags: {data: [a, b]}}, role: X}
          max_duration: 2h
          tags: {team: "{attribute.department}"}
          transitive_tags: [team]
          source_identity: "{subject}"
          policy_arns: ["arn:aws:iam::aws:policy/SecurityAudit"]
          session_policy: {named: only-logs}
    """,
    "two groups": "{id: a, connection: c, when: {all: [{group: x}, {group: y}]}, grant: {role: 1/R}}",
    "template": "{id: a, connection: c, when: {group_template: 'aws#{account}'}, grant: {role: '{account}/R'}}",
    "denial": "{id: a, connection: c, when: {group: x}, deny: {role: '*/*'}}",
    "denial of a sign-in": """
        id: a
        connection: c
        when: {all: [{not: {signed_in_within: 12h}}, {not: {authentication_method: [mfa, hwk]}}, {not: {group: x}}]}
        deny: {role: "*/*"}
    """,
}
HIDDEN = {
    "nested": ("when", "{any: [{group: x}, {person: p}]}"),
    "not anything": ("when", "{not: {person: p}}"),
    "twice under not": ("when", "{all: [{not: {signed_in_within: 1h}}, {not: {signed_in_within: 2h}}]}"),
    "a literal group named as a name": ("when", "{group: platform}"),
    "twice": ("when", "{all: [{person: p}, {person: q}]}"),
    "inline policy": ("policy", "{group: x}, grant: {role: 1/R, session_policy: {Version: '2012-10-17'}}"),
    "closed tag": ("tags", "{group: x}, grant: {role: 1/R, tags: {t: {value: v, one_of: [v]}}}"),
}


@pytest.mark.parametrize("name", RULES)
def test_the_fields_show_all_of_a_rule_and_give_it_back(name) -> None:
    rule = written(RULES[name])
    shown = fields_of(rule, NAMES)
    assert shown.kept == ()
    assert rule_of(shown.fields, rule, NAMES) == rule
    # And made anew, from the fields alone, it says the same.
    assert fields_of(rule_of(shown.fields, {}, NAMES), NAMES) == shown


@pytest.mark.parametrize("name", HIDDEN)
def test_what_no_field_shows_is_named_and_kept(name) -> None:
    key, when = HIDDEN[name]
    tail = "" if "grant" in when else ", grant: {role: 1/R}"
    rule = written(f"{{id: a, connection: c, when: {when}{tail}}}")
    shown = fields_of(rule, NAMES)
    assert shown.kept == (key,)
    changed = rule_of({**shown.fields, "owner": ("O",), "groups": ("other",)}, rule, NAMES)
    assert changed["owner"] == "O"
    if key == "when":
        assert changed["when"] == rule["when"]
    assert changed["grant"] == rule["grant"]


def test_a_changed_field_changes_its_condition_alone() -> None:
    rule = written(RULES["all of it"])
    shown = fields_of(rule, NAMES)
    changed: Any = rule_of({**shown.fields, "not_after": ("2027-01-31",), "persons": ()}, rule, NAMES)
    expected = written(RULES["all of it"])
    expected["when"]["all"][9]["dates"]["not_after"] = "2027-01-31"
    del expected["when"]["all"][2]
    assert changed == expected


def test_a_group_is_asked_for_by_its_name_and_others_as_they_are_sent() -> None:
    fields = {"id": ("n",), "connection": ("c",), "groups": ("platform", "raw"), "roles": ("1/R",)}
    assert rule_of(fields, {}, NAMES) == written(
        "{id: n, connection: c, when: {any: [{group: {named: platform}}, {group: raw}]}, grant: {role: 1/R}}"
    )


def test_a_rule_that_turns_into_a_denial_grants_nothing_more() -> None:
    rule = written(RULES["all of it"])
    shown = fields_of(rule, NAMES)
    changed = rule_of({**shown.fields, "effect": ("deny",)}, rule, NAMES)
    assert "grant" not in changed
    assert list(changed["deny"]) == ["roles"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ((), ""),
        (("id",), "id"),
        (("when", "all", "0", "group"), "groups"),
        (("when", "not", "group"), "not_groups"),
        (("when", "all", "0", "not", "signed_in_within"), "not_signed_in_within"),
        (("when", "signed_in_within"), "signed_in_within"),
        (("when", "all", "1", "dates", "not_after"), "not_after"),
        (("when", "hours", "from"), "hours_from"),
        (("when",), "groups"),
        (("grant", "roles", "1"), "roles"),
        (("deny", "role"), "roles"),
        (("grant", "max_duration"), "max_duration"),
        (("grant", "session_policy", "named"), "policy"),
    ],
)
def test_a_mistake_stands_at_the_field_of_its_place(path, field) -> None:
    assert field_at(path) == field
