"""Who administers the bridge is said in the rules: by the same conditions, and by nothing that people choose."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
import yaml
from mapping_factories import CONNECTIONS, NOW, identity, register, rule, rules_text

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import AdministrativeRole, RuleSet, load_rules, rules_schema

ADMINISTRATORS = "{id: admins, as: administrator, connection: entra, when: {group: identity-team}}"
AUTHORS = '{id: authors, as: author, connection: entra, when: {group: platform}, accounts: ["111111111111"]}'
MORE_AUTHORS = '{id: more, as: author, connection: entra, when: {group: data}, accounts: "222222222222"}'
AUDITORS = "{id: auditors, as: auditor, connection: entra, when: {authentication_method: mfa}}"


def written(*entries: str) -> str:
    listed = "".join(f"  - {entry}\n" for entry in entries)
    return rules_text(rule("{group: a}")) + (f"administration:\n{listed}" if entries else "")


def rules(*entries: str) -> RuleSet:
    return load_rules(written(*entries), register(), CONNECTIONS)


@pytest.mark.parametrize(
    ("groups", "methods", "role", "accounts"),
    [
        (("identity-team",), (), AdministrativeRole.ADMINISTRATOR, ()),
        (("identity-team", "platform"), ("mfa",), AdministrativeRole.ADMINISTRATOR, ()),
        (("platform",), (), AdministrativeRole.AUTHOR, ("111111111111",)),
        (("platform", "data"), (), AdministrativeRole.AUTHOR, ("111111111111", "222222222222")),
        ((), ("mfa",), AdministrativeRole.AUDITOR, ()),
        (("Identity-Team",), (), None, ()),
        ((), (), None, ()),
    ],
)
def test_the_highest_role_that_an_entry_gives_stands(groups, methods, role, accounts) -> None:
    found = rules(ADMINISTRATORS, AUTHORS, MORE_AUTHORS, AUDITORS).administrative_rights(
        identity(groups=groups, authn_methods=methods), NOW
    )

    assert (found and found.role, tuple(sorted(found.accounts)) if found else ()) == (role, accounts)


def test_the_rights_say_which_entry_gave_them_and_why() -> None:
    found = rules(ADMINISTRATORS).administrative_rights(identity(groups=("identity-team",)), NOW)

    assert found is not None
    assert found.appointments == ("admins",)
    assert [str(sentence) for sentence in found.because] == ["you are in group 'identity-team'"]


def test_who_may_change_may_also_read_and_not_the_other_way_round() -> None:
    of = {
        role: rules(entry).administrative_rights(
            identity(groups=("identity-team", "platform"), authn_methods=("mfa",)), NOW
        )
        for role, entry in zip(AdministrativeRole, (ADMINISTRATORS, AUTHORS, AUDITORS), strict=True)
    }
    held = {
        role: [other for other in AdministrativeRole if rights and rights.includes(other)]
        for role, rights in of.items()
    }

    assert held == {
        AdministrativeRole.ADMINISTRATOR: ["administrator", "author", "auditor"],
        AdministrativeRole.AUTHOR: ["author", "auditor"],
        AdministrativeRole.AUDITOR: ["auditor"],
    }


def test_groups_that_are_not_known_whole_make_nobody_an_administrator() -> None:
    member = identity(groups=("identity-team",))
    cut = identity(groups=("identity-team",), groups_gap="too many")

    assert rules(ADMINISTRATORS).administrative_rights(member, NOW) is not None
    assert rules(ADMINISTRATORS).administrative_rights(cut, NOW) is None


def test_a_group_of_the_same_name_at_another_connection_makes_nobody_an_administrator() -> None:
    member = identity(groups=("identity-team",))

    assert rules(ADMINISTRATORS).administrative_rights(replace(member, connection="okta"), NOW) is None


def test_without_entries_nobody_administers() -> None:
    assert rules().administrative_rights(identity(groups=("identity-team",)), NOW) is None


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{id: a, as: administrator, connection: entra}", "line 8: .* needs `when`"),
        ("{id: a, as: administator, connection: entra, when: {group: a}}", "did you mean 'administrator'"),
        ("{id: a, as: administrator, connection: entre, when: {group: a}}", "did you mean 'entra'"),
        ("{id: a b, as: administrator, connection: entra, when: {group: a}}", "is not an entry's id"),
        ("{id: a, as: author, connection: entra, when: {group: a}}", "an author needs `accounts`"),
        ('{id: a, as: auditor, connection: entra, when: {group: a}, accounts: ["111111111111"]}', "nobody else may"),
        ('{id: a, as: author, connection: entra, when: {group: a}, accounts: ["999999999999"]}', "is not registered"),
        ("{id: a, as: administrator, connection: entra, when: {group: a}, who: b}", "who"),
        (
            '{id: a, as: administrator, connection: entra, when: {group_template: "x-{role}"}}',
            "every branch has to say",
        ),
        ("{id: a, as: administrator, connection: entra, when: {not: {group: a}}}", "every branch has to say"),
        ("{id: a, as: administrator, connection: entra, when: {any: [{group: a}, {not: {group: b}}]}}", "every branch"),
        (
            "{id: a, as: administrator, connection: entra, when: {dates: {not_after: 2027-01-01}}}",
            "every branch has to say",
        ),
    ],
)
def test_an_entry_that_is_wrong_or_means_everybody_is_refused_with_its_line(entry: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=f"(?s)line [89].*{reason}|{reason}"):
        rules(entry)


def test_two_entries_of_one_id_are_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match="stands here twice, first in line 8"):
        rules(ADMINISTRATORS, ADMINISTRATORS)


def test_the_schema_takes_what_the_code_takes_and_refuses_authors_of_nothing() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(json.dumps(rules_schema())))

    def valid(*entries: str) -> bool:
        return schema.is_valid(yaml.load(written(*entries), Loader=yaml.BaseLoader))

    assert valid(ADMINISTRATORS, AUTHORS, MORE_AUTHORS, AUDITORS)
    assert not valid("{id: a, as: author, connection: entra, when: {group: a}}")
    assert not valid('{id: a, as: auditor, connection: entra, when: {group: a}, accounts: ["111111111111"]}')


def test_who_administers_is_part_of_the_version() -> None:
    assert rules(ADMINISTRATORS).version != rules(AUDITORS).version
