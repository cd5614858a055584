# ruff: noqa: F811 - fixtures are named where they are asked for
"""Many notices, slow places and forged errands: nothing is buried, nothing is sent without end, nobody is fooled."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from databases import OwnDatabase
from delivery_fixtures import EMERGENCY, Node, kinds_waiting, node, ops, settings  # noqa: F401 - a fixture

from federation_bridge.audit import AuditQuery, NoticeDue, SignedOut, VerifiersDisagreed
from federation_bridge.operator_notices.delivery import FEW, TELL_PLACE, SendToPlace, TellPlaces, waits_for
from federation_bridge.operator_notices.places import Answer
from federation_bridge.store.follow_ups import TELL


def test_two_places_that_refuse_all_are_not_told_of_each_other_for_ever(own_database: OwnDatabase) -> None:
    one = node(own_database, settings(broken={}, other={}))
    for place in one.places.values():
        place.answer = Answer("refused", "answered 404")
    one.record(EMERGENCY)
    one.work()
    kinds = [row.details["kinds"] for row in one.store.audit.found(AuditQuery(event="notices.given_up"))]
    assert kinds.count({"rulebook.emergency": 1}) == 2
    assert kinds.count({"notices.failed": 1}) == 2
    assert len(kinds) == 4
    assert kinds_waiting(one.store) == {}


def test_a_flood_of_one_kind_buries_no_other_kind(sqlite_database: OwnDatabase) -> None:
    """Whoever breaks the glass could cause many notices before that tell of something else."""
    one = node(sqlite_database, settings(ops={}))
    place = one.places["webhook/ops"]
    one.record(*[VerifiersDisagreed(f"number {number}") for number in range(60)])
    one.record(EMERGENCY)
    one.work()
    (message,) = place.messages
    assert [told.kind for told in message.notices[:2]] == ["verifiers.disagree", "rulebook.emergency"]
    assert message.more == {"verifiers.disagree": 11}


def test_a_place_that_is_slow_keeps_no_other_waiting_for_longer_than_one_message(own_database: OwnDatabase) -> None:
    one = node(own_database, settings(ops={}, slow={}))
    one.record(EMERGENCY, EMERGENCY, EMERGENCY)
    tell = TellPlaces(one.store, one.settings)
    for errand in one.store.errands.waiting(TELL):
        tell(errand)
    send = SendToPlace(one.store, one.settings, one.places, one.clock)
    (errand,) = [each for each in one.store.errands.waiting(TELL_PLACE) if each.subject == "webhook/slow"]
    for sent, again in ((1, timedelta(0)), (2, timedelta(0)), (3, None)):
        assert send(errand) == again
        assert len(one.places["webhook/slow"].messages) == sent


def test_what_waited_for_days_is_given_up_once_it_was_tried(sqlite_database: OwnDatabase) -> None:
    one = node(sqlite_database, settings(ops={}))
    place = one.places["webhook/ops"]
    one.record(EMERGENCY)
    sqlite_database.clock.advance(timedelta(days=4))  # no node ran meanwhile
    place.answer = Answer("retried", "answered 503")
    one.work()
    assert len(place.messages) == 1
    sqlite_database.clock.advance(timedelta(minutes=1))
    one.work()
    assert len(place.messages) == 1
    assert kinds_waiting(one.store) == {}
    (row,) = one.store.audit.found(AuditQuery(event="notices.given_up"))
    assert (row.details["problem"], row.details["count"]) == ("answered 503", 1)


def test_many_at_once_are_one_message_and_none_is_lost(ops: Node) -> None:
    place = ops.places["webhook/ops"]
    ops.record(*[VerifiersDisagreed(f"number {number}") for number in range(FEW + 70)])
    ops.work()
    (message,) = place.messages
    assert len(message.notices) == 50
    assert message.more == {"verifiers.disagree": FEW + 20}
    assert kinds_waiting(ops.store) == {}


def test_a_place_gets_few_messages_in_ten_minutes_and_the_rest_in_one(sqlite_database: OwnDatabase) -> None:
    one = node(sqlite_database, settings(ops={}))
    place = one.places["webhook/ops"]
    for number in range(60):
        one.record(VerifiersDisagreed(f"number {number}"))
        one.work()
        sqlite_database.clock.advance(timedelta(seconds=1))
    assert len(place.messages) == 6
    sqlite_database.clock.advance(timedelta(minutes=10))
    one.work()
    assert len(place.messages) == 7
    assert [one.sentence for message in place.messages for one in message.notices] == [
        f"number {number}" for number in range(56)
    ]
    assert place.messages[-1].more == {"verifiers.disagree": 4}


def test_a_place_that_the_settings_name_no_more_waits_for_nothing(own_database: OwnDatabase) -> None:
    made = settings(ops={}, gone={})
    before = node(own_database, made)
    before.places["webhook/gone"].answer = Answer("retried", "answered 503")
    before.record(EMERGENCY)
    TellPlaces(before.store, made)(before.store.errands.waiting(TELL)[0])
    assert len(before.store.errands.waiting(waits_for("webhook/gone", "rulebook.emergency"))) == 1
    after = node(own_database, settings(ops={}))
    after.work()
    assert len(after.places["webhook/ops"].messages) == 1
    assert kinds_waiting(after.store) == {}


def test_a_forged_errand_tells_no_entry_that_is_not_meant_for_operators(ops: Node) -> None:
    ops.record(SignedOut())
    for subject in ("1", "99999", "-1", "one", "1 OR 1=1", "٣", "9" * 30, "9" * 200):
        ops.store.errands.ask(TELL, subject)
        ops.store.errands.ask(waits_for("webhook/ops", "rulebook.emergency"), subject)
    ops.store.errands.ask(TELL_PLACE, "webhook/ops")
    ops.work()
    assert ops.places["webhook/ops"].messages == []
    assert kinds_waiting(ops.store) == {}


@pytest.mark.parametrize("mark", ["no JSON", "{}", "[1]", '["x"]', json.dumps(["2999-01-01T00:00:00+00:00"] * 9)])
def test_a_forged_mark_keeps_no_notice_back(ops: Node, mark: str) -> None:
    ops.store.service_marks.change("notices sent to webhook/ops", None, mark)
    ops.record(EMERGENCY)
    ops.work()
    assert len(ops.places["webhook/ops"].messages) == 1


def test_a_notice_that_nobody_foresaw_as_a_kind_is_told_nowhere(ops: Node) -> None:
    ops.record(NoticeDue("no.such.kind", "x"))
    ops.work()
    assert kinds_waiting(ops.store) == {}
