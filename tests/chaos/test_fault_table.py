"""The fault table: what may fail around the bridge, and the test that holds what happens then. No name in it is dead.

Of each fault the rule is the same. Nothing is done twice or half, nothing that was promised is lost, health goes on
being answered, nobody waits for what they do not need, and the service goes on by itself when the fault is over.
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
    "conformance/test_store_durability.py": {
        "power loss: what waits for the disk": (
            "test_each_verb_commits_as_the_table_in_the_documentation_says",
            "test_a_durable_commit_after_an_ordered_one_waits_again",
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
    "observers/test_observers.py": {
        "a line torn by a kill": ("test_a_line_that_a_killed_process_left_torn_swallows_nothing",),
        "the observers' own work fails": (
            "test_work_that_raises_ends_neither_the_thread_nor_who_put_it_and_its_batch_counts_as_dropped",
        ),
    },
    "test_group_lookup.py": {
        "a directory that cannot be asked": (
            "test_a_directory_that_cannot_be_asked_leaves_the_groups_as_they_were_and_a_gap_never_grants",
            "test_a_directory_that_cannot_be_asked_anew_takes_nothing_and_is_audited",
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
