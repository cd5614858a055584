"""An administrator's day: rules change while the bridge runs, mistakes are caught, people move."""

from __future__ import annotations

from typing import Any

import pytest

from federation_bridge.operate import check
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import ANALYTICS, PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser

NEW_RULE = f"""
  - id: company.sales
    connection: company
    when: {{group: everyone}}
    grant: {{role: "{ANALYTICS}/ReadOnly"}}
"""


def test_a_rule_that_is_saved_holds_at_the_next_click(own_company: Company, trail: Any, eventually: Any) -> None:
    dan = ScriptedUser(own_company, "dan")
    dan.sign_in()
    assert dan.roles() == []
    own_company.rules.write_text(own_company.rules.read_text() + NEW_RULE)
    assert eventually(lambda: dan.roles() == [f"{ANALYTICS}/ReadOnly"])
    assert dan.credentials(f"{ANALYTICS}/ReadOnly").access_key_id.startswith("ASIA")
    assert [event["event"] for event in trail(own_company)].count("rules.loaded") == 2


def test_a_rule_that_is_taken_away_grants_nothing_at_the_next_click(own_company: Company, eventually: Any) -> None:
    ada = ScriptedUser(own_company, "ada")
    ada.sign_in()
    page = ada.open()
    form = page.form(f"/roles/{PRODUCTION}/Administrator/credentials")
    text = own_company.rules.read_text()
    own_company.rules.write_text(text.replace("group: platform-admins", "group: nobody-at-all"))
    assert eventually(lambda: ada.roles() == [f"{PRODUCTION}/Developer"])
    assert ada.browser.submit(page, form).status == 403


def test_a_broken_rules_file_is_told_of_with_its_line_and_changes_nothing(
    own_company: Company, trail: Any, eventually: Any
) -> None:
    ada = ScriptedUser(own_company, "ada")
    ada.sign_in()
    before = ada.roles()
    lines = own_company.rules.read_text().splitlines()
    own_company.rules.write_text("\n".join([*lines, "  - id: broken", "    connection: compny", ""]))

    def told() -> list[str]:
        ada.open()
        return [one["details"]["detail"] for one in trail(own_company) if one["event"] == "rules.rejected"]

    assert eventually(lambda: told() != [])
    assert f"line {len(lines) + 1}" in told()[0]
    assert ada.roles() == before


def test_a_role_that_leaves_the_register_leaves_everybody(own_company: Company, eventually: Any) -> None:
    ada = ScriptedUser(own_company, "ada")
    ada.sign_in()
    accounts = own_company.folder / "accounts.yaml"
    accounts.write_text(
        accounts.read_text().replace("[Administrator, Developer, ReadOnly]", "[Administrator, ReadOnly]")
    )
    assert eventually(lambda: f"{PRODUCTION}/Developer" not in ada.roles())
    assert f"{PRODUCTION}/Administrator" in ada.roles()


def test_who_changes_groups_has_other_roles_at_the_next_sign_in(own_company: Company) -> None:
    ada = ScriptedUser(own_company, "ada")
    ada.sign_in()
    own_company.directory.move("ada", "everyone", "contractors")
    ada.sign_out()
    ada.sign_in()
    assert ada.roles() == [f"{ANALYTICS}/DataReader"]


def test_a_group_that_names_what_is_not_registered_grants_nothing_and_says_so(own_company: Company) -> None:
    own_company.directory.move(
        "dan", "aws#999988887777#Administrator", f"aws#{PRODUCTION}#Owner", f"xaws#{PRODUCTION}#ReadOnly"
    )
    dan = ScriptedUser(own_company, "dan")
    dan.sign_in()
    assert dan.roles() == []
    words = dan.open("/why").words
    assert "which is not registered" in words
    assert "which the register does not allow there" in words


def test_a_group_of_the_same_name_at_the_other_sign_in_says_nothing(own_company: Company, eventually: Any) -> None:
    text = own_company.rules.read_text()
    own_company.rules.write_text(text.replace("group: contractors", "group: no-longer-used", 1))
    carla = ScriptedUser(own_company, "carla")
    carla.sign_in("company")
    assert eventually(lambda: carla.roles() == [])
    carla = ScriptedUser(own_company, "carla")
    carla.sign_in("company-oidc")
    assert carla.roles() == [f"{ANALYTICS}/DataReader"]


def test_check_finds_nothing_wrong_with_the_files_of_the_example(company: Company) -> None:
    findings = check.findings(company.folder / "settings.yaml")
    assert [finding.sentence for finding in findings if finding.severity is check.Severity.WRONG] == []


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("settings.yaml", "base_url:", "base_ulr:", "base_url"),
        ("rules.yaml", "group: auditors", "grup: auditors", "group"),
        ("accounts.yaml", f'id: "{PRODUCTION}"', 'id: "1111"', "12 digits"),
        ("settings.yaml", "rules: rules.yaml", "rules: elsewhere.yaml", "elsewhere.yaml"),
    ],
)
def test_check_says_what_is_wrong_and_how_to_mend_it(
    own_company: Company, file: str, old: str, new: str, says: str
) -> None:
    path = own_company.folder / file
    path.write_text(path.read_text().replace(old, new))
    findings = check.findings(own_company.folder / "settings.yaml")
    wrong = [finding.sentence for finding in findings if finding.severity is check.Severity.WRONG]
    assert any(says in sentence for sentence in wrong), findings


def test_a_provider_that_passes_over_the_second_factor_leads_to_one_sentence_and_no_loop(own_company: Company) -> None:
    ada = ScriptedUser(own_company, "ada")
    ada.sign_in()
    own_company.provider.passes_over_wishes = True
    page = ada.administer()
    assert (page.status, "did not do what we requested" in page.words) == (403, True)
    assert "Overview" not in page.words
    own_company.provider.passes_over_wishes = False
    assert "Overview" in ada.administer().words
