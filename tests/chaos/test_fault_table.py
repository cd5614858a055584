"""The fault table: what may fail around the bridge, and the test that holds what happens then. No name in it is dead.

Of each fault the rule is the same. Nothing is done twice or half, nothing that was promised is lost, health goes on
being answered, nobody waits for what they do not need, and the service goes on by itself when the fault is over.

It is longer than 300 lines because it is one table: whoever adds a fault sees whether it stands there already.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

TABLE: dict[str, dict[str, tuple[str, ...]]] = {
    "chaos/test_killed_at_each_step.py": {
        "kill -9 at each step of sign-in and grant": ("test_kill_9_at_each_step_leaves_all_or_nothing",),
        "power loss at each step": ("test_a_power_failure_at_each_step_takes_nothing_that_was_promised",),
    },
    "aws_endings/test_faults_of_revoking.py": {
        "IAM throttles": ("test_throttled_iam_is_asked_again_until_it_holds",),
        "IAM silent": ("test_an_outage_is_no_reason_to_give_up_and_the_instant_moves_on",),
        "killed between AWS's deny and its note": ("test_a_node_that_dies_between_writing_and_noting_it_is_followed",),
        "two nodes revoke at once": ("test_two_nodes_that_write_at_once_leave_both_ends",),
        "an account is gone": ("test_an_account_that_is_gone_is_told_with_what_to_do",),
        "the revocation policy is detached": (
            "test_what_is_told_to_paste_ends_the_session",
            "test_a_boundary_that_was_put_back_is_noticed",
        ),
        "the revocation policy or the revoking role is gone": ("test_a_policy_or_a_role_that_is_not_there_is_told",),
        "a sixth version": ("test_the_sixth_version_takes_the_place_of_the_oldest",),
        "a foreign hand in the revocation policy": (
            "test_a_foreign_deny_stays_and_an_end_that_somebody_took_out_comes_back",
            "test_a_policy_that_somebody_made_narrower_is_not_written_over",
        ),
        "the revocation policy is full": ("test_a_full_policy_denies_whom_it_holds_and_tells_of_the_others",),
    },
    "provisioning/test_scim_users.py": {
        "the audit takes nothing while SCIM tells of a leaver": (
            "test_an_end_that_cannot_be_audited_is_none_and_the_client_hears_it",
        ),
    },
    "provider_events/test_back_channel_logout.py": {
        "the audit takes nothing while a provider tells of a logout": (
            "test_a_logout_that_cannot_be_audited_ends_nothing_and_counts_when_it_comes_again",
        ),
        "a logout comes twice at once": ("test_a_logout_that_comes_twice_at_once_ends_and_is_audited_once",),
    },
    "provider_events/test_signals.py": {
        "the audit takes nothing while a signal tells of an account": (
            "test_a_signal_that_cannot_be_audited_blocks_nobody_and_counts_when_it_comes_again",
        ),
        "a signal comes twice at once": ("test_a_signal_that_comes_twice_at_once_blocks_and_ends_once",),
    },
    "provisioning/test_scim_at_sign_in.py": {
        "a group is lost while its member signs in": (
            "test_a_group_that_is_lost_while_somebody_signs_in_is_not_in_their_session",
        ),
    },
    "test_errands.py": {
        "a node dies in the middle of an errand": ("test_a_node_that_dies_in_the_middle_is_followed_by_another",),
        "an errand takes longer than its lease": ("test_who_took_longer_than_the_lease_has_it_done_once_more",),
    },
    "conformance/test_store_durability.py": {
        "power loss: what waits for the disk": (
            "test_each_verb_commits_as_the_table_in_the_documentation_says",
            "test_a_durable_commit_after_an_ordered_one_waits_again",
        ),
    },
    "conformance/test_blocked_people.py": {
        "a block while a sign-in is admitted": (
            "test_a_session_that_came_in_at_the_very_moment_is_refused_and_ends_when_the_block_is_lifted",
        ),
        "a block on two nodes": (
            "test_two_nodes_that_block_the_same_person_at_once_leave_one_block",
            "test_an_incident_blocks_all_but_a_list_on_every_node",
        ),
        "killed in the middle of a block": ("test_a_block_that_is_broken_off_blocks_nobody_and_ends_nothing",),
        "the sealing key changed while somebody is blocked": (
            "test_a_block_that_somebody_wrote_over_blocks_all_the_same_and_spares_nobody",
        ),
    },
    "attacks/test_ended_while_aws_answers.py": {
        "an end or a block while AWS is asked": (
            "test_what_aws_answers_after_an_end_reaches_nobody_and_is_named_to_be_ended",
            "test_a_statement_that_is_signed_before_an_end_does_not_leave_after_it",
        ),
    },
    "conformance/test_oauth_store.py": {
        "an end or a block while a family is approved or renewed": (
            "test_an_end_waits_for_an_approval_in_flight_and_reaches_it",
            "test_a_family_ends_whole",
        ),
    },
    "conformance/test_audit_seals.py": {
        "killed between archive file and deletion": (
            "test_a_crash_between_the_archive_file_and_the_deletion_loses_nothing_and_the_next_pass_goes_on",
            "test_a_crash_within_the_deletion_keeps_the_rows",
        ),
        "the archive cannot be written": ("test_nothing_is_deleted_where_the_file_cannot_be_written",),
    },
    "conformance/test_unknown_outcomes.py": {
        "killed between AWS's answer and the audit": (
            "test_a_process_killed_between_awss_answer_and_the_audit_leaves_a_mark",
            "test_many_nodes_mark_it_once",
        ),
    },
    "conformance/test_live_grants.py": {
        "the ledger's line cannot be written": ("test_a_line_that_cannot_be_written_takes_the_entry_with_it",),
        "swept while a grant is written or completed": (
            "test_a_line_swept_while_its_answer_comes_is_written_and_swept_again",
        ),
        "a failover took the ledger's line": ("test_a_line_that_a_failover_took_is_written_anew_when_aws_answers",),
    },
    "web/test_sessions_end_with_sign_in.py": {
        "AWS's answer is lost": (
            "test_an_answer_that_was_lost_leaves_the_line_with_the_latest_end",
            "test_a_no_after_an_answer_that_was_lost_leaves_the_line",
        ),
        "AWS answers a later end than was asked for": (
            "test_a_session_that_outlives_the_sign_in_is_handed_to_nobody",
            "test_a_session_far_longer_than_asked_for_is_refused_though_the_sign_in_lasts",
        ),
    },
    "stories/test_service.py": {
        "a worker ended by TERM, ABRT or KILL": ("test_a_worker_that_ends_takes_nothing_with_it",),
        "a worker that dies while the database is down": (
            "test_a_worker_that_cannot_begin_is_alive_and_not_ready_until_it_can",
        ),
        "workers replaced, service stopped": (
            "test_nobody_is_lost_while_workers_are_replaced",
            "test_when_the_service_stops_everybody_is_answered_or_refused_at_once",
        ),
    },
    "operate/test_serving_unheard.py": {
        "reader of log or second place stopped": (
            "test_a_log_and_a_second_place_that_nobody_reads_hold_up_no_request_and_no_end",
        ),
        "stderr or stdout gone, full or closed": (
            "test_a_log_and_a_second_place_whose_far_end_is_gone_or_full_fail_no_request",
            "test_a_service_begun_with_closed_streams_serves_and_keeps_its_database_whole",
        ),
        "the audit's file cannot be written": ("test_what_a_file_could_not_take_is_sent_again_when_it_can",),
    },
    "operate/test_serving_parent.py": {
        "a worker that hangs at its start": (
            "test_a_worker_that_never_begins_is_ended_and_another_one_begins",
            "test_who_serves_stays_for_as_long_as_a_successor_does_not",
        ),
        "a reload within a start or a reload": (
            "test_ctrl_c_ends_the_start_and_a_reload_does_not",
            "test_a_reload_within_a_reload_replaces_everybody_all_the_same",
        ),
    },
    "test_background_duties.py": {
        "the holder of a lease is killed": ("test_a_lease_whose_holder_is_killed_is_another_nodes_when_it_ends",),
    },
    "observers/test_observers.py": {
        "a line torn by a kill": ("test_a_line_that_a_killed_process_left_torn_swallows_nothing",),
        "the observers' own work fails": (
            "test_work_that_raises_ends_neither_the_thread_nor_who_put_it_and_its_batch_counts_as_dropped",
        ),
    },
    "test_group_lookup.py": {
        "a directory that cannot be asked": (
            "test_a_directory_that_cannot_be_asked_leaves_the_groups_as_they_were_and_a_gap_never_grants",
        ),
    },
    "web/test_metrics.py": {
        "no room for metrics (they have no folder that could go)": (
            "test_where_there_is_no_room_the_count_is_lost_and_told_once_and_nothing_else",
            "test_a_process_goes_on_where_the_one_before_it_ended",
        ),
    },
    "attacks/test_slow_clients.py": {
        "silent clients, half-sent requests, slow readers": (
            "test_slow_clients_cost_no_thread_and_nobody_waits_for_them",
            "test_a_request_has_to_arrive_in_time",
            "test_bodies_together_are_bounded_and_the_oldest_gives_way",
        ),
        "descriptors run out": (
            "test_where_descriptors_run_out_room_is_made_and_nothing_dies",
            "test_with_hardly_any_descriptors_it_says_what_to_do_and_does_not_start",
        ),
        "every thread waits for a silent far side": (
            "test_health_and_what_aws_reads_answer_while_every_thread_waits_for_a_silent_far_side",
        ),
        "clients that go away": ("test_a_client_that_went_away_while_it_waited_is_not_worked_for",),
    },
    "chaos/test_faults_of_a_served_bridge.py": {
        "AWS silent, served": ("test_an_sts_that_says_nothing_holds_up_nobody_who_does_not_ask_it",),
        "PostgreSQL killed and back, served": ("test_a_database_server_that_is_killed_and_comes_back",),
        "SQLite file gone and back, served": ("test_a_database_file_that_is_taken_away_and_put_back",),
    },
    "chaos/test_behind_a_proxy.py": {
        "no node behind the proxy": ("test_without_any_node_people_are_told_when_to_come_again",),
        "a client that forges where it comes from": ("test_the_shown_proxy_does_what_its_file_says",),
        "PostgreSQL paused, under load": ("test_a_silent_database_holds_nobody_and_kills_no_node",),
        "PostgreSQL restarted, under load": ("test_a_database_that_is_restarted_loses_nothing",),
        "PostgreSQL takes few connections": ("test_too_few_connections_are_told_as_503_and_nothing_else",),
        "upgraded one node after the other, under load": ("test_a_rolling_upgrade_over_a_migration_is_seen_by_nobody",),
    },
    "chaos/test_long_days.py": {
        "the same with more nodes, for longer (`make chaos`)": (
            "test_a_rolling_restart_is_seen_by_nobody",
            "test_workers_that_are_replaced_are_missed_by_nobody",
            "test_a_silent_database_holds_nobody_and_kills_no_node",
            "test_a_database_that_is_restarted_again_and_again_loses_nothing",
            "test_too_few_connections_are_told_as_503_and_nothing_else",
        ),
        "a node that is too old for the shape": (
            "test_nodes_of_two_releases_serve_side_by_side_until_the_shape_says_that_one_is_too_old",
        ),
    },
    "aws/test_sts.py": {
        "AWS silent": ("test_a_region_that_is_silent_is_left_after_the_read_timeout",),
        "AWS slow": ("test_an_answer_that_drips_ends_with_its_time",),
        "AWS down": (
            "test_a_region_that_is_down_is_not_asked_after_three_failures_until_a_probe_is_due",
            "test_a_region_that_is_down_does_not_keep_the_next_from_answering",
        ),
    },
    "aws/test_aws_calls.py": {
        "many wait for AWS": ("test_no_more_calls_are_made_at_a_time_than_there_are_places",),
    },
    "aws/test_lifetimes.py": {
        "AWS answers late": ("test_an_sts_that_answers_seven_seconds_late_gives_nothing_past_the_rules_end",),
    },
    "attacks/test_silent_providers.py": {
        "provider silent": (
            "test_in_an_outage_departures_and_known_keys_go_on_with_the_documents_at_hand",
            "test_documents_that_were_never_had_hold_few_requests",
            "test_a_saml_address_that_is_silent_holds_few_requests",
            "test_a_silent_token_endpoint_cannot_hold_every_thread",
            "test_two_silent_providers_together_leave_threads_free",
        ),
    },
    "outgoing/test_outgoing.py": {
        "provider slow": ("test_an_answer_that_drips_is_cut_at_the_time_limit",),
    },
    "conformance/test_store_failures.py": {
        "database down": ("test_every_verb_refuses_while_the_database_is_down",),
        "connections cut": ("test_the_store_comes_back_when_its_connections_were_cut",),
        "database full": ("test_a_full_disk_refuses_and_leaves_nothing_half_written",),
        "a write fails half way": (
            "test_a_sign_in_that_fails_half_way_leaves_nothing",
            "test_a_claim_whose_audit_fails_claims_nothing",
        ),
    },
    "store/test_silent_postgresql.py": {
        "PostgreSQL there, and silent": (
            "test_whoever_asks_a_silent_server_is_told_in_time_and_the_next_one_is_served",
            "test_a_step_that_takes_long_is_waited_for",
        ),
    },
    "conformance/test_store_readiness.py": {
        "database removed or replaced": ("test_a_database_file_that_vanished_under_the_service_takes_nothing_more",),
        "database read-only": (
            "test_a_postgresql_that_takes_no_writes_is_not_ready",
            "test_a_sqlite_file_that_takes_no_writes_is_not_ready",
        ),
        "database nearly full": ("test_a_disk_that_is_nearly_full_is_not_ready",),
        "database silent": ("test_a_database_that_is_silent_holds_one_asker_only",),
        "table gone": ("test_a_table_that_is_gone_is_not_ready",),
        "clock fast": (
            "test_a_fast_clock_opens_no_replay",
            "test_a_node_with_a_fast_clock_sweeps_by_the_databases",
            "test_a_node_whose_clock_is_not_the_databases_is_not_ready",
        ),
    },
    "test_first_start.py": {
        "database or sealing key gone at the start": (
            "test_a_vanished_database_is_no_first_start",
            "test_a_vanished_sealing_key_is_not_made_anew",
        ),
    },
    "chaos/test_rounds.py": {
        "all of it by chance, under load (`make chaos`)": ("test_nothing_is_done_twice_or_lost_whatever_dies",),
    },
}
"""File → fault → the tests that hold it."""

ROWS = [(file, fault, test) for file, faults in TABLE.items() for fault, tests in faults.items() for test in tests]


@cache
def _tests_of(file: str) -> frozenset[str]:
    found = ast.parse((TESTS / file).read_text("utf-8")).body
    return frozenset(one.name for one in found if isinstance(one, ast.FunctionDef))


@pytest.mark.parametrize(("file", "fault", "test"), ROWS)
def test_each_fault_is_held_by_a_test_that_exists(file: str, fault: str, test: str) -> None:
    assert test.startswith("test_")
    assert test in _tests_of(file), f"nobody holds any more: {fault}"


def test_every_test_of_faults_stands_in_the_table() -> None:
    here = {f"chaos/{path.name}" for path in Path(__file__).parent.glob("test_*.py")} - {f"chaos/{Path(__file__).name}"}
    listed = {(file, test) for file, _, test in ROWS}
    missing = {(file, test) for file in here for test in _tests_of(file) if test.startswith("test_")} - listed
    assert not missing
