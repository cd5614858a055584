"""What lasts until an operator sees to it is told at its time, once for all nodes, and each day while it lasts."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from databases import OwnDatabase
from standing_fixtures import DAY, HOUR, MINUTE, Stands, all_else_is_well, due, node, settings, told  # noqa: F401 - a fixture

from federation_bridge.connectors.standing import Ending
from federation_bridge.errors import Unavailable
from federation_bridge.store import Store
from federation_bridge.store.follow_ups import TELL


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
