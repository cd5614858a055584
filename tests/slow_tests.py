"""What `make quick` leaves out: whatever starts programs, browsers or a PostgreSQL, and the files that take longest."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_FOLDERS = {"browser", "chaos", "corpus", "interop", "real_clients", "stories"}
_FIXTURES = {"postgresql_server"}
_FILES = {
    "conformance/test_unknown_outcomes.py",
    "aws/test_account_reading.py",
    "rulebook/test_versions_in_the_database.py",
    "aws/test_onboard_command.py",
    "aws/test_onboarding.py",
    "aws/test_onboarding_formats.py",
    "conformance/test_audit_seals.py",
    "documents/test_audit_example.py",
    "aws/test_account_check.py",
    "sandbox/test_sandbox_managed_policies.py",
    "cli/test_cli_flight.py",
    "attacks/test_misplaced_secrets.py",
    "attacks/test_key_rollover.py",
    "cli/test_cli_session.py",
    "administration/test_account_checks.py",
    "administration/test_administration.py",
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
    "conformance/test_aws_dialects.py",
    "conformance/test_oauth_store.py",
    "conformance/test_oidc_settings.py",
    "conformance/test_refusals_of_nobody.py",
    "conformance/test_sandbox_idp.py",
    "conformance/test_store_durability.py",
    "conformance/test_store_lock_order.py",
    "conformance/test_store_races.py",
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
    "sandbox/test_sandbox_saml_verdicts.py",
    "sandbox/test_sandbox_sessions.py",
    "sandbox/test_sandbox_signin.py",
    "sandbox/test_sandbox_web_identity.py",
    "operate/test_serving_unheard.py",
    "operate/test_signed_in.py",
    "aws/test_sts.py",
    "aws/test_waiting_for_aws.py",
    "web/test_web.py",
    "operate/test_worker_modules.py",
    "web/test_wrong_settings.py",
}
"""More than some seconds each on two cores."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Does not even read what would be left out."""
    return True if config.option.markexpr == "not slow" and _is_listed(collection_path) else None


def _is_listed(path: Path) -> bool:
    if not path.is_relative_to(_HERE) or path == _HERE:
        return False
    inside = path.relative_to(_HERE)
    return inside.parts[0] in _FOLDERS or inside.as_posix() in _FILES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks them `slow`."""
    for item in items:
        if _is_listed(item.path) or not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
