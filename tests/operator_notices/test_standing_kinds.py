"""Each kind of what lasts is told at its time: emergencies, incidents, restores, quiet clients, late work, counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from block_factories import block
from databases import OwnDatabase
from standing_fixtures import DAY, HOUR, MINUTE, Stands, all_else_is_well, due, node, settings, told  # noqa: F401 - a fixture
from store_factories import entry

from federation_bridge.administration.scim_tokens import new_token
from federation_bridge.audit import Entry, RulebookEmergency, RulebookEmergencySeen
from federation_bridge.model import RequestOrigin
from federation_bridge.operator_notices.standing import Counts

EMERGENCY = RulebookEmergency("ada", "an outage", 7, "digest", "it is marked")

# ---------------------------------------------------------------------------------- emergencies, incidents, SCIM, work


def test_an_emergency_is_told_each_day_until_somebody_has_seen_to_it(own_database: OwnDatabase) -> None:
    one, clock = node(own_database, Stands()), own_database.clock
    one.store.audit.record(Entry(clock(), RequestOrigin("r"), EMERGENCY))
    assert told(one) == []  # the entry itself has told
    clock.advance(DAY)
    assert told(one) == ["ada put version 7 in force 1 days ago, and nobody has seen to it."]
    clock.advance(DAY)
    assert len(told(one)) == 1
    one.store.audit.record(Entry(clock(), RequestOrigin("r"), RulebookEmergencySeen("bob", "fine", 7)))
    clock.advance(DAY)
    assert told(one) == []


def test_an_incident_is_told_each_day_until_it_ends_and_a_block_of_a_person_never(own_database: OwnDatabase) -> None:
    one, clock = node(own_database, Stands()), own_database.clock
    for made in (block(clock(), "", "incident", "corp/ada"), block(clock(), "corp/alice")):
        one.store.blocks.put(made, lambda _: [entry(clock())])
    assert told(one) == []
    clock.advance(DAY)
    assert told(one) == ["An incident that operator began stands for 1 days. Reason: left the company"]
    one.store.blocks.lift("", "incident", entry(clock()))
    clock.advance(DAY)
    assert told(one) == []


def test_a_restore_that_waits_is_told_each_day_until_it_is_confirmed(own_database: OwnDatabase) -> None:
    nodes, clock = [node(own_database, Stands()) for _ in range(2)], own_database.clock
    store = nodes[0].store
    assert told(*nodes) == []
    store.restorations.begin(clock(), block(clock(), "", "restore"), lambda _: [entry(clock())])
    sentence = "The database was put back to an older state. All that was held has ended, and people wait for a yes."
    assert told(*nodes) == [sentence]
    clock.advance(DAY)
    assert told(*nodes) == [sentence]
    store.restorations.confirm(entry(clock()))
    clock.advance(DAY)
    assert told(*nodes) == []


def test_a_scim_client_that_is_quiet_is_told_each_day(own_database: OwnDatabase) -> None:
    one, clock = node(own_database, Stands(), settings(scim=True)), own_database.clock
    new_token(one.store, clock, lambda size: b"x" * size, "corp")
    clock.advance(23 * HOUR)
    assert told(one) == []
    clock.advance(2 * HOUR)
    assert told(one) == ["Its SCIM client never called: somebody who leaves is not put out before it calls."]
    clock.advance(DAY)
    assert len(told(one)) == 1


def test_entries_without_a_seal_are_told_after_a_while(own_database: OwnDatabase) -> None:
    one, clock = node(own_database, Stands()), own_database.clock
    one.store.audit.record(entry(clock()))
    clock.advance(14 * MINUTE)
    assert told(one) == []
    clock.advance(2 * MINUTE)
    assert told(one) == ["Entries since 2026-03-04 12:00 UTC have no seal."]


def test_work_that_falls_behind_is_told_by_its_kind(own_database: OwnDatabase) -> None:
    one = node(own_database, Stands())
    with one.store.audit.writing() as writing:
        for number in range(501):
            one.store.errands.ask_in(writing, "revocations", str(number))
    assert told(one) == ["501 errands of the kind “revocations” wait."]


# ------------------------------------------------------------------------------------------------------------- counts


def counting(first: Counts) -> tuple[Callable[[], Counts], Callable[[Counts], None]]:
    kept = [first]
    return (lambda: kept[0]), (lambda now: kept.__setitem__(0, now))


def test_a_wrong_setting_is_told_while_people_meet_it_and_not_for_what_was_long_ago(own_database: OwnDatabase) -> None:
    code = ("connection_misconfigured", "corp")
    read, count = counting(Counts({code: 5.0}, {}))
    nodes = [node(own_database, Stands(), counts=read) for _ in range(2)]
    assert told(*nodes) == []  # who knows when those were
    count(Counts({code: 6.0}, {}))
    assert told(*nodes) == ["Requests failed for a setting that is wrong (connection_misconfigured)."]
    assert due(nodes[0].store)[0].connection == "corp"
    own_database.clock.advance(DAY)
    assert told(*nodes) == []
    count(Counts({code: 7.0}, {}))
    assert len(told(*nodes)) == 1


def test_lines_that_do_not_get_out_are_told_by_each_machine_and_those_of_nobody_are_not(
    own_database: OwnDatabase,
) -> None:
    read, count = counting(Counts())
    nodes = [node(own_database, Stands(), counts=read, machine=machine) for machine in ("a", "b", "b")]
    assert told(*nodes) == []
    count(Counts({}, {("log",): 3.0, ("refusal",): 9.0}))
    assert told(*nodes) == [f"3 lines of the log of {machine} did not get out at once." for machine in ("a", "b")]


def test_what_is_told_of_this_machine_needs_no_lease_of_another(own_database: OwnDatabase) -> None:
    # The process that counted it may hold the lease at no minute of its life.
    read, count = counting(Counts())
    one, other = node(own_database, Stands(), counts=read), node(own_database, Stands("new signing keys ab"))
    one.look()
    count(Counts({("x", ""): 1.0}, {}))
    holding, over = threading.Event(), threading.Event()
    waits = other._of_all

    def slow() -> Any:
        holding.set()
        assert over.wait(60)
        yield from waits()

    object.__setattr__(other, "_of_all", slow)
    thread = threading.Thread(target=other.look)
    thread.start()
    assert holding.wait(60)
    assert one.look() == 1
    over.set()
    thread.join()
    assert sorted(str(row.details["kind"]) for row in due(one.store)) == ["metadata.waits", "settings.wrong"]
