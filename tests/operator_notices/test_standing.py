"""What lasts until an operator sees to it is told at its time, once for all nodes, and each day while it lasts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from block_factories import block
from databases import OwnDatabase
from notice_factories import BRIDGE
from store_factories import entry

from federation_bridge.administration.scim_tokens import new_token
from federation_bridge.audit import AuditQuery, Entry, Recorded, RulebookEmergency, RulebookEmergencySeen
from federation_bridge.connectors.standing import Ending, Standing
from federation_bridge.errors import Unavailable
from federation_bridge.model import RequestOrigin
from federation_bridge.operator_notices.kinds import followed
from federation_bridge.operator_notices.standing import Counts, StandingNotices
from federation_bridge.settings import NOTICE_KINDS, Settings, settings_from
from federation_bridge.store import Store
from federation_bridge.store.follow_ups import TELL
from federation_bridge.store.readiness import Readiness
from federation_bridge.upkeep import Seen

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
EMERGENCY = RulebookEmergency("ada", "an outage", 7, "digest", "it is marked")


class Stands:
    """An upkeep that sees what a test says."""

    def __init__(self, waits: str = "", *endings: Ending, ours: tuple[Ending, ...] = ()) -> None:
        self.now = Seen({"corp": Standing(waits, endings)}, ours)

    def seen(self) -> Seen:
        return self.now


def settings(*kinds: str, scim: bool = False) -> Settings:
    one: dict[str, Any] = {"protocol": "saml", "title": "Company", "metadata_file": "idp.xml"}
    hook = {"url": "https://hooks.example.com/", "secret": {"environment": "X"}, "kinds": kinds or NOTICE_KINDS}
    document = {"base_url": BRIDGE, "rules": "r", "accounts": "a", "notices": {"webhook": {"ops": hook}}}
    return settings_from({**document, "connections": {"corp": {**one, **({"scim": {}} if scim else {})}}}, Path("/x"))


def node(own_database: OwnDatabase, stands: Stands, made: Settings | None = None, **more: Any) -> StandingNotices:
    store, told = own_database.open(), made or settings()
    store.follow(followed(told))
    facts: dict[str, Any] = {"machine": "node-1", **more}
    return StandingNotices(store, told, stands, own_database.clock, **facts)  # type: ignore[arg-type]


def due(store: Store) -> list[Recorded]:
    """What was told, the oldest first."""
    return list(store.audit.found(AuditQuery(event="notice.due")))[::-1]


def told(*nodes: StandingNotices, kind: str = "") -> list[str]:
    """What these nodes tell now, each looking twice."""
    store = nodes[0].store
    before = len(due(store))
    for _ in range(2):
        for one in nodes:
            one.look()
    found = due(store)[before:]
    return [str(row.details["detail"]) for row in found if kind in ("", row.details["kind"])]


@pytest.fixture(autouse=True)
def _all_else_is_well(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The held clock is not PostgreSQL's, and nobody seals here: what a test is about is something else."""
    monkeypatch.setattr(Readiness, "problem", lambda _self: None)
    if "seal" not in request.node.name:
        monkeypatch.setattr(StandingNotices, "_audit", lambda _self: iter(()))


def test_an_end_is_told_at_each_threshold_once_for_all_nodes(own_database: OwnDatabase) -> None:
    ends_at = own_database.clock() + 61 * DAY
    stands = Stands("", Ending("metadata", "", ends_at, "nobody signs in then"))
    nodes = [node(own_database, stands) for _ in range(2)]
    said = []
    for left in (61, 60, 59, 31, 30, 8, 7, 6, 2, 1, 0, -1):
        own_database.clock.now = ends_at - left * DAY
        said += told(*nodes)
    assert said == [
        f"The metadata ends {ends_at.date()}, in {days} days; nobody signs in then." for days in (60, 30, 7, 1, 0)
    ]
    (first, *_) = due(nodes[0].store)
    assert (first.connection, first.details["about"], first.reference) == ("corp", "metadata", "notice.due")


def test_our_own_end_is_told_without_a_connection(own_database: OwnDatabase) -> None:
    ours = Ending("certificate of our own key aws-saml", "k1", own_database.clock() + DAY / 2, "AWS does not look")
    one = node(own_database, Stands(ours=(ours,)))
    assert len(told(one)) == 1
    assert due(one.store)[0].connection == ""


