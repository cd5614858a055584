"""What `make quick` leaves out: whatever starts programs, browsers or a PostgreSQL, and the files that take longest."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_FOLDERS = {"browser", "chaos", "corpus", "interop", "real_clients", "stories"}
_FIXTURES = {"postgresql_server"}
_FILES = {
    "documents/test_sandbox_page.py",
    "attacks/oauth/test_administration_scope.py",
    "attacks/saml/test_meaning_and_origin.py",
    "attacks/test_ended_while_aws_answers.py",
    "cli/test_cli_network.py",
    "conformance/test_delivery_formats.py",
    "conformance/test_store_provider_endings.py",
    "operate/test_blocking.py",
    "operate/test_publish_keys.py",
    "provisioning/test_scim_at_sign_in.py",
    "provisioning/test_scim_users.py",
    "role_search/test_role_search.py",
    "web/test_account_pages.py",
    "web/test_aws_pages.py",
    "web/test_console_pages.py",
    "web/test_rule_form_pages.py",
    "administration/test_second_person.py",
    "administration/test_second_person_needed.py",
    "administration/test_sign_in_records.py",
    "administration/test_sign_in_records_arrived.py",
    "attacks/saml/test_single_logout.py",
    "attacks/test_scim_zero_bytes.py",
    "aws/test_revocations.py",
    "aws_endings/test_ending_in_aws.py",
    "aws_endings/test_ends_that_hold.py",
    "aws_endings/test_faults_of_revoking.py",
    "aws_endings/test_roles_with_another_boundary.py",
    "cli/test_cli_agent.py",
    "cli/test_cli_named_roles.py",
    "conformance/test_resealing.py",
    "conformance/test_store_expansion.py",
    "conformance/test_store_schema.py",
    "deploy/test_systemd.py",
    "mapping/test_mapping_properties.py",
    "operate/test_backup_commands.py",
    "operate/test_operator_errors.py",
    "operate/test_resealing_command.py",
    "operator_notices/test_delivery.py",
    "operator_notices/test_delivery_bounds.py",
    "operator_notices/test_standing.py",
    "operator_notices/test_standing_kinds.py",
    "provider_events/test_signals.py",
    "settings/test_settings_words.py",
    "test_background_duties.py",
    "test_shown_text.py",
    "web/test_administration_api.py",
    "web/test_administration_api_cursors.py",
    "web/test_administration_accounts_api.py",
    "web/test_administration_changes_pages.py",
    "web/test_administration_changes_refused_api.py",
    "web/test_administration_emergency_pages.py",
    "web/test_administration_reading_pages.py",
    "web/test_administration_changes_api.py",
    "web/test_administration_pages.py",
    "web/test_administration_wishes_api.py",
    "web/test_blocks_page.py",
    "web/test_goes_on.py",
    "web/test_goes_on_attacks.py",
    "web/test_pages_of_several_files.py",
    "web/test_portal.py",
    "web/test_scim_attribute_names.py",
    "web/test_sessions_end_with_sign_in.py",
    "web/test_sessions_need_another_sign_in.py",
    "deploy/test_kubernetes.py",
    "deploy/test_kubernetes_running.py",
    "conformance/test_features_of_postgresql.py",
    "operator_notices/test_beside_requests.py",
    "conformance/test_unknown_outcomes.py",
    "aws/test_account_reading.py",
    "deploy/test_walk.py",
    "rulebook/test_versions_in_the_database.py",
    "aws/test_onboard_command.py",
    "aws/test_onboarding.py",
    "aws/test_onboarding_formats.py",
    "conformance/test_audit_seals.py",
    "conformance/test_audit_sealing.py",
    "deploy/test_compose.py",
    "deploy/test_compose_started.py",
    "deploy/test_image.py",
    "documents/test_audit_example.py",
    "aws/test_account_check.py",
    "aws_endings/test_many_ends.py",
    "sandbox/test_sandbox_managed_policies.py",
    "sandbox/test_sandbox_simulation.py",
    "cli/test_cli_assume.py",
    "cli/test_cli_flight.py",
    "cli/test_cli_picker.py",
    "cli/test_cli_waiting.py",
    "cli/test_cli_bridges.py",
    "cli/test_cli_configure.py",
    "cli/test_cli_last_net.py",
    "cli/test_cli_granted.py",
    "attacks/test_misplaced_secrets.py",
    "attacks/test_administrators_at_once.py",
    "attacks/test_scim_requests.py",
    "provisioning/test_scim_groups.py",
    "web/test_scim_conformance.py",
    "attacks/test_key_rollover.py",
    "cli/test_cli_session.py",
    "administration/test_account_checks.py",
    "administration/test_administration.py",
    "administration/test_administration_commands.py",
    "cli/test_cli_private_folders.py",
    "operate/test_review.py",
    "operate/test_foreseeing.py",
    "connectors/test_saml_second_opinion.py",
    "web/test_static_files.py",
    "web/test_unforeseen.py",
    "test_kept_connections.py",
    "web/test_command_lines_page.py",
    "conformance/test_store_kept_things.py",
    "cli/test_cli_storms.py",
    "aws/test_sign_in_regions.py",
    "attacks/oauth/test_aws_login_renewal.py",
    "web/test_translations.py",
    "test_upkeep.py",
    "attacks/oauth/test_authorization_code.py",
    "attacks/oauth/test_carried_codes.py",
    "attacks/oauth/test_device_guesses.py",
    "attacks/oauth/test_device_login.py",
    "attacks/oauth/test_network_limits.py",
    "attacks/oauth/test_rfc_terms.py",
    "attacks/oauth/test_tokens.py",
    "attacks/oidc/test_oidc_attacks.py",
    "attacks/test_answers_once_more.py",
    "attacks/test_browser_door.py",
    "attacks/test_forged_rows.py",
    "attacks/test_hidden_characters.py",
    "attacks/test_host_header.py",
    "attacks/test_hostile_requests.py",
    "attacks/test_pending_cookies.py",
    "attacks/test_press.py",
    "attacks/test_process_arguments.py",
    "attacks/test_slow_clients.py",
    "attacks/test_unsolicited_answers.py",
    "attacks/test_web_identity_token.py",
    "conformance/test_aws_believes_us.py",
    "aws_clients/test_aws_dialects.py",
    "aws_clients/test_aws_dialects_login.py",
    "conformance/test_oauth_store.py",
    "conformance/test_oauth_store_codes.py",
    "conformance/test_oauth_store_refreshing.py",
    "conformance/test_oidc_settings.py",
    "conformance/test_oidc_settings_claims.py",
    "conformance/test_refusals_of_nobody.py",
    "conformance/test_refusals_while_away.py",
    "conformance/test_sandbox_idp.py",
    "conformance/test_sandbox_idp_oidc.py",
    "conformance/test_store_durability.py",
    "conformance/test_store_lock_order.py",
    "conformance/test_store_races.py",
    "deploy/test_bridge_script.py",
    "deploy/test_cloudformation_lint.py",
    "documents/test_blocks.py",
    "test_aws_limits.py",
    "cli/test_cli_change_of_person.py",
    "cli/test_cli_completion.py",
    "cli/test_cli_console.py",
    "cli/test_cli_doctor.py",
    "cli/test_cli_exec.py",
    "cli/test_cli_faults.py",
    "cli/test_cli_formats.py",
    "cli/test_cli_neutral_profile.py",
    "cli/test_cli_signing_out.py",
    "cli/test_cli_terminal.py",
    "web/test_findable_reasons.py",
    "test_first_start.py",
    "test_forge.py",
    "administration/test_key_rolling.py",
    "operate/test_operator_commands.py",
    "operate/test_reading_commands.py",
    "sandbox/test_sandbox_iam.py",
    "sandbox/test_sandbox_faults.py",
    "sandbox/test_sandbox_saml_verdicts.py",
    "sandbox/test_sandbox_trust_policies.py",
    "sandbox/test_sandbox_sessions.py",
    "sandbox/test_sandbox_session_rights.py",
    "sandbox/test_sandbox_chains.py",
    "sandbox/test_sandbox_signin.py",
    "sandbox/test_sandbox_web_identity.py",
    "sandbox/test_sandbox_web_identity_trust.py",
    "sandbox/test_sandbox_issuer_documents.py",
    "operate/test_serving_unheard.py",
    "operate/test_signed_in.py",
    "aws/test_sts.py",
    "aws/test_sts_answers.py",
    "aws/test_waiting_for_aws.py",
    "web/test_web.py",
    "web/test_web_api.py",
    "web/test_web_forms.py",
    "web/test_web_pages.py",
    "operate/test_worker_modules.py",
    "aws_endings/test_onboarded_accounts.py",
    "aws_endings/test_probe_of_ends.py",
    "aws_endings/test_shared_source_identities.py",
    "attacks/test_agents.py",
    "attacks/test_change_of_person.py",
    "attacks/test_compressed_answers.py",
    "cli/test_cli_clock.py",
    "conformance/test_blocked_people.py",
    "conformance/test_erasing.py",
    "conformance/test_store_failures.py",
    "mapping/test_weekly_hours.py",
    "operate/test_copied_back.py",
    "operate/test_imports_of_commands.py",
    "operate/test_rules_of_several_files.py",
    "sandbox/test_sandbox_command.py",
    "store/test_unfinished.py",
    "web/test_aws_endings_pages.py",
    "web/test_language.py",
    "attacks/test_anonymous_floods.py",
    "provider_events/test_back_channel_logout.py",
    "operator_notices/test_told_places.py",
    "test_two_processes.py",
    "sandbox/test_sandbox_serving.py",
}
"""More than some seconds each on two cores."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Does not even read what would be left out."""
    return True if config.option.markexpr == "not slow" and _is_listed(collection_path) else None


@cache
def _is_listed(path: Path) -> bool:
    if not path.is_relative_to(_HERE) or path == _HERE:
        return False
    inside = path.relative_to(_HERE)
    return inside.parts[0] in _FOLDERS or inside.as_posix() in _FILES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks them `slow`, and puts those first that take longest.

    A file is given to one process whole (`make test`), so that what its tests share is made once. The long ones come
    first: else one process would still be busy when the others have nothing left.
    """
    for item in items:
        if _is_listed(item.path) or _asks_for_a_server(item):
            item.add_marker("slow")
    items.sort(key=lambda item: _turn(item.path))


def _asks_for_a_server(item: pytest.Item) -> bool:
    """By a fixture of its own, or as one of both databases, whose fixture is only named by its parameter."""
    fixtures, call = getattr(item, "fixturenames", ()), getattr(item, "callspec", None)
    return not _FIXTURES.isdisjoint(fixtures) or (call is not None and "postgresql" in call.params.values())


@cache
def _turn(path: Path) -> int:
    """0 for files that start programs and browsers, 1 for other long ones, 2 for all others."""
    if path.is_relative_to(_HERE) and path.relative_to(_HERE).parts[0] in _FOLDERS:
        return 0
    return 1 if _is_listed(path) else 2
