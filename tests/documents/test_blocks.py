"""What the documentation shows is run: each fenced block has a test here or elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from databases import HeldClock
from documents.blocks import ROOT, blocks
from web_factories import door_of, write_files

from federation_bridge import model
from federation_bridge.app import create_app
from federation_bridge.settings import load_settings

BLOCKS = blocks()
HERE = "documents/test_blocks.py"
_RULES = ("mapping/test_mapping_documentation.py", "test_the_documentations_examples_are_good_rules_and")
_VERSIONS = (
    "rulebook/test_versions_in_the_database.py",
    "test_the_page_of_administration_leads_from_no_version_to_a_return",
)
_FORESEEING = "operate/test_foreseeing.py"
_CHANGE = ("stories/test_one_change.py", "test_the_page_leads_through_a_change_at_a_terminal")
_WALK = (
    "deploy/test_walk.py",
    "test_the_pages_lead_from_bare_debian_through_sign_in_keys_upgrade_backup_and_restore",
)
_REVIEW = "operate/test_review.py"
_REVOCATION = "documents/test_revocation_page.py"
_NOTICES = "operator_notices/test_kinds.py"
_BACKUP = ("documents/test_backup_page.py", "test_a_sqlite_database_comes_back_as_the_page_says")
_SANDBOX = "documents/test_sandbox_page.py"
_TERMINAL = "stories/test_at_a_terminal.py"
_ON_AWS = "deploy/test_aws_deployment_page.py"
_SHOWN = "documents/test_shown_settings.py"
_SETTING = (_SHOWN, "test_every_shown_setting_is_taken")
_COMMANDS = "documents/test_shown_commands.py"
_TO_AWS = "documents/test_shown_to_aws.py"
_GRANTS = "documents/test_grants_in_postgresql.py"
RUN_BY = {
    "docs/notices.md yaml 1": (_NOTICES, "test_the_shown_settings_are_taken"),
    "docs/notices.md console 1": (
        "operator_notices/test_notices_commands.py",
        "test_the_commands_of_the_page_are_taken",
    ),
    "docs/notices.md text 1": (_NOTICES, "test_the_page_shows_what_is_sent"),
    "docs/notices.md json 1": (_NOTICES, "test_the_body_of_the_page_has_the_names_that_are_sent"),
    "docs/notices.md python 1": (_NOTICES, "test_the_receiver_of_the_page_believes_us_and_nobody_else"),
    "docs/architecture.md text 1": (HERE, "test_the_picture_of_the_nouns_names_what_there_is"),
    **{f"docs/sign-out.md text {number}": (HERE, "test_every_shown_address_is_one_of_ours") for number in (1, 2, 3)},
    "docs/sign-out.md yaml 2": _SETTING,
    "docs/sign-out.md yaml 1": _SETTING,
    "README.md console 1": (".ci/run", "make test"),
    "README.md console 2": (_WALK[0], "test_the_readme_installs_the_server_from_a_clone"),
    "README.md console 3": (_TO_AWS, "test_the_readme_leads_from_three_files_to_a_provider_that_aws_knows"),
    "README.md yaml 1": (_TO_AWS, "test_the_readme_leads_from_three_files_to_a_provider_that_aws_knows"),
    "README.md yaml 2": (_TO_AWS, "test_the_readme_leads_from_three_files_to_a_provider_that_aws_knows"),
    "README.md yaml 3": (_TO_AWS, "test_the_readme_leads_from_three_files_to_a_provider_that_aws_knows"),
    "docs/administration.md console 1": _VERSIONS,
    "docs/administration.md console 2": _VERSIONS,
    "docs/administration.md console 3": _VERSIONS,
    "docs/administration.md yaml 1": _VERSIONS,
    "docs/administration.md console 7": (_VERSIONS[0], "test_a_marked_change_waits_as_the_page_says"),
    "docs/audit.md console 1": ("documents/test_audit_example.py", "test_the_example_of_the_page_says_what_it_shows"),
    "docs/command-line.md text 1": (
        "cli/test_cli_granted.py",
        "test_a_length_that_was_cut_is_told_with_the_cap_that_cut_it",
    ),
    "docs/audit.md text 1": ("documents/test_audit_example.py", "test_the_example_of_the_page_says_what_it_shows"),
    "docs/administration.md console 4": (_FORESEEING, "test_every_command_of_the_page_is_taken"),
    "docs/administration.md console 5": (_FORESEEING, "test_every_command_of_the_page_is_taken"),
    "docs/administration.md console 6": (_FORESEEING, "test_every_command_of_the_page_is_taken"),
    "docs/administration.md console 8": (_REVIEW, "test_every_command_of_the_page_is_taken"),
    "docs/administration.md text 2": (
        "administration/test_sign_in_records.py",
        "test_the_page_shows_what_is_printed",
    ),
    "docs/administration.md text 3": (_REVIEW, "test_the_shown_table_is_what_is_printed"),
    "docs/administration.md console 13": ("stories/test_administration_by_programs.py", "LOGIN"),
    "docs/administration.md console 16": (
        "operate/test_erasing_command.py",
        "test_the_command_of_the_page_erases_and_verification_says_so",
    ),
    "docs/administration.md console 14": ("stories/test_administration_by_programs.py", "CURL"),
    "docs/administration.md console 15": ("stories/test_administration_by_programs.py", "CHANGE"),
    "docs/administration.md text 1": (_FORESEEING, "test_the_shown_preview_is_what_is_printed"),
    "docs/administration.md console 9": _CHANGE,
    "docs/administration.md console 10": _CHANGE,
    "docs/administration.md console 11": _CHANGE,
    "docs/administration.md console 12": _CHANGE,
    "docs/administration.md yaml 3": (
        "attacks/test_authentication_method.py",
        "test_the_settings_of_the_page_are_what_the_sandbox_is_asked_with",
    ),
    "docs/administration.md yaml 4": _CHANGE,
    "docs/administration.md sh 1": ("stories/test_git_pipeline.py", "test_a_change_is_pushed_agreed_used_and_reverted"),
    "docs/administration.md json 1": ("web/test_administration_wishes_api.py", "test_the_files_of_the_page_are_taken"),
    "docs/administration.md yaml 2": (_FORESEEING, "test_every_command_of_the_page_is_taken"),
    "docs/aws-clients.md console 1": (
        "real_clients/test_web_identity_files.py",
        "test_a_command_runs_with_the_file_and_without_its_competitors",
    ),
    "docs/aws-clients.md ini 1": ("real_clients/real_client_factories.py", "shown_config(1,"),
    "docs/aws-clients.md ini 2": ("real_clients/test_aws_login.py", "shown_config(2,"),
    "docs/aws-clients.md yaml 1": _SETTING,
    "docs/aws-clients.md yaml 2": (_SHOWN, "test_a_shown_role_is_one_that_the_register_takes"),
    "docs/aws.md console 1": ("aws/test_onboard_command.py", "test_the_page_s_command_writes_what_aws_takes"),
    "docs/aws.md console 2": ("aws/test_account_reading.py", "test_the_page_s_policy_is_enough_to_read_all_accounts"),
    "docs/aws.md console 3": ("aws/test_account_check.py", "test_the_page_s_commands_export_an_onboarded_account"),
    "docs/aws.md console 4": (
        "operate/test_publish_keys.py",
        "test_a_key_rolls_through_every_account_with_the_page_s_rights_and_command",
    ),
    "docs/aws.md json 3": (
        "operate/test_publish_keys.py",
        "test_a_key_rolls_through_every_account_with_the_page_s_rights_and_command",
    ),
    "docs/aws.md json 1": (_TO_AWS, "test_the_shown_trust_policy_is_the_one_that_we_print"),
    "docs/revocation.md json 1": (
        "documents/test_revocation_page.py",
        "test_the_shown_policy_is_the_one_that_is_written",
    ),
    "docs/revocation.md yaml 1": ("documents/test_revocation_page.py", "test_the_shown_acceptance_is_taken"),
    "docs/revocation.md json 3": ("documents/test_revocation_page.py", "test_the_shown_guard_keeps_the_policy_from"),
    "docs/revocation.md json 2": (
        "documents/test_revocation_page.py",
        "test_the_shown_guard_keeps_the_attached_policy_from_roles_without_a_boundary",
    ),
    "docs/aws.md json 2": ("aws/test_account_reading.py", "test_the_page_s_policy_is_enough_to_read_all_accounts"),
    "docs/aws.md yaml 2": _SETTING,
    "docs/aws.md yaml 1": ("aws/test_onboard_command.py", "test_the_page_s_command_writes_what_aws_takes"),
    **{f"docs/backup.md console {number}": _BACKUP for number in (1, 2, 3, 9, 10, 11, 12)},
    **{
        f"docs/backup.md console {number}": (_BACKUP[0], "test_a_postgresql_database_comes_back_as_the_page_says")
        for number in (4, 7)
    },
    **{f"docs/backup.md console {number}": _WALK for number in (5, 6, 8)},
    "docs/command-line.md console 1": (_TERMINAL, "test_from_nothing_to_terraform_plan_as_the_page_shows"),
    "docs/command-line.md console 2": (_TERMINAL, "test_two_bridges_are_used_in_turn_as_the_page_shows"),
    "docs/command-line.md console 3": (
        "cli/test_cli_assume.py",
        "test_a_shell_has_the_role_with_all_for_its_prompt_and_goes_back_to_exactly_what_it_was",
    ),
    "docs/command-line.md console 4": (_COMMANDS, "test_the_shown_lines_make_a_shell_complete"),
    **{f"docs/deployment.md console {number}": _WALK for number in (*range(1, 27), 28, 29)},
    **{f"docs/deployment.md ini {number}": _WALK for number in (1, 2)},
    "docs/aws-deployment.md console 1": (_ON_AWS, "test_every_command_of_the_page_is_one_that_its_program_takes"),
    "docs/aws-deployment.md console 2": (_ON_AWS, "test_every_command_of_the_page_is_one_that_its_program_takes"),
    "docs/aws-deployment.md console 3": (_ON_AWS, "test_every_command_of_the_page_is_one_that_its_program_takes"),
    "docs/aws-deployment.md console 4": (_ON_AWS, "test_every_command_of_the_page_is_one_that_its_program_takes"),
    "docs/aws-deployment.md console 5": (_ON_AWS, "test_what_is_uploaded_is_what_the_bridge_exports"),
    "docs/aws-deployment.md console 6": (_ON_AWS, "test_every_command_of_the_page_is_one_that_its_program_takes"),
    "docs/aws-deployment.md console 7": (_ON_AWS, "test_every_command_of_the_page_is_one_that_its_program_takes"),
    "docs/aws-deployment.md console 8": (_ON_AWS, "test_every_command_of_the_page_is_one_that_its_program_takes"),
    "docs/aws-deployment.md json 1": (_ON_AWS, "test_the_parameters_of_the_page_are_those_that_are_needed"),
    "docs/costs.md console 1": ("deploy/test_costs.py", "test_the_command_of_the_page_works_on_a_copy"),
    "docs/containers.md console 1": (".ci/run", "make try-image"),
    "docs/containers.md console 2": ("deploy/test_containers_page.py", "test_the_shown_settings_and_command_serve"),
    "docs/containers.md console 3": ("deploy/test_containers_page.py", "test_the_shown_commands_of_compose_name"),
    "docs/containers.md console 4": ("deploy/test_compose_started.py", "test_a_dump_made_and_put_back_by_the_page_s"),
    "docs/containers.md console 5": ("deploy/test_compose_started.py", "test_a_dump_made_and_put_back_by_the_page_s"),
    "docs/containers.md yaml 1": ("deploy/test_containers_page.py", "test_the_shown_settings_and_command_serve"),
    "docs/deployment.md yaml 1": _SETTING,
    "docs/deployment.md yaml 2": _WALK,
    "docs/deployment.md yaml 3": _WALK,
    "docs/deployment.md console 27": ("deploy/test_systemd.py", "test_the_page_installs_the_unit_that_is_there"),
    "docs/deployment.md yaml 4": _SETTING,
    "docs/deployment.md yaml 5": _SETTING,
    "docs/kubernetes.md console 1": (
        "deploy/test_kubernetes.py",
        "test_the_page_makes_the_secrets_that_are_mounted_under_the_names_that_settings_read",
    ),
    "docs/kubernetes.md console 2": (
        "deploy/test_kubernetes_lines.py",
        "test_kubectl_takes_every_line_and_gets_as_far_as_the_cluster",
    ),
    "docs/kubernetes.md console 3": (
        "deploy/test_kubernetes_lines.py",
        "test_kubectl_takes_every_line_and_gets_as_far_as_the_cluster",
    ),
    "docs/kubernetes.md yaml 1": (
        "deploy/test_kubernetes.py",
        "test_prometheus_asks_each_node_under_the_name_that_alerts_expect",
    ),
    "docs/oidc.md yaml 1": _SETTING,
    "docs/portal.md yaml 1": _SETTING,
    "docs/releasing.md console 1": ("test_forge.py", "test_a_release_is_installed_as_its_page_says"),
    "docs/rules.md yaml 1": _RULES,
    "docs/rules.md yaml 2": _RULES,
    "docs/rules.md yaml 3": (_RULES[0], "test_every_example_of_rules_is_good_and_fits_the_schema"),
    "docs/rules.md yaml 4": (_RULES[0], "test_every_example_of_rules_is_good_and_fits_the_schema"),
    "docs/rules.md yaml 5": (_RULES[0], "test_every_example_of_rules_is_good_and_fits_the_schema"),
    "docs/rules.md yaml 6": (_RULES[0], "test_every_example_of_rules_is_good_and_fits_the_schema"),
    "docs/rules.md yaml 7": (_RULES[0], "test_every_example_of_rules_is_good_and_fits_the_schema"),
    "docs/rules.md yaml 8": (_RULES[0], "test_every_example_of_rules_is_good_and_fits_the_schema"),
    "docs/rules.md yaml 9": (_RULES[0], "test_every_example_of_rules_is_good_and_fits_the_schema"),
    "docs/sandbox.md console 1": (_SANDBOX, "test_stock_clients_do_on_the_local_aws_what_the_page_shows"),
    "docs/sandbox.md sh 1": (_SANDBOX, "test_stock_clients_do_on_the_local_aws_what_the_page_shows"),
    "docs/sandbox.md sh 2": (_SANDBOX, "test_faults_come_and_go_as_the_page_shows"),
    "docs/sandbox.md python 1": (_SANDBOX, "test_stock_clients_do_on_the_local_aws_what_the_page_shows"),
    "docs/sandbox.md python 2": (_SANDBOX, "test_the_object_for_tests_is_made_as_the_page_shows"),
    "docs/sandbox.md python 3": (_SANDBOX, "test_the_story_of_the_page_is_true"),
    "docs/scim.md yaml 1": _SETTING,
    "docs/store.md sql 1": (
        "conformance/test_store_schema.py",
        "test_the_page_shows_the_rights_of_each_table",
    ),
    "docs/store.md sql 2": (_GRANTS, "test_a_role_with_the_grant_for_archives_deletes_what_was_archived_alone"),
    "docs/store.md sql 3": (_GRANTS, "test_a_role_with_the_grant_for_erasures_blanks_whole_entries_alone"),
    "docs/store.md yaml 1": _SETTING,
    "idp_metadata/entra/README.md yaml 1": _SETTING,
    "idp_metadata/generic/README.md yaml 1": _SETTING,
    "idp_metadata/generic/README.md yaml 2": _SETTING,
    "idp_metadata/google/README.md yaml 1": _SETTING,
    "idp_metadata/okta/README.md yaml 1": _SETTING,
}
"""Each block: where the test of it stands, and its name (or the line that runs it)."""


def test_every_block_of_the_documentation_is_run_by_a_test() -> None:
    assert sorted(BLOCKS) == sorted(RUN_BY)


@pytest.mark.parametrize("name", RUN_BY)
def test_the_test_that_runs_a_block_is_there(name: str) -> None:
    file, test = RUN_BY[name]
    path = ROOT / file if file.startswith(".ci") else ROOT / "tests" / file
    assert test in path.read_text("utf-8")


def test_every_block_says_its_language() -> None:
    # One that does not is seen by no table of blocks, and so by no test.
    assert [block.name for block in BLOCKS.values() if not block.language] == []


def test_the_picture_of_the_nouns_names_what_there_is() -> None:
    nouns = re.findall(r"[A-Z]\w+", BLOCKS["docs/architecture.md text 1"].text.splitlines()[0])
    assert nouns[:2] == ["SignIn", "Identity"]
    assert [noun for noun in nouns if not hasattr(model, noun)] == []


def test_every_shown_address_is_one_of_ours(tmp_path: Path, clock: HeldClock) -> None:
    shown = [
        urlsplit(block.text.strip()).path for name, block in BLOCKS.items() if name.startswith("docs/sign-out.md text")
    ]
    app = create_app(load_settings(write_files(tmp_path)), clock=clock)
    known = {re.sub(r"<[^>]+>", "company", rule.rule) for rule in app.url_map.iter_rules()}
    door_of(app).store.close()
    assert len(shown) == 3
    assert [path for path in shown if path not in known] == []