def test_what_waits_is_told_each_day_and_when_something_else_waits(own_database: OwnDatabase) -> None:
    stands = Stands("new signing keys ab")
    nodes = [node(own_database, stands) for _ in range(2)]
    said = []
    for _ in range(6):
        said += told(*nodes)
        own_database.clock.advance(10 * HOUR)
    assert said == ["new signing keys ab."] * 3
    stands.now = Stands("new signing keys cd").now
    assert told(*nodes) == ["new signing keys cd."]
    stands.now = Stands().now
    own_database.clock.advance(3 * DAY)
    assert told(*nodes) == []


def test_what_is_told_stands_with_the_errand_that_tells_it(own_database: OwnDatabase) -> None:
    one = node(own_database, Stands("new signing keys ab"))
    one.look()
    (row,) = due(one.store)
    assert [errand.subject for errand in one.store.errands.waiting(TELL)] == [str(row.number)]


def test_a_node_that_ends_before_its_mark_stands_tells_it_again_and_not_never(
    own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = node(own_database, Stands("new signing keys ab"))
    change = type(one.store.service_marks).change

    def dies(marks: Any, name: str, *more: Any, **words: Any) -> bool:
        if name.startswith("notice metadata"):
            raise Unavailable("gone")
        return change(marks, name, *more, **words)

    with monkeypatch.context() as broken, pytest.raises(Unavailable):
        broken.setattr(type(one.store.service_marks), "change", dies)
        one.look()
    assert told(one) == ["new signing keys ab."]
    assert len(due(one.store)) == 2


def test_a_kind_that_no_place_wants_is_not_told(own_database: OwnDatabase) -> None:
    one = node(own_database, Stands("new signing keys ab"), settings("scim.quiet"))
    assert told(one) == []


# -------------------------------------------------------------------------------------------------------- the nodes


def nodes_say(
    store: Store, now: datetime, *said: tuple[str, str, str], since: timedelta = HOUR, ago: timedelta = MINUTE
) -> None:
    rows = [
        {"name": name, "version": version, "problem": problem}
        | {"since": (now - since).isoformat(), "seen_at": (now - ago).isoformat()}
        for name, version, problem in said
    ]
    store.service_marks.change("nodes", store.service_marks.value("nodes"), json.dumps(rows))


def test_nodes_that_decide_by_different_versions_are_told_once_a_day(own_database: OwnDatabase) -> None:
    one, now = node(own_database, Stands()), own_database.clock()
    nodes_say(one.store, now, ("a/1", "v1" * 10, ""), ("a/2", "v1" * 10, ""), ("b/1", "v2" * 10, ""))
    sentence = "Nodes decide by different versions of the rulebook: v1v1v1v1v1v1 on a/1, a/2; v2v2v2v2v2v2 on b/1."
    assert told(one) == [sentence]
    nodes_say(one.store, now, ("a/1", "v1", ""), ("b/1", "v1", ""))
    own_database.clock.advance(DAY)
    assert told(one) == []


@pytest.mark.parametrize(
    "when", [{"since": 4 * MINUTE}, {"ago": 4 * MINUTE}], ids=["that have just followed", "that have ended"]
)
def test_nodes_are_not_said_to_differ(own_database: OwnDatabase, when: dict[str, timedelta]) -> None:
    one, now = node(own_database, Stands()), own_database.clock()
    nodes_say(one.store, now, ("a/1", "v1", ""), ("b/1", "v2", ""), **when)
    assert told(one) == []


def test_a_node_that_cannot_use_its_rules_is_told_by_its_name(own_database: OwnDatabase) -> None:
    one = node(own_database, Stands())
    nodes_say(one.store, own_database.clock(), ("a/1", "", "line 3: no such role"), ("b/1", "v1", ""))
    assert told(one) == ["a/1: line 3: no such role."]


def test_a_machine_whose_clock_or_database_is_wrong_says_so_itself(
    own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [node(own_database, Stands(), machine=machine) for machine in ("a", "a", "b")]
    for one in nodes[:2]:
        monkeypatch.setattr(one.store._readiness, "problem", lambda: "this node's clock is 90 s from the database's")
    assert told(*nodes) == ["a: this node's clock is 90 s from the database's."]


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
