"""Every table of the documentation: compared with the code by a test, made of measurements, or words for people."""

from __future__ import annotations

import pytest
from documents.blocks import ROOT
from documents.tables import tables
from documents.test_listed_code import EXACT

TABLES = tables()
_LISTED = "documents/test_listed_code.py"
_TOLD = "documents/test_told_sentences.py"
_COMMANDS = "documents/test_shown_commands.py"
_OPERATOR = (_COMMANDS, "test_every_command_of_an_operator_is_one_that_the_program_takes")
_HOUSE = ("documents/test_architecture_page.py", "test_every_place_that_the_page_names_is_there")
_PERSONAL = "documents/test_personal_data_page.py"
_COSTS = "deploy/test_costs.py"
_SIZING = "documents/test_sizing_page.py"
_PROVIDER = (_TOLD, "test_sentences_by_which_a_provider_s_fault_is_found_are_said")
_SETTINGS = ("settings/test_settings.py", "test_the_page_of_settings_is_the_one_that_the_settings_make")
_IMAGE = (
    "deploy/test_containers_page.py",
    "test_the_page_names_the_user_the_port_the_paths_and_the_signal_of_the_image",
)
_CONNECTION = (_LISTED, "test_the_settings_of_a_connection_are_there_and_the_protocol_s_own_are_all_told")
COMPARED_BY = {
    **dict.fromkeys(EXACT, (_LISTED, "test_a_table_lists_what_there_is")),
    "docs/administration.md: For programs": (_LISTED, "test_the_calls_for_programs_are_all_there_are"),
    "docs/administration.md: Blocks": _OPERATOR,
    "docs/architecture.md: The house": _HOUSE,
    "docs/architecture.md: Who may import whom": (
        "test_architecture.py",
        "test_the_page_of_the_architecture_names_every_part_at_its_level",
    ),
    "docs/architecture.md: How long a module may be": (
        "test_lengths.py",
        "test_a_module_is_short_or_the_page_of_the_architecture_says_why_it_is_not",
    ),
    "docs/architecture.md: How many verbs a class may have": (
        "test_lengths.py",
        "test_a_class_has_few_verbs_or_the_page_of_the_architecture_says_why_it_has_more",
    ),
    "docs/architecture.md: Where do I put ...": _HOUSE,
    "docs/architecture.md: Tests": _HOUSE,
    "docs/audit.md: An entry": ("audit/test_audit.py", "test_every_common_field_is_documented"),
    "docs/audit.md: Events": ("audit/test_audit.py", "test_every_event_and_each_of_its_fields_is_documented"),
    "docs/audit.md: From CloudTrail to the decision": (
        _TOLD,
        "test_entries_that_lead_from_cloudtrail_to_a_decision_have_those_fields",
    ),
    "docs/authorization-server.md: The authorization server: how command lines are let in": (
        _LISTED,
        "test_addresses_of_a_table_are_routes",
    ),
    "docs/aws-clients.md: Stock AWS clients": (
        _COMMANDS,
        "test_every_command_of_a_person_is_one_that_the_program_takes",
    ),
    "docs/aws-clients.md: What has been run, and what has not": (
        _LISTED,
        "test_clients_that_were_run_have_the_versions_that_are_run",
    ),
    "docs/aws-deployment.md: On AWS, with CloudFormation": (
        "deploy/test_aws_deployment_page.py",
        "test_the_stacks_are_made_in_the_order_in_which_they_need_each_other",
    ),
    "docs/aws-deployment.md: Every day": (
        "deploy/test_aws_deployment_page.py",
        "test_every_command_of_the_page_is_one_that_its_program_takes",
    ),
    "docs/backup.md: SQLite": (_TOLD, "test_sentences_that_a_page_explains_are_said"),
    "docs/command-line.md: Commands": (_TOLD, "test_each_command_of_the_table_has_the_options_that_stand_there"),
    "docs/command-line.md: Commands 2": (
        "cli/test_cli_granted.py",
        "test_the_page_names_every_cap_that_the_bridge_tells",
    ),
    "docs/command-line.md: Exit statuses": (
        _TOLD,
        "test_no_exit_status_stands_in_the_table_that_no_command_ends_with",
    ),
    "docs/command-line.md: Environment": (
        "cli/test_cli_program.py",
        "test_every_command_exit_status_and_variable_is_documented",
    ),
    "docs/containers.md: Containers": _IMAGE,
    "docs/containers.md: Build it": (
        "deploy/test_containers_page.py",
        "test_the_page_names_the_base_and_all_that_make_image_takes",
    ),
    **{
        f"docs/costs.md: {heading}": (_COSTS, "test_what_the_page_shows_is_what_comes_of_its_figures")
        for heading in (
            "What was assumed",
            "What was assumed 2",
            "Prices",
            "What comes of it",
            "One machine with SQLite",
            "Kubernetes or compose on machines of your own",
            "The CloudFormation stacks",
        )
    },
    "docs/deployment.md: Change the sealing key 2": (_TOLD, "test_sentences_that_a_page_explains_are_said"),
    "docs/deployment.md: Commands that only look": (
        "operate/test_reading_commands.py",
        "test_the_page_names_every_command_that_only_looks",
    ),
    "docs/deployment.md: Watching it": (_LISTED, "test_addresses_of_a_table_are_routes"),
    "docs/deployment.md: What is counted": (
        "deploy/test_monitoring.py",
        "test_the_page_names_every_metric_with_its_labels",
    ),
    "docs/deployment.md: What waits for you, and what ends": (_TOLD, "test_no_page_names_a_metric_that_is_none"),
    "docs/deployment.md: What waits for you, and what ends 2": _OPERATOR,
    "docs/kubernetes.md: What is yours": (_LISTED, "test_files_of_a_table_are_there"),
    "docs/kubernetes.md: Later": (
        "deploy/test_kubernetes_lines.py",
        "test_kubectl_takes_every_line_and_gets_as_far_as_the_cluster",
    ),
    "docs/notices.md: Kinds": (
        "operator_notices/test_kinds.py",
        "test_every_kind_has_its_words_its_golden_text_and_its_row_in_the_page",
    ),
    "docs/oidc.md: Settings": _CONNECTION,
    "docs/oidc.md: Where we are stricter than the standards": (
        "attacks/oidc/test_oidc_stricter.py",
        "test_the_table_and_what_holds_it_name_the_same_rows",
    ),
    "docs/personal-data.md: Personal data": _OPERATOR,
    "docs/personal-data.md: In the database": (
        _PERSONAL,
        "test_every_column_is_told_as_being_about_a_person_or_not",
    ),
    "docs/personal-data.md: In the database 2": (
        _PERSONAL,
        "test_every_column_is_told_as_being_about_a_person_or_not",
    ),
    "docs/personal-data.md: In the browser": (_PERSONAL, "test_every_cookie_is_told"),
    "docs/portal.md: Bookmarks": (
        "browser/test_browser_console.py",
        "test_the_page_of_a_role_opens_where_and_as_long_as_chosen_and_its_bookmark_says_the_same",
    ),
    "docs/portal.md: What was granted": (_TOLD, "test_the_caps_of_a_grant_stand_in_the_order_of_the_pages_own"),
    "docs/portal.md: Refusals": (_TOLD, "test_a_code_that_people_are_told_about_is_one_of_a_refusal"),
    "docs/releasing.md: Expand first, contract a release later": ("conformance/test_store_expansion.py", "RETIRED"),
    "docs/revocation.md: At three in the morning": _OPERATOR,
    "docs/revocation.md: One operation ends all of it": (_LISTED, "test_the_calls_for_programs_are_all_there_are"),
    "docs/revocation.md: What lies in an account": (
        _LISTED,
        "test_what_lies_in_an_account_has_the_names_that_the_settings_give",
    ),
    "docs/revocation.md: The permissions, and why they are least": (
        "documents/test_revocation_page.py",
        "test_every_permission_of_the_revoking_role_has_its_reason",
    ),
    "docs/revocation.md: What holds these promises": (
        "documents/test_revocation_page.py",
        "test_every_test_that_the_page_names_is_there",
    ),
    "docs/rules.md: What a rule grants": (
        "mapping/test_mapping_documentation.py",
        "test_every_key_of_a_grant_is_named_in_the_documentation",
    ),
    "docs/rules.md: What AWS would refuse": (
        "mapping/test_refused_at_loading.py",
        "test_the_documented_table_has_a_row_for_each_case_and_no_other",
    ),
    "docs/saml.md: What is checked, where, in which order": (_LISTED, "test_files_of_a_table_are_there"),
    "docs/saml.md: Where we are stricter than SAML": (
        "attacks/saml/test_stricter_than_saml.py",
        "test_every_row_of_the_document_is_tried_here_and_the_other_way_round",
    ),
    "docs/saml.md: What is not checked": (
        "attacks/saml/test_stricter_than_saml.py",
        "test_every_row_of_the_document_is_tried_here_and_the_other_way_round",
    ),
    "docs/saml.md: Settings of a connection": _CONNECTION,
    "docs/sandbox.md: The demo": (_LISTED, "test_files_of_a_table_are_there"),
    "docs/sandbox.md: What is there": (_LISTED, "test_the_calls_of_sts_are_those_that_the_local_aws_answers"),
    "docs/sandbox.md: To be refused for the right reason": (
        _TOLD,
        "test_what_the_local_aws_tells_of_a_refusal_is_said_there",
    ),
    "docs/scim.md: A token": _OPERATOR,
    "docs/scim.md: A client that stopped calling": (
        _TOLD,
        "test_the_metrics_of_scim_stand_in_the_table_of_metrics_with_the_same_labels",
    ),
    **{f"docs/settings.md: {heading}": _SETTINGS for heading in ("Settings", "SAML connections", "OIDC connections")},
    "docs/settings.md: Secrets": _SETTINGS,
    "docs/sizing.md: What is assumed": (_SIZING, "test_the_busiest_minute_is_what_was_assumed_times_what_was_measured"),
    "docs/sizing.md: The busiest minute": (
        _SIZING,
        "test_the_busiest_minute_is_what_was_assumed_times_what_was_measured",
    ),
    "docs/sizing.md: The database": (_SIZING, "test_the_database_is_rows_times_their_bytes"),
    "docs/sizing.md: What the store uses": (
        "conformance/test_features_of_postgresql.py",
        "test_the_page_lists_what_is_used",
    ),
    "docs/store.md: The store": ("conformance/test_store_schema.py", "test_the_page_shows_the_rights_of_each_table"),
    "docs/store.md: What a power failure may take": (
        "conformance/test_store_durability.py",
        "test_each_verb_commits_as_the_table_in_the_documentation_says",
    ),
    "idp_metadata/entra/README.md: What goes wrong": _PROVIDER,
    "idp_metadata/generic/README.md: What goes wrong": _PROVIDER,
    "idp_metadata/generic/README.md: Any other OpenID Connect provider 2": _PROVIDER,
    "idp_metadata/google/README.md: What goes wrong": _PROVIDER,
    "idp_metadata/okta/README.md: What goes wrong": _PROVIDER,
}
"""Of a table: the test that compares what it lists with what there is."""
MEASURED = {
    "docs/aws-clients.md: Which client takes which way",
    "docs/deployment.md: What people notice of it",
    "docs/performance.md: Many rules",
    "docs/performance.md: Speed and memory",
    "docs/performance.md: Speed and memory 2",
    "docs/performance.md: Speed and memory 3",
    "docs/performance.md: The ledger of live grants",
    "docs/performance.md: What the audit is asked",
    "docs/performance.md: Where a grant's CPU time goes",
    "docs/performance.md: Where a sign-in's CPU time goes",
}
"""What came of a run, which no test makes again."""
WORDS = {
    "CONTRIBUTING.md: Contributing",
    "README.md: Federation bridge",
    "README.md: Find your way",
    "docs/administration.md: Pages",
    "docs/administration.md: The register from AWS's list",
    "docs/administration.md: Which sign-in it asks for",
    "docs/architecture.md: Our own words",
    "docs/audit.md: Seals",
    "docs/aws.md: Each night 2",
    "docs/aws.md: Each night 3",
    "docs/aws.md: Two types of provider",
    "docs/backup.md: After a restore",
    "docs/backup.md: Backup and restore",
    "docs/command-line.md: Signing in",
    "docs/deployment.md: Change each key",
    "docs/deployment.md: Change the sealing key",
    "docs/deployment.md: Choose how",
    "docs/deployment.md: From bare Debian to the first sign-in",
    "docs/deployment.md: Many clients, slow clients",
    "docs/deployment.md: What `check` says 2",
    "docs/personal-data.md: Beside the database",
    "docs/portal.md: Finding a role",
    "docs/portal.md: The console",
    "docs/revocation.md: What ends, by what, and how fast",
    "docs/revocation.md: Who is denied",
    "docs/rules.md: Several files",
    "docs/sandbox.md: How much of it is known",
    "docs/scim.md: SCIM",
    "docs/scim.md: Settings",
    "docs/security-model.md: Who is trusted with what",
    "docs/sign-out.md: Signing out, and what a provider ends",
    "docs/sizing.md: Where these facts are from",
    "idp_metadata/generic/README.md: Any other OpenID Connect provider",
}
"""What lists no code: explanations, of which tests hold single promises."""


def test_every_table_is_known_as_compared_measured_or_words() -> None:
    assert sorted([*COMPARED_BY, *MEASURED, *WORDS]) == sorted(TABLES)


@pytest.mark.parametrize("name", COMPARED_BY)
def test_the_test_that_compares_a_table_is_there(name: str) -> None:
    file, test = COMPARED_BY[name]
    assert test in (ROOT / "tests" / file).read_text("utf-8")
