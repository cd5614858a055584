# ruff: noqa: F811 - fixtures are named where they are asked for
"""A notice stands with the entry of the audit that it follows from, and each place gets it, whatever falls over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from databases import OwnDatabase
from delivery_fixtures import EMERGENCY, TAKEN, Node, kinds_waiting, node, ops, settings  # noqa: F401 - a fixture

from federation_bridge.audit import AuditQuery, Entry, SignedOut, VerifiersDisagreed
from federation_bridge.errors import Unavailable
from federation_bridge.model import RequestOrigin
from federation_bridge.operator_notices.delivery import TELL_PLACE
from federation_bridge.operator_notices.places import Answer
from federation_bridge.store.follow_ups import TELL


def test_an_entry_that_tells_something_reaches_each_place_that_wants_its_kind(own_database: OwnDatabase) -> None:
    made = settings(ops={}, security={"kinds": ["verifiers.disagree"]})
    one = node(own_database, made)
    one.record(EMERGENCY)
    one.record(VerifiersDisagreed("they differ"), EMERGENCY)
    one.work()
    assert [message.notices[0].kind for message in one.places["webhook/ops"].messages] == [
        "rulebook.emergency",
        "verifiers.disagree",
        "rulebook.emergency",
    ]
    assert [message.notices[0].kind for message in one.places["webhook/security"].messages] == ["verifiers.disagree"]
    assert kinds_waiting(one.store) == {}
    assert one.counted == {("rulebook.emergency", "sent"): 2, ("verifiers.disagree", "sent"): 2}


def test_a_notice_stands_if_and_only_if_its_entry_does(ops: Node) -> None:
    def undone() -> None:
        with ops.store.audit.writing() as writing:
            writing.record(Entry(ops.clock(), RequestOrigin("ref"), EMERGENCY))
            raise Unavailable("the rest of the change fails")

    with pytest.raises(Unavailable):
        undone()
    assert kinds_waiting(ops.store) == {}
    ops.record(EMERGENCY)
    assert kinds_waiting(ops.store) == {TELL: 1}


def test_an_entry_that_tells_nobody_anything_asks_for_nothing(own_database: OwnDatabase) -> None:
    one = node(own_database, settings(ops={"kinds": ["scim.quiet"]}))
    one.record(EMERGENCY, SignedOut())
    one.record(SignedOut())
    without = node(own_database, settings())
    without.record(EMERGENCY)
    assert kinds_waiting(one.store) == {}


def test_a_node_that_ends_while_it_sends_leaves_the_notice_to_another_under_the_same_id(
    sqlite_database: OwnDatabase,
) -> None:
    made = settings(ops={})
    first, second = node(sqlite_database, made), node(sqlite_database, made)
    first.record(EMERGENCY)
    first.places["webhook/ops"].dies = True
    with pytest.raises(KeyboardInterrupt):
        first.work()
    second.work()
    assert second.places["webhook/ops"].messages == []  # the lease of the first one holds still
    sqlite_database.clock.advance(timedelta(minutes=3))
    second.work()
    assert second.places["webhook/ops"].ids == first.places["webhook/ops"].ids
    assert len(second.places["webhook/ops"].ids) == 1
    assert kinds_waiting(second.store) == {}


def test_a_place_that_does_not_take_it_is_tried_again_ever_more_seldom_until_it_does(
    sqlite_database: OwnDatabase,
) -> None:
    one = node(sqlite_database, settings(ops={}))
    place = one.places["webhook/ops"]
    place.answer = Answer("retried", "answered 503")
    one.record(EMERGENCY)
    tries = []
    for _ in range(120):
        one.work()
        tries.append(len(place.messages))
        sqlite_database.clock.advance(timedelta(seconds=1))
    assert tries[-1] == 6  # at once, then after 2, 4, 8, 16 and 32 seconds
    (waiting,) = one.store.errands.waiting(TELL_PLACE)
    assert waiting.problem == "answered 503"
    place.answer = TAKEN
    sqlite_database.clock.advance(timedelta(minutes=1))
    one.work()
    assert len(set(place.ids)) == 1
    assert one.counted == {("rulebook.emergency", "retried"): 6, ("rulebook.emergency", "sent"): 1}
    assert kinds_waiting(one.store) == {}


def test_a_place_that_is_down_holds_up_no_other(own_database: OwnDatabase) -> None:
    one = node(own_database, settings(down={}, ops={}))
    one.places["webhook/down"].answer = Answer("retried", "answered 503")
    one.record(EMERGENCY)
    one.work()
    assert len(one.places["webhook/ops"].messages) == 1


def test_what_a_place_refuses_for_good_is_given_up_and_told_to_the_others(own_database: OwnDatabase) -> None:
    one = node(own_database, settings(broken={}, ops={}))
    broken, other = one.places["webhook/broken"], one.places["webhook/ops"]
    broken.answer = Answer("refused", "answered 404")
    one.record(EMERGENCY)
    one.work()
    (row,) = one.store.audit.found(AuditQuery(event="notices.given_up"))
    assert row.details == {
        "place": "webhook/broken",
        "problem": "answered 404",
        "count": 1,
        "kinds": {"rulebook.emergency": 1},
    }
    assert [message.notices[0].kind for message in other.messages] == ["rulebook.emergency", "notices.failed"]
    assert len(broken.messages) == 1  # it is not told that it was not told
    assert one.counted["rulebook.emergency", "given_up"] == 1
    assert kinds_waiting(one.store) == {}
